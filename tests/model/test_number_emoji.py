"""On a message of several papers a number is a like of the paper that stands there under it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.digests import layout
from bot.digests.cards import line
from bot.model.messages import Place, Reaction
from bot.store import delivery_plans, papers
from bot.store.database import Store
from bot.store.states import DeliveryKind
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import BEN, PLACE, BotHarness, harness_over
from tests.support.voting import ONE, PAPERS, heard, read_back, values, with_cards


async def with_numbers(
    store: Store, clock: Clock, some: Sequence[Paper] = PAPERS, chat: FakeChat | None = None
) -> BotHarness:
    """A harness whose channel has these papers on one message."""
    harness = harness_over(store, clock, chat)
    await harness.list_papers(some)
    await harness.invite()
    channel, message = await harness.channel(), layout.numbered("Here:", [line(paper) for paper in some])
    async with store.write() as tx:
        await delivery_plans.plan(tx, channel.id, clock().date(), DeliveryKind.DIGEST, clock(), [message], clock())
    await harness.app.delivery_worker.deliver_all()
    clock.advance(timedelta(minutes=1))
    return harness


def listed(harness: BotHarness) -> list[str]:
    """The papers on the message, in the order of their numbers."""
    return [line.paper_id for line in harness.chat.shown["c1"][0].message.lines]


async def put(harness: BotHarness, emoji: str, on: bool = True, *, member: str = "ada", after: float = 0) -> None:
    """An emoji on the first message."""
    message = harness.chat.shown["c1"][0].id
    (harness.chat.standing[message].add if on else harness.chat.standing[message].discard)((member, emoji))
    at = harness.clock() + timedelta(seconds=after)
    await harness.app.service.react(Reaction(PLACE, message, member, emoji, on, at))


async def test_a_number_likes_the_paper_it_stands_for_and_taken_off_likes_it_no_more(
    store: Store, clock: Clock
) -> None:
    harness = await with_numbers(store, clock)
    silent = await heard(harness)
    assert [(one.paper_id, one.value) for one in silent] == [(paper_id, 0.0) for paper_id in listed(harness)]
    first, second, third = listed(harness)
    for emoji in ("1️⃣", ":two:", "3⃣"):
        await put(harness, emoji)
    assert await values(harness) == {(first, "ada"): 1.0, (second, "ada"): 1.0, (third, "ada"): 1.0}
    clock.advance(timedelta(seconds=1))
    for emoji in ("1️⃣", ":two:", "3⃣"):
        await put(harness, emoji, on=False)
    assert await heard(harness) == silent


@pytest.mark.parametrize(
    "emoji", ["👍", "👎", "4️⃣", "🔟", "0️⃣", "said:number", "said:number::burst", "said:less", ":number:"]
)
async def test_an_emoji_without_a_number_on_a_list_is_no_vote(store: Store, clock: Clock, emoji: str) -> None:
    harness = await with_numbers(store, clock)
    await put(harness, emoji)
    assert await values(harness) == {}
    assert await read_back(harness) == 0


@pytest.mark.parametrize("emoji", ["1️⃣", ":one:", "🔟", "said:number"])
async def test_a_number_on_a_card_is_no_vote(sqlite_store: Store, clock: Clock, emoji: str) -> None:
    harness = await with_cards(sqlite_store, clock)
    await harness.react(ONE, emoji)
    assert await values(harness) == {}


@pytest.mark.parametrize("off", [["1️⃣", "1️⃣::burst"], ["1️⃣::burst", "1️⃣"]])
async def test_a_number_put_on_in_both_ways_counts_until_both_are_off(
    store: Store, clock: Clock, off: list[str]
) -> None:
    harness = await with_numbers(store, clock)
    first, *_ = listed(harness)
    for emoji in off:
        await put(harness, emoji)
    await put(harness, off[0], on=False, after=0.001)
    assert await values(harness) == {(first, "ada"): 1.0}
    assert await read_back(harness) == 0
    await put(harness, off[1], on=False, after=0.001)
    assert await values(harness) == {}


async def test_number_reactions_in_any_order_leave_the_latest_state(store: Store, clock: Clock) -> None:
    harness = await with_numbers(store, clock)
    await put(harness, "1️⃣", on=False, after=-1)
    await put(harness, "1️⃣", after=-2)
    assert await values(harness) == {}


async def test_numbers_are_read_back_with_one_question_a_message(store: Store, clock: Clock) -> None:
    asked: list[str] = []

    class Counting(FakeChat):
        async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
            asked.append(message)
            return await super().reactions(place, message)

    harness = await with_numbers(store, clock, chat=Counting())
    message, (first, second, _) = harness.chat.shown["c1"][0].id, listed(harness)
    await put(harness, "1️⃣")
    clock.advance(timedelta(minutes=1))
    harness.chat.standing[message] = {("ben", ":two:"), ("ben", "👎")}
    assert await read_back(harness) == 2
    assert await values(harness) == {(second, "ben"): 1.0}
    assert asked == [message]
    assert await read_back(harness) == 0
    assert first not in {paper for paper, _ in await values(harness)}


async def test_a_number_and_the_button_of_its_paper_are_one_vote(store: Store, clock: Clock) -> None:
    harness = await with_numbers(store, clock)
    first = listed(harness)[0]
    await harness.say(f"more {first}")
    await put(harness, "1️⃣")
    clock.advance(timedelta(seconds=1))
    assert "take it off there" in (await harness.say(f"more {first}")).text
    await harness.say(f"more {first}")
    clock.advance(timedelta(seconds=1))
    await put(harness, "1️⃣", on=False)
    assert await values(harness) == {}


async def test_a_number_counts_for_the_paper_that_its_paper_was_merged_into(store: Store, clock: Clock) -> None:
    early, late = "One paper that was told of under a long working title", "The same one under its final long title"
    twins = [Paper("feed:1", early, "The first telling."), Paper("2603.00001", late, "The second.")]
    harness = await with_numbers(store, clock, twins)
    await put(harness, "1️⃣")
    await put(harness, "2️⃣", member="ben")
    clock.advance(timedelta(minutes=1))
    async with harness.store.write() as tx:
        assert (await papers.record(tx, [Paper("2603.00001", early)], clock())).merged == ["feed:1"]
    both = {("2603.00001", "ada"): 1.0, ("2603.00001", "ben"): 1.0}
    assert await values(harness) == both
    assert await read_back(harness) == 0
    await put(harness, "1️⃣", on=False)
    await put(harness, "2️⃣", on=False, member="ben")
    assert await values(harness) == {}


async def test_a_forgotten_member_has_no_numbers_either(store: Store, clock: Clock) -> None:
    harness = await with_numbers(store, clock)
    await put(harness, "1️⃣", member="ben")
    await harness.say("forget me yes", BEN)
    assert await values(harness) == {}
