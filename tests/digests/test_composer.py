"""The digest: which papers it brings, that none comes twice, and what it says on a day without papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.digests.composer import DigestComposer
from bot.digests.feedback import EmojiTable
from bot.digests.planning import PreparedDigest
from bot.jobs.ingest import Ingest
from bot.model.messages import Card, Message, Place
from bot.ports.platform import NotAccepted
from bot.sources.base import Refused
from bot.sources.feed import feed_name
from bot.sources.guard import without_private_hosts
from bot.store import deliveries, papers
from bot.store.database import Store
from bot.store.states import DeliveryKind, PostState
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.harness import PLACE, BotHarness, Shelf, demo_papers, harness_over, paper

PAPERS = demo_papers()
OTHER = Place("fake", "c2", name="ml-theory")


async def invited(store: Store, clock: Clock, some: Sequence[Paper] = ()) -> BotHarness:
    harness = harness_over(store, clock)
    await harness.list_papers(some)
    await harness.invite()
    return harness


async def morning(harness: BotHarness) -> str:
    """Today's digest: its header."""
    before = len(harness.chat.shown["c1"])
    harness.clock.now = harness.clock.now.replace(hour=9, minute=0)
    await harness.beat()
    return harness.chat.titles()[before]


def cards(harness: BotHarness, address: str = "c1") -> list[Card]:
    return [message.message.card for message in harness.chat.shown[address] if message.message.card]


def next_day(harness: BotHarness, days: int = 1) -> None:
    harness.clock.now = (harness.clock.now + timedelta(days=days)).replace(hour=8, minute=0)


# -- the header


async def test_a_first_digest_says_how_to_teach_it(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:1])
    assert await morning(harness) == ("1 paper for Monday, 2 March. React with 👍 or 👎: tomorrow's follow your taste.")


async def test_a_digest_by_topics_says_so(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:30])
    await harness.say("subscribe federated")
    assert (await morning(harness)).split(", ", 1)[1].startswith("2 March, after this channel's topics.")


@pytest.mark.parametrize(
    ("members", "words"), [(["ada"], "1 vote by 1 member."), (["ada", "ben"], "2 votes by 2 members.")]
)
async def test_a_learned_digest_counts_votes_and_members(
    sqlite_store: Store, clock: Clock, members: list[str], words: str
) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:30])
    await harness.say("settings bar 0")
    await morning(harness)
    for member in members:
        await harness.react(cards(harness)[0].paper_id, member=member)
    next_day(harness)
    await harness.list_papers(PAPERS[30:60])
    header = await morning(harness)
    assert header == f"5 papers for Tuesday, 3 March, learned from {words}"


# -- what comes


async def test_a_topic_ranks_its_matches_up_and_says_so(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:60])
    await harness.say("subscribe reinforcement learning")
    await morning(harness)
    assert all(card.why.startswith("your topic “reinforcement learning”") for card in cards(harness)[:2])


async def test_a_muted_topic_never_comes(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:60])
    assert (await harness.say("subscribe -learning")).ok
    await harness.say("settings count 10")
    await morning(harness)
    abstracts = {paper.id: f"{paper.title} {paper.abstract}".casefold().replace("-", " ") for paper in PAPERS}
    assert cards(harness)
    assert not [card.title for card in cards(harness) if "learning" in abstracts[card.paper_id].split()]


async def test_nothing_but_muted_papers_is_a_quiet_day_that_says_so(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, [paper(1, "On survey pillows"), paper(2, "Another survey of beds")])
    await harness.say("subscribe -survey")
    await harness.say("settings bar 0")
    assert "all about what this channel muted" in await morning(harness)


async def test_a_mute_that_took_every_paper_is_not_mended_by_a_lower_bar(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, [paper(1, "On survey pillows"), paper(2, "Another survey of beds")])
    await harness.say("subscribe -survey")
    await harness.say("settings bar 0.5")
    header = await morning(harness)
    assert "all about what this channel muted" in header
    assert "bar" not in header


async def liking(harness: BotHarness) -> None:
    """Three days on which all that comes is liked, so that the model begins to guess."""
    await harness.say("settings bar 0")
    for day in range(3):
        await morning(harness)
        for card in cards(harness)[-5:]:
            await harness.react(card.paper_id)
        next_day(harness)
        await harness.list_papers(PAPERS[40 * (day + 1) : 40 * (day + 2)])


async def test_one_card_may_be_a_guess_and_says_so(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:40])
    await liking(harness)
    await morning(harness)
    assert [card.guess for card in cards(harness)[-5:]] == [False, False, False, False, True]
    assert cards(harness)[-1].why == "a guess: tell me with 👍 or 👎"


async def test_a_channel_that_wants_no_guess_gets_a_believed_card_instead(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:40])
    await liking(harness)
    await harness.say("settings guess off")
    assert (await morning(harness)).startswith("5 papers")
    assert not any(card.guess for card in cards(harness)[-5:])


async def test_the_reason_names_the_liked_paper(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:40])
    await liking(harness)
    await morning(harness)
    assert any("because you liked “" in card.why for card in cards(harness)[-5:])


# -- never twice, never lost


async def test_no_paper_comes_twice_in_a_channel_even_after_a_restart(store: Store, clock: Clock) -> None:
    harness = await invited(store, clock, PAPERS[:12])
    await harness.say("settings bar 0")
    await morning(harness)
    for _ in range(3):
        next_day(harness)
        async with harness.store.write() as tx:  # every source tells of them again
            await papers.record(tx, PAPERS[:12], clock(), {p.id: clock.now.date() for p in PAPERS[:12]})
        shelf = harness.shelf
        harness = harness_over(store, clock, harness.chat)
        harness.shelf.lists = shelf.lists
        await harness.app.paper_index.sync()
        await harness.app.scheduler.recover()
        await morning(harness)
        await harness.say(f"submit {PAPERS[0].id}")
    ids = [card.paper_id for card in cards(harness)]
    assert len(ids) == len(set(ids))


async def test_each_channel_has_its_own_place_in_the_news(store: Store, clock: Clock) -> None:
    harness = await invited(store, clock, PAPERS[:12])
    await harness.invite(OTHER)
    await harness.say("schedule 18:00", place=OTHER)
    await morning(harness)
    clock.now = clock.now.replace(hour=18)
    await harness.beat()
    assert len(cards(harness)) == len(cards(harness, "c2")) == 5


async def test_a_card_says_where_else_the_team_has_it_and_how_it_was_liked(store: Store, clock: Clock) -> None:
    harness = await invited(store, clock, PAPERS[:5])
    await harness.invite(OTHER)
    await harness.say("schedule 18:00", place=OTHER)
    await morning(harness)
    first = cards(harness)[0].paper_id
    for member in ("ada", "ben"):
        await harness.react(first, member=member)
    clock.now = clock.now.replace(hour=18)
    await harness.beat()
    notes = {card.paper_id: card.note for card in cards(harness, "c2")}
    assert notes.pop(first) == "already in #ml, 2 👍"
    assert set(notes.values()) == {"already in #ml"}
    assert {card.note for card in cards(harness)} == {""}


async def test_a_channel_of_another_team_is_never_named(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:5])
    await morning(harness)
    strangers = Place("fake", "c3", workspace="another", name="x")
    await harness.invite(strangers)
    await harness.say("schedule 09:05", place=strangers)
    clock.advance(timedelta(minutes=5))
    await harness.beat()
    assert [card.note for card in cards(harness, "c3")] == [""] * 5


async def test_after_days_of_pause_the_digest_looks_back(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:5])
    await morning(harness)
    await harness.say("pause")
    next_day(harness)
    await harness.list_papers(PAPERS[5:8])
    next_day(harness, 10)
    await harness.say("resume")
    assert (await morning(harness)).startswith("3 papers")


async def test_papers_that_a_failed_source_tells_late_still_get_their_chance(store: Store, clock: Clock) -> None:
    harness = await invited(store, clock, PAPERS[:5])
    await morning(harness)
    for _ in range(6):
        next_day(harness)
        await morning(harness)
    next_day(harness)
    await harness.list_papers(PAPERS[5:8], clock.now.date() - timedelta(days=5))
    assert (await morning(harness)).startswith("3 papers")


async def test_papers_of_long_ago_are_no_news_however_late_they_come(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:5])
    await morning(harness)
    next_day(harness)
    await harness.list_papers(PAPERS[5:8], clock.now.date() - timedelta(days=31))
    assert (await morning(harness)).startswith("Nothing new")


async def test_papers_that_were_being_read_in_when_the_digest_was_made_come_with_the_next(
    store: Store, clock: Clock
) -> None:
    harness = await invited(store, clock, PAPERS[:5])
    clock.now = clock.now.replace(hour=9, minute=0)
    heard = clock() - timedelta(hours=3)
    await harness.beat()
    async with harness.store.write() as tx:  # the reading began long before the digest and ends after it
        await papers.record(tx, PAPERS[5:8], heard, {p.id: heard.date() for p in PAPERS[5:8]})
    next_day(harness)
    assert (await morning(harness)).startswith("3 papers")


async def test_a_digest_indexes_stored_papers_first(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock)
    async with harness.store.write() as tx:
        await papers.record(tx, PAPERS[5:8], clock(), {p.id: clock.now.date() for p in PAPERS[5:8]})
    assert (await morning(harness)).startswith("3 papers")


async def test_what_the_index_could_not_take_in_for_a_digest_comes_with_the_next(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:5])
    engine = harness.app.paper_index.engine
    real = engine.add

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    engine.add = full  # type: ignore[method-assign, assignment]
    async with harness.store.write() as tx:
        await papers.record(tx, PAPERS[5:8], clock(), {p.id: clock.now.date() for p in PAPERS[5:8]})
    assert (await morning(harness)).startswith("5 papers")
    engine.add = real  # type: ignore[method-assign]
    next_day(harness)
    assert (await morning(harness)).startswith("3 papers")


async def test_a_paper_that_only_changed_since_the_last_digest_is_no_news_again(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:12])
    await morning(harness)
    next_day(harness)
    await harness.list_papers([replace(paper, upvotes=9) for paper in PAPERS[:12]])
    assert (await morning(harness)).startswith("Nothing new")


async def test_today_shows_what_would_come_and_takes_nothing_from_it(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:12])
    preview = await harness.say("today")
    header = await morning(harness)
    assert preview.text == header.replace("React with", "Vote with"), "emoji on an answer are no votes"
    assert list(preview.cards) == cards(harness)


async def test_a_first_digest_has_what_is_listed_tomorrow_for_a_zone_behind_utc(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await invited(sqlite_store, clock)
    await harness.say("schedule 20:00 daily America/Los_Angeles")
    await harness.list_papers(PAPERS[:5], date(2026, 3, 3))
    clock.now = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
    await harness.beat()
    assert len(cards(harness)) == 5


async def test_papers_whose_cards_were_dropped_come_again(store: Store, clock: Clock) -> None:
    harness = await invited(store, clock, PAPERS[:4])

    def down(message: Message) -> None:
        raise NotAccepted("down", 13 * 3600)

    harness.chat.before = down
    clock.now = clock.now.replace(hour=9, minute=0)
    await harness.beat()
    harness.chat.before = None
    clock.advance(timedelta(hours=14))
    await harness.beat()
    assert {post.state for post in await harness.posts()} == {PostState.DROPPED}
    next_day(harness, 1 if clock.now.hour >= 9 else 0)
    assert (await morning(harness)).startswith("4 papers")


async def test_the_header_counts_what_an_alert_left_over(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:5])
    digests, channel = harness.app.digests, await harness.channel()
    real = digests.prepare

    async def prepare(*given: Any) -> dict[int, PreparedDigest | Exception]:
        prepared = await real(*given)
        await digests.plan_card(channel, PAPERS[0], DeliveryKind.ALERT, "Just listed", clock())
        return prepared

    digests.prepare = prepare  # type: ignore[method-assign, assignment]
    clock.now = clock.now.replace(hour=9, minute=0)
    await harness.beat()
    [header] = [title for title in harness.chat.titles() if " for Monday" in title]
    assert header.startswith("4 papers for Monday")


# -- quiet days


async def test_a_first_digest_of_an_empty_store_is_quiet(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock)
    await harness.app.ingest.run()
    assert await morning(harness) == "Nothing new for Monday, 2 March: no new papers were listed."
    assert cards(harness) == []


async def test_sources_that_have_not_been_read_are_not_said_to_have_listed_nothing(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await invited(sqlite_store, clock)
    assert (await morning(harness)).endswith(
        ": the sources have not been read yet. What they list comes with the next one."
    )
    next_day(harness)
    await harness.app.ingest.run()
    assert (await morning(harness)).endswith(": no new papers were listed.")
    next_day(harness)
    assert "not been read since the last digest" in await morning(harness)


async def test_a_quiet_digest_says_that_it_is_the_weekend(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock)
    next_day(harness, 5)
    await harness.app.ingest.run()
    assert "it is the weekend" in await morning(harness)


async def test_a_quiet_digest_names_a_failed_source_in_clean_text(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock)
    harness.shelf.fails = Refused("It said `/papers pause`\n\n" + "no " * 500, 503)
    await harness.app.ingest.run()
    header = await morning(harness)
    assert header.startswith("Nothing new for Monday, 2 March: shelf could not be read (It said '/papers pause' no no")
    assert len(header) < 400


async def test_a_quiet_digest_quotes_the_note_of_a_source(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock)
    harness.shelf.notes = ("arXiv has a holiday.",)
    await harness.app.ingest.run()
    assert (await morning(harness)).endswith(": arXiv has a holiday.")


async def test_a_quiet_digest_says_how_to_lower_a_high_bar(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:40])
    zeolites = paper(1, "Zeolites and their pores", "Zeolites have pores.")
    await harness.list_papers([zeolites, *PAPERS[40:]], date(2025, 1, 1))
    await harness.say("teach 2603.00001")
    await harness.say("settings bar 0.999")
    header = await morning(harness)
    assert "40 new papers were listed, none close enough" in header
    assert "`/papers settings bar 0.8` lets more through" in header


async def test_a_quiet_digest_says_that_all_papers_were_seen_already(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:2])
    for listed in PAPERS[:2]:
        await harness.say(f"submit {listed.id}")
    assert (await morning(harness)).endswith(": all that was listed has been here already.")


async def test_a_quiet_day_is_recorded_with_its_reason(store: Store, clock: Clock) -> None:
    harness = await invited(store, clock)
    await harness.app.ingest.run()
    await morning(harness)
    channel = await harness.channel(PLACE)
    async with harness.store.read() as tx:
        [kept] = await deliveries.for_channel(tx, channel.id)
    assert (kept.local_date, kept.reason) == (date(2026, 3, 2), "no new papers were listed.")


async def test_a_card_near_to_nothing_that_was_liked_says_so(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.list_papers(demo_papers()[:40], clock.now.date() - timedelta(days=9))
    await harness.list_papers([paper(1, "Medieval tolls", "Tolls were levied."), paper(2, "Bees", "Bees dance.")])
    await harness.invite()
    await harness.say("settings bar 0")
    await harness.say(f"more {demo_papers()[0].id}")
    cards = (await harness.app.digests.compose(await harness.channel(), clock())).cards
    assert [card.why for card in cards] == ["no close match: the best of the rest today"] * 2


async def test_a_quiet_digest_names_only_configured_sources_each_with_its_reason(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await invited(sqlite_store, clock)
    private, dead = Shelf(feed_name("http://10.1.2.3/key/feed.xml")), Shelf("biorxiv")
    private.fails, dead.fails = Refused("10.1.2.3 has no such page (404).", 404), Refused("bioRxiv refused (503).", 503)
    retired = Shelf("retired", fails=Refused("It is gone (410).", 410))
    ingest = Ingest(sqlite_store, harness.app.paper_index, [private, dead, retired], clock, 7)
    await ingest.run()
    digests = DigestComposer(
        sqlite_store, harness.app.paper_index, EmojiTable.of([], []), 3, sources=[private.name, dead.name]
    )
    digest = await digests.compose(await harness.channel(), clock.now)
    number = private.name.partition("(")[2]
    assert digest.quiet == (
        f"biorxiv could not be read (bioRxiv refused (503)); feed a private server ({number} could not be read "
        "(a private server has no such page (404)). What was missed comes when they answer."
    )
    next_day(harness, 5)
    digest = await digests.compose(await harness.channel(), clock.now)
    assert digest.quiet.startswith("it is the weekend"), "a dead feed does not hide that"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.0.0.5 answered with a damaged feed.", "a private server answered with a damaged feed."),
        ("intranet.corp has no such page (404).", "a private server has no such page (404)."),
        ("fd00::1 is inside a private network", "a private server is inside a private network"),
        ("feed wiki (abcdef): wiki could not be reached", "feed a private server (abcdef): a private server could not"),
        (
            "example.org has no such page (404), e.g. at 10:00:00.",
            "example.org has no such page (404), e.g. at 10:00:00.",
        ),
    ],
)
def test_no_private_host_is_told_in_a_channel(text: str, shown: str) -> None:
    assert without_private_hosts(text).startswith(shown)


async def test_what_was_taught_is_neither_card_nor_title_nor_new(store: Store, clock: Clock) -> None:
    harness = await invited(store, clock, PAPERS[:12])
    await harness.say("settings titles 9")
    taught = [listed.id for listed in PAPERS[:4]]
    await harness.say(f"teach {' '.join(taught)}")
    await harness.say("settings bar 0")
    await morning(harness)
    shown = [message.message for message in harness.chat.shown["c1"]]
    ids = {message.card.paper_id for message in shown if message.card}
    ids |= {line.paper_id for message in shown for line in message.lines}
    assert ids
    assert not ids & set(taught)
    assert "taught here" in (await harness.say(f"why {taught[0]}")).text


async def test_a_taught_paper_that_is_taken_back_may_come(sqlite_store: Store, clock: Clock) -> None:
    harness = await invited(sqlite_store, clock, PAPERS[:1])
    await harness.say(f"teach {PAPERS[0].id}")
    assert "all that was listed has been here already" in (await harness.say("today")).text
    await harness.say("undo")
    assert [card.paper_id for card in (await harness.say("today")).cards] == [PAPERS[0].id]
