"""The command stats claims only what the shown papers allow."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.messages import Place
from bot.reports.stats import Record
from bot.reports.stats_words import beside, verdict
from bot.store import pick_log
from bot.store.database import Store
from bot.store.pick_log import LoggedPick
from tests.fakes.clock import Clock
from tests.support.harness import BotHarness, demo_papers, harness_over, paper

PAPERS = demo_papers()[:6]


async def posted(store: Store, clock: Clock, upvotes: int = 0, muted: int = 0) -> BotHarness:
    """A channel whose digest of the day has come, three of six papers; the most upvoted ones are muted."""
    harness = harness_over(store, clock)
    some = [replace(one, upvotes=n * upvotes) for n, one in enumerate(PAPERS)]
    await harness.list_papers(some)
    await harness.invite()
    await harness.say("settings count 3 bar 0")
    await harness.say("subscribe models")
    for one in some[len(some) - muted :]:
        await harness.say(f'subscribe -"{one.title}"')
    harness.clock.now = harness.clock.now.replace(hour=9)
    await harness.beat()
    return harness


async def chosen(harness: BotHarness) -> list[LoggedPick]:
    async with harness.store.read() as tx:
        return await pick_log.for_channel(tx, (await harness.channel()).id)


def cards(harness: BotHarness) -> list[str]:
    return [message.message.card.paper_id for message in harness.chat.shown["c1"] if message.message.card]


async def test_a_digest_remembers_places_fits_and_what_the_most_upvoted_list_had(store: Store, clock: Clock) -> None:
    harness = await posted(store, clock, upvotes=10, muted=2)
    made = await chosen(harness)
    picked = [pick for pick in made if pick.place]
    assert [pick.paper_id for pick in picked] == cards(harness)
    assert [pick.place for pick in picked] == [1, 2, 3]
    assert all(pick.fit is not None and 0 <= pick.fit <= 1 for pick in picked)
    upvoted = {pick.paper_id: pick.upvoted for pick in made if pick.upvoted}
    assert upvoted == {PAPERS[5].id: 1, PAPERS[4].id: 2, PAPERS[3].id: 3}, "of all that could have come, muted or not"
    assert {pick.day for pick in made} == {clock.now.date()}


async def test_where_no_source_counts_upvotes_there_is_no_such_list(sqlite_store: Store, clock: Clock) -> None:
    harness = await posted(sqlite_store, clock)
    assert [pick.upvoted for pick in await chosen(harness)] == [None] * 3
    await harness.react(cards(harness)[0])
    text = (await harness.say("stats")).text
    assert text == (
        "Picks that at least one member liked:\n"
        "• week of 2 Mar: 1 of 3 liked (33%), 0 disliked\n"
        "In all: 1 of 3 liked (33%), 0 disliked."
    )


async def test_stats_say_what_is_known_of_the_most_upvoted_list_and_what_is_not(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await posted(sqlite_store, clock, upvotes=10, muted=2)
    shown = cards(harness)
    one, other = PAPERS[3].id, next(i for i in shown if i != PAPERS[3].id)
    assert set(shown) & {paper.id for paper in PAPERS[3:]} == {one}
    await harness.react(one)
    await harness.react(other)
    await harness.react(other, "👎", member="ben")
    text = (await harness.say("stats")).text
    assert "• week of 2 Mar: 2 of 3 liked (67%), 0 disliked; of the most upvoted 1 of 1 shown here\n" in text
    assert text.endswith(
        "The most upvoted list of these days had 3 papers; 1 came here too, 1 of them liked. The other 2 "
        "nobody here has seen, so it would have brought between 1 and 3 liked papers. It lacked 1 of the 2 picks you "
        "liked.\nIt is too early to tell whether the taste does better than that list: that takes 20 picks that "
        "were on it, and 20 that were not; there are 1 and 2."
    )


async def test_a_quiet_day_remembers_what_the_most_upvoted_list_had(sqlite_store: Store, clock: Clock) -> None:
    harness = await posted(sqlite_store, clock, upvotes=10, muted=6)
    assert cards(harness) == []
    assert [(pick.place, pick.upvoted) for pick in await chosen(harness)] == [(None, 3), (None, 2), (None, 1)]
    assert "No digest has been posted here yet" in (await harness.say("stats")).text


async def test_stats_leave_out_submitted_papers(sqlite_store: Store, clock: Clock) -> None:
    harness = await posted(sqlite_store, clock)
    await harness.list_papers([paper(50)])
    await harness.say("submit 2603.00050")
    await harness.react("2603.00050")
    assert "In all: 0 of 3 liked" in (await harness.say("stats")).text


async def test_stats_of_one_channel_say_nothing_of_another(sqlite_store: Store, clock: Clock) -> None:
    harness = await posted(sqlite_store, clock, upvotes=10)
    other = Place("fake", "c2", name="other")
    await harness.invite(other)
    await harness.react(cards(harness)[0])
    assert "No digest has been posted here yet" in (await harness.say("stats", place=other)).text


async def test_stats_count_weeks_by_the_digests_local_day(sqlite_store: Store, clock: Clock) -> None:
    harness = await posted(sqlite_store, clock)
    clock.advance(timedelta(days=6, hours=23))
    await harness.list_papers(demo_papers()[6:12])
    harness.clock.now += timedelta(hours=2)
    await harness.beat()
    text = (await harness.say("stats")).text
    assert "• week of 2 Mar:" in text
    assert "• week of 9 Mar:" in text


@pytest.mark.parametrize("many", [1, 3, 2_500])
async def test_the_most_upvoted_are_found_among_any_number_of_papers(store: Store, clock: Clock, many: int) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers([paper(n, upvotes=n % 7) for n in range(many)])
    await harness.invite()
    candidates = await harness.app.digests.candidates(await harness.channel(), clock.now.date())
    expected = sorted((n for n in range(many) if n % 7), key=lambda n: (-(n % 7), n))[:4]
    assert candidates.most_upvoted(4) == tuple(f"2603.{n:05d}" for n in expected)


some_ids = st.sets(st.sampled_from("abcdefgh"))


@given(
    picked=st.lists(st.sampled_from("abcdefgh"), unique=True),
    upvoted=st.lists(st.sampled_from("abcdefgh"), unique=True),
    seen=some_ids,
    liked=some_ids,
)
def test_the_record_never_claims_more_than_was_seen(
    picked: list[str], upvoted: list[str], seen: set[str], liked: set[str]
) -> None:
    made = pick_log.merged([LoggedPick(i) for i in picked], upvoted)
    assert {pick.paper_id for pick in made} == set(picked) | set(upvoted)
    assert len(made) == len({pick.paper_id for pick in made})
    assert [pick.paper_id for pick in made if pick.place] == picked
    assert sorted((pick.upvoted, pick.paper_id) for pick in made if pick.upvoted) == list(enumerate(upvoted, 1))
    told = Record.of(made, seen, liked, set())
    assert told.liked_only_here <= told.liked <= told.posted <= len(seen)
    assert told.upvoted_liked <= told.upvoted_shown <= min(told.upvoted, len(seen))
    both = set(picked) & set(upvoted) & seen & liked
    assert told.liked - told.liked_only_here == len(both)
    assert len(beside(told)) == 2 * bool(upvoted)


@pytest.mark.parametrize(
    ("own", "own_liked", "shared", "shared_liked", "begins"),
    [
        (100, 60, 40, 10, "The taste does better than that list: of the picks that were not on it 60% were liked"),
        (100, 20, 40, 24, "The taste does no better than that list: of the picks that were not on it 20% were liked"),
        (100, 50, 40, 17, "Whether the taste does better than that list can't be told yet"),
        (100, 0, 40, 0, "It is too early to tell"),
        (100, 60, 19, 1, "It is too early to tell"),
        (19, 19, 100, 1, "It is too early to tell"),
        (20, 20, 20, 0, "The taste does better than that list"),
    ],
)
def test_stats_say_plainly_whether_the_taste_does_better(
    own: int, own_liked: int, shared: int, shared_liked: int, begins: str
) -> None:
    told = Record(own + shared, own_liked + shared_liked, 0, shared, shared, shared_liked, own_liked, shared)
    assert verdict(told).startswith(begins)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_where_there_is_no_difference_few_are_told_of_one(rate: float) -> None:
    chance = random.Random(0)
    claims = 0
    for _ in range(400):
        own_liked, shared_liked = (sum(chance.random() < rate for _ in range(shown)) for shown in (80, 30))
        told = Record(110, own_liked + shared_liked, 0, 30, 30, shared_liked, own_liked, 30)
        claims += verdict(told).startswith("The taste does")
    assert claims <= 0.07 * 400
