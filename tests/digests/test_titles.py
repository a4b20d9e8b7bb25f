"""The further titles below a digest's cards: which papers, in which message, and votes on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.digests.composer import DigestComposer
from bot.digests.feedback import EmojiTable
from bot.digests.planning import DigestOrder, PreparedDigest
from bot.model.messages import Message, Reaction
from bot.model.schedule import Hour
from bot.ports.platform import Capabilities
from bot.settings import DigestSettings
from bot.store.database import Store
from bot.store.states import DeliveryKind
from recommender import Feedback
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat, Shown
from tests.support.harness import ADA, BEN, PLACE, BotHarness, demo_papers, harness_over, paper
from tests.support.voting import resync

PAPERS = demo_papers()
TUCKING = Capabilities(
    max_text=4000, lookup=True, reads_reactions=True, threads=True, asides_in_threads=True, numbers=10
)


async def morning(
    store: Store, clock: Clock, chat: FakeChat | None = None, *, count: int = 5, listed: int = 40, **digest: object
) -> BotHarness:
    """A channel whose first digest has come, of so many papers listed."""
    harness = harness_over(store, clock, chat, digest=DigestSettings.model_validate({"count": count, **digest}))
    await harness.list_papers(PAPERS[:listed])
    await harness.invite()
    clock.advance(timedelta(hours=1, minutes=1))
    await harness.beat()
    clock.advance(timedelta(minutes=1))
    return harness


def lists(harness: BotHarness) -> list[Shown]:
    """The messages of titles."""
    return [message for message in harness.chat.shown["c1"] if message.message.further]


def carded(harness: BotHarness) -> list[str]:
    """The papers that had a card."""
    return [message.message.card.paper_id for message in harness.chat.shown["c1"] if message.message.card]


def named(message: Message) -> list[str]:
    """The papers of a list, in their order."""
    return [line.paper_id for line in message.lines]


async def put(harness: BotHarness, emoji: str, on: bool = True, member: str = "ada") -> None:
    """An emoji on the last list."""
    message = lists(harness)[-1].id
    (harness.chat.standing[message].add if on else harness.chat.standing[message].discard)((member, emoji))
    await harness.app.service.react(Reaction(PLACE, message, member, emoji, on, harness.clock()))


async def heard(harness: BotHarness) -> list[Feedback]:
    channel = await harness.channel()
    async with harness.store.read() as tx:
        return list((await harness.app.digests.profile(tx, channel.id)).feedback)


async def test_ten_more_titles_stand_in_one_message_below_the_cards(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock)
    header, *cards, last = (message.message for message in harness.chat.shown["c1"])
    assert len(cards) == 5
    assert all(card.card for card in cards)
    assert header.text.startswith("5 papers for Monday, 2 March. React with")
    assert last.text == "Also today. React with the number of each you like: it counts as a 👍 on a card."
    assert (last.numbered, last.further, last.thread, len(last.lines)) == (True, True, "", 10)
    assert not set(named(last)) & set(carded(harness))
    known = {paper.id: paper for paper in PAPERS}
    assert [(line.url, line.detail, line.note) for line in last.lines] == [
        (known[paper_id].link, "", "") for paper_id in named(last)
    ], "one line each: a title and where it leads"


@pytest.mark.parametrize(
    ("style", "where"),
    [
        ("cards", ", and 10 more titles in the thread."),
        ("compact", ", and 10 more titles in the thread."),
        ("thread", ". All in the thread, with 10 more titles."),
    ],
)
async def test_where_asides_belong_in_threads_the_titles_wait_in_the_headers(
    sqlite_store: Store, clock: Clock, style: str, where: str
) -> None:
    harness = await morning(sqlite_store, clock, FakeChat(TUCKING), style=style)
    header, *_, last = harness.chat.shown["c1"]
    assert where in header.message.text
    assert last.message.thread == header.id
    assert len(last.message.lines) == 10


async def test_a_thread_has_the_titles_after_its_cards_everywhere(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock, style="thread")
    header, *others = harness.chat.shown["c1"]
    assert [one.message.thread for one in others] == [header.id] * 6
    assert others[-1].message.further


async def test_a_compact_digest_has_its_titles_in_a_separate_message(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock, style="compact")
    digest, titles = (message.message for message in harness.chat.shown["c1"])
    assert (digest.further, len(digest.lines), titles.further, len(titles.lines)) == (False, 5, True, 10)
    assert "thread" not in digest.text


@pytest.mark.parametrize(("listed", "titles"), [(5, 0), (6, 1), (12, 7), (15, 10), (16, 10)])
async def test_the_title_list_is_shorter_or_missing_when_few_papers_are_left(
    sqlite_store: Store, clock: Clock, listed: int, titles: int
) -> None:
    harness = await morning(sqlite_store, clock, FakeChat(TUCKING), listed=listed)
    header = harness.chat.shown["c1"][0].message.text
    assert [len(one.message.lines) for one in lists(harness)] == [titles] * bool(titles)
    assert ("1 more title in" in header, f"{titles} more titles in" in header) == (titles == 1, titles > 1)


async def test_a_quiet_day_has_no_titles(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock, bar=0.999)
    await harness.react(carded(harness)[0])
    await harness.next_morning()
    await harness.list_papers([paper(number) for number in range(20)])
    await harness.beat()
    assert harness.chat.titles()[-1].startswith("Nothing new for Tuesday")
    assert len(lists(harness)) == 1


async def test_titles_are_as_many_as_a_platform_has_numbers_for(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock, FakeChat(Capabilities(max_text=4000, lookup=True, numbers=3)))
    assert [len(one.message.lines) for one in lists(harness)] == [3]


async def test_platforms_without_numbered_reactions_get_no_titles(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock, FakeChat(Capabilities(max_text=4000, lookup=True)))
    assert not lists(harness)
    assert len(harness.chat.shown["c1"]) == 6


async def test_a_paper_is_never_both_a_card_and_a_title(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock, bar=0, count=3, listed=0)
    for day in range(10):
        await harness.next_morning()
        await harness.list_papers(PAPERS[20 * day : 20 * day + 20])
        await harness.beat()
        await put(harness, "2️⃣")
    seen = carded(harness) + [paper_id for one in lists(harness) for paper_id in named(one.message)]
    assert len(lists(harness)) == 10
    assert len(seen) == len(set(seen)) == 130


async def test_a_number_teaches_as_a_thumb_on_a_card_does_and_taken_off_is_unlearned(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await morning(sqlite_store, clock)
    before = await heard(harness)
    third = named(lists(harness)[0].message)[2]
    await put(harness, "3️⃣")
    voted = [item for item in await heard(harness) if item.value]
    assert [(one.paper_id, one.value, one.member) for one in voted] == [(third, 1.0, "ada")]
    told = await harness.say(f"why {PAPERS[30].id}")
    assert "this channel has told me nothing yet" not in told.text
    clock.advance(timedelta(seconds=1))
    await put(harness, "3️⃣", on=False)
    assert await heard(harness) == before


async def test_feedback_tells_ignored_titles_from_ignored_cards(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock)
    assert [(item.paper_id, item.glance) for item in await heard(harness)] == [
        *((paper_id, False) for paper_id in carded(harness)),
        *((paper_id, True) for paper_id in named(lists(harness)[0].message)),
    ]


async def test_a_resync_reads_numbers_on_title_lists(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock, FakeChat(TUCKING))
    [one] = lists(harness)
    harness.chat.standing[one.id] = {("ada", "🔟"), ("ben", "1️⃣")}
    since = clock() - timedelta(days=1)
    assert await resync(harness.app.reactions, harness.store, harness.chat, since) == 2
    first, *_, tenth = named(one.message)
    assert {(vote.paper_id, vote.member) for vote in await heard(harness) if vote.value} == {
        (first, "ben"),
        (tenth, "ada"),
    }


async def test_commands_find_the_papers_of_a_title_list_as_those_of_cards(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock)
    first = named(lists(harness)[0].message)[0]
    for command in ("more", "why", "abstract", "similar", "save"):
        assert (await harness.say(f"{command} {first}")).ok, command
    assert "has been here already" in (await harness.say(f"submit {first}")).text
    [line] = [line for line in (await harness.say(f"search {first}")).lines if line.paper_id == first]
    assert "listed 2 Mar, 1 👍" in line.detail
    assert (
        "It was listed by its title here today, 1 👍; no paper comes twice." in (await harness.say(f"why {first}")).text
    )
    asked = await harness.app.service.act_on_message(PLACE, BEN, "why", lists(harness)[0].id)
    assert [line.paper_id for line in asked.lines] == named(lists(harness)[0].message)


async def test_stats_count_cards_alone(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock)
    await put(harness, "1️⃣")
    await harness.react(carded(harness)[0])
    assert "1 of 5 liked" in (await harness.say("stats")).text


async def test_other_channels_hear_of_a_title_only_where_it_was_liked(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock)
    liked, silent = named(lists(harness)[0].message)[:2]
    await put(harness, "1️⃣")
    other = replace(PLACE, address="c2", name="systems")
    await harness.invite(other)
    for paper_id in (liked, silent):
        await harness.say(f"submit {paper_id}", place=other)
    notes = [message.message.card.note for message in harness.chat.shown["c2"] if message.message.card]
    assert notes == ["already in #ml, 1 👍", ""]


class Overtaken(DigestComposer):
    """An alert brings the first of the titles after they were chosen, and before they are planned."""

    async def prepare(self, orders: Sequence[DigestOrder], now: datetime) -> dict[int, PreparedDigest | Exception]:
        made = await super().prepare(orders, now)
        [prepared] = made.values()
        assert isinstance(prepared, PreparedDigest)
        first = next(paper for paper in PAPERS if paper.id == prepared.digest.titles[0].paper_id)
        assert await self.plan_card(orders[0].channel, first, DeliveryKind.ALERT, "New:", now)
        return made


async def test_a_paper_that_an_alert_brought_meanwhile_is_no_title(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock, FakeChat(TUCKING), digest=DigestSettings(count=1))
    await harness.list_papers(PAPERS[:4])
    await harness.invite()
    digests = Overtaken(harness.store, harness.app.paper_index, EmojiTable.of((), ()), 3)
    hour = Hour(clock().date(), clock())
    assert await digests.plan(await harness.channel(), hour, clock(), harness.chat.capabilities)
    await harness.app.delivery_worker.deliver_all()
    [titles] = lists(harness)
    seen = [*carded(harness), *named(titles.message)]
    assert len(seen) == len(set(seen)) == 4
    assert len(titles.message.lines) == 2
    assert any("2 more titles in" in text for text in harness.chat.titles())


# -- the setting


async def test_managers_set_the_number_of_titles(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock, digest=DigestSettings())
    await harness.invite()
    assert (await harness.channel()).titles == 10
    for said, means in (("3", 3), ("off", 0), ("ON", 10), ("0", 0), ("10", 10)):
        assert (await harness.say(f"settings titles {said}", ADA)).text == f"Done: titles is {means}."
        assert (await harness.channel()).titles == means
    for wrong in ("11", "-1", "many", "", "³", "1" * 5000):
        refused = await harness.say(f"settings titles={wrong}")
        assert "is not a number of titles; it is from 0 (none) to 10" in refused.text
        assert refused.field == "titles"
    assert not (await harness.say("settings titles 1", BEN)).ok
    form = (await harness.say("settings")).form
    assert form
    [field] = [field for field in form.fields if field.name == "titles"]
    assert (field.value, field.choices) == ("10", tuple(map(str, range(11))))


async def test_with_titles_set_to_none_there_are_only_cards(sqlite_store: Store, clock: Clock) -> None:
    harness = await morning(sqlite_store, clock, FakeChat(TUCKING), titles=0)
    assert not lists(harness)
    assert "thread" not in harness.chat.titles()[0]
