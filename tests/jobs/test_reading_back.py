"""What was missed is read back from the platform, which may be slow, wrong, or gone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.jobs.reactions import ReactionRecorder
from bot.model.messages import Place, Reaction
from bot.ports.platform import AccessLost, NotAccepted, PlatformError, Rejected
from bot.store import papers
from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import PLACE, demo_papers, harness_over, no_sleep
from tests.support.voting import ONE, OTHER, TABLE, THIRD, heard, read_back, resync, values, with_cards


async def test_a_resync_records_missed_reactions_and_keeps_button_votes(store: Store, clock: Clock) -> None:
    harness = await with_cards(store, clock)
    await harness.react(ONE, "👍", member="ben")
    await harness.say(f"more {OTHER}")
    await harness.say(f"teach {THIRD}")
    clock.advance(timedelta(hours=1))
    harness.chat.standing[harness.chat.message_of(ONE)] = {("cy", "🔥")}  # while nobody listened
    assert await read_back(harness) == 2
    expected = {(ONE, "cy"): 1.0, (OTHER, "ada"): 1.0, (THIRD, "ada"): 1.0}
    assert await values(harness) == expected
    assert await read_back(harness) == 0
    assert await values(harness) == expected


async def test_the_resync_runs_on_start_and_then_daily(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    message = harness.chat.message_of(ONE)
    for emoji, hours, known in (("👍", 0, True), ("👎", 23, False), ("👎", 2, True)):
        harness.chat.standing[message] = {("ada", emoji)}
        clock.advance(timedelta(hours=hours))
        await harness.app.scheduler.tick()
        await harness.settle()
        assert ((ONE, "ada"), TABLE.value(emoji)) in (await values(harness)).items() or not known


async def test_the_resync_leaves_out_old_posts(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    harness.chat.standing[harness.chat.message_of(ONE)] = {("ada", "👍")}
    clock.advance(timedelta(days=8))
    assert await read_back(harness) == 0


async def test_votes_on_both_cards_of_a_paper_that_was_merged_stay(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    early, late = "One paper that was told of under a long working title", "The same one under its final long title"
    twins = [Paper("feed:1", early, "The first telling."), Paper("2603.00001", late, "The second.")]
    await harness.list_papers(twins)
    await harness.invite()
    for twin in twins:
        assert (await harness.say(f"submit {twin.id}")).ok
        clock.advance(timedelta(days=4))
    first, second = (message.id for message in harness.chat.shown["c1"])
    for message, member in ((first, "ada"), (second, "ben")):
        harness.chat.standing[message] = {(member, "👍")}
        await harness.app.service.react(Reaction(PLACE, message, member, "👍", True, clock()))
    clock.advance(timedelta(minutes=1))
    async with harness.store.write() as tx:
        assert (await papers.record(tx, [Paper("2603.00001", early)], clock())).merged == ["feed:1"]
    assert set((await values(harness)).values()) == {1.0}
    before = await heard(harness)
    assert await read_back(harness, days=5) == 0
    assert await heard(harness) == before


@pytest.mark.parametrize("error", [PlatformError("down"), AccessLost("gone"), OSError("reset"), ValueError("odd")])
async def test_a_platform_that_cannot_tell_costs_no_vote_and_delays_no_other_channel(
    sqlite_store: Store, clock: Clock, error: Exception
) -> None:
    class Deaf(FakeChat):
        async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
            if place == PLACE:
                raise error
            return await super().reactions(place, message)

    harness = await with_cards(sqlite_store, clock, Deaf())
    await harness.react(ONE, "👍")
    other = Place("fake", "c2", name="other")
    await harness.invite(other)
    await harness.say(f"submit {ONE}", place=other)
    harness.chat.standing[harness.chat.message_of(ONE, "c2")] = {("ben", "👍")}
    assert await read_back(harness) == 1
    assert await values(harness) == {(ONE, "ada"): 1.0}


async def test_cards_that_were_deleted_keep_no_other_from_being_read_back(sqlite_store: Store, clock: Clock) -> None:
    class Cleared(FakeChat):
        async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
            if message in gone:
                raise Rejected("message_not_found")
            return await super().reactions(place, message)

    harness = harness_over(sqlite_store, clock, Cleared())
    papers = demo_papers()[:6]
    await harness.list_papers(papers)
    await harness.invite()
    for paper in papers:
        await harness.say(f"submit {paper.id}")
    *gone, last = (harness.chat.message_of(paper.id) for paper in papers)
    harness.chat.standing[last] = {("ada", "👍")}
    clock.advance(timedelta(minutes=1))
    assert await read_back(harness) == 1


async def test_a_platform_that_never_answers_is_not_waited_for(sqlite_store: Store, clock: Clock) -> None:
    class Silent(FakeChat):
        async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
            await asyncio.Event().wait()
            raise AssertionError

    harness = await with_cards(sqlite_store, clock, Silent())
    reactions = ReactionRecorder(harness.store, clock, no_sleep, TABLE, timeout=0.01)
    assert await resync(reactions, harness.store, harness.chat, clock() - timedelta(days=1)) == 0


async def test_a_platform_that_asks_to_wait_is_asked_again_then(sqlite_store: Store, clock: Clock) -> None:
    class Busy(FakeChat):
        async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
            if len(slept) < 2:
                raise NotAccepted("slow down", retry_after=40)
            return await super().reactions(place, message)

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    harness = await with_cards(sqlite_store, clock, Busy())
    harness.chat.standing[harness.chat.message_of(ONE)] = {("ada", "👍")}
    reactions = ReactionRecorder(harness.store, clock, sleep, TABLE)
    assert await resync(reactions, harness.store, harness.chat, clock() - timedelta(days=1)) == 1
    assert slept == [40, 40]


async def test_a_workspace_that_never_answers_keeps_no_other_from_being_read_back(
    sqlite_store: Store, clock: Clock
) -> None:
    class Silent(FakeChat):
        async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
            if not place.workspace:
                await asyncio.Event().wait()
            answered.set()
            return []

    answered = asyncio.Event()
    harness = await with_cards(sqlite_store, clock, Silent())
    other = Place("fake", "c2", "T2", name="other")
    await harness.invite(other)
    await harness.say(f"submit {ONE}", place=other)
    reading = asyncio.create_task(read_back(harness))
    await asyncio.wait_for(answered.wait(), 10)
    assert not reading.done()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)  # the store closes after it
