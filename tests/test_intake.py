"""Every vote counts once: however it was told, how often, in what order, and whatever died in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels import feedback, styles
from bot.channels.cards import line
from bot.channels.feedback import EmojiTable, plain_emoji, standing
from bot.channels.values import Place, Reaction
from bot.intake import Intake
from bot.platforms.base import AccessLost, NotAccepted, PlatformError
from bot.settings import load
from bot.store import deliveries, inbox, papers
from bot.store.database import Store
from bot.store.states import InboxState
from bot.store.tables import inbox as inbox_table
from bot.store.tables import votes as vote_table
from bot.store.votes import Vote
from recommender import Feedback, Paper
from tests.fakes.chat import FakeChat
from tests.fakes.clock import Clock
from tests.house import BEN, PLACE, House, demo_papers, house_over, no_sleep

VOTES = load(None, {}).votes
TABLE = EmojiTable.of(VOTES.likes, VOTES.dislikes)
PAPERS = demo_papers()[:3]
ONE, OTHER, THIRD = (paper.id for paper in PAPERS)


async def with_cards(store: Store, clock: Clock, chat: FakeChat | None = None) -> House:
    """A house whose channel has three cards."""
    house = house_over(store, clock, chat)
    await house.list_papers(PAPERS)
    await house.invite()
    for paper in PAPERS:
        await house.say(f"submit {paper.id}")
    clock.advance(timedelta(minutes=1))
    return house


async def heard(house: House) -> list[Feedback]:
    channel = await house.channel()
    async with house.store.read() as tx:
        return await feedback.of_channel(tx, channel.id, TABLE)


async def values(house: House) -> dict[tuple[str, str], float]:
    """What each member's vote on each paper is."""
    return {(one.paper_id, one.member or ""): one.value for one in await heard(house) if one.value}


def reaction(house: House, emoji: str, on: bool = True, *, after: float = 0, member: str = "ada") -> Reaction:
    at = house.clock() + timedelta(seconds=after)
    return Reaction(PLACE, house.chat.message_of(ONE), member, emoji, on, at)


# -- one vote


async def test_a_card_nobody_touched_is_silence(store: Store, clock: Clock) -> None:
    house = await with_cards(store, clock)
    assert [(one.paper_id, one.value, one.member) for one in await heard(house)] == [
        (paper_id, 0.0, None) for paper_id in (ONE, OTHER, THIRD)
    ]


async def test_a_retracted_reaction_is_unlearned_exactly(store: Store, clock: Clock) -> None:
    house = await with_cards(store, clock)
    await house.react(OTHER, "👎", member="ben")
    before = await heard(house)
    for emoji in ("👍", "🔥", "👎"):
        clock.advance(timedelta(seconds=1))
        await house.react(ONE, emoji)
    assert await heard(house) != before
    for emoji in ("👎", "👍", "🔥"):
        clock.advance(timedelta(seconds=1))
        await house.react(ONE, emoji, on=False)
    assert await heard(house) == before


async def test_several_emoji_of_one_member_are_one_vote_and_the_latest_decides(
    sqlite_store: Store, clock: Clock
) -> None:
    house = await with_cards(sqlite_store, clock)
    for emoji, value in (("👍", 1.0), ("🔥", 1.0), ("👎", -1.0), ("🚀", 1.0)):
        clock.advance(timedelta(seconds=1))
        await house.react(ONE, emoji)
        assert await values(house) == {(ONE, "ada"): value}
    clock.advance(timedelta(seconds=1))
    await house.react(ONE, "🚀", on=False)
    assert await values(house) == {(ONE, "ada"): -1.0}, "what stands now decides"


async def test_every_member_has_a_vote(sqlite_store: Store, clock: Clock) -> None:
    house = await with_cards(sqlite_store, clock)
    await house.react(ONE, "👍", member="ada")
    await house.react(ONE, "👎", member="ben")
    assert await values(house) == {(ONE, "ada"): 1.0, (ONE, "ben"): -1.0}


async def test_a_button_and_its_emoji_are_one_vote(sqlite_store: Store, clock: Clock) -> None:
    house = await with_cards(sqlite_store, clock)
    await house.say(f"more {ONE}", BEN)
    clock.advance(timedelta(seconds=1))
    await house.react(ONE, "👍", member="ben")
    assert await values(house) == {(ONE, "ben"): 1.0}
    clock.advance(timedelta(seconds=1))
    await house.react(ONE, "👍", member="ben", on=False)
    assert await values(house) == {}, "who takes back the one takes back the other"


async def test_a_button_toggles_and_turns(sqlite_store: Store, clock: Clock) -> None:
    house = await with_cards(sqlite_store, clock)
    for said, value in (("more", 1.0), ("less", -1.0), ("less", None), ("more", 1.0), ("more", None)):
        clock.advance(timedelta(seconds=1))
        reply = await house.say(f"{said} {ONE}")
        assert reply.text.startswith("Counted." if value else "Taken back: ")
        assert (await values(house)).get((ONE, "ada")) == value


async def test_taking_back_a_button_while_an_emoji_stands_says_that_it_still_counts(
    sqlite_store: Store, clock: Clock
) -> None:
    house = await with_cards(sqlite_store, clock)
    await house.react(ONE, "👍")
    clock.advance(timedelta(seconds=1))
    assert (await house.say(f"more {ONE}")).text.startswith("Counted.")
    assert "still counts: take it off there" in (await house.say(f"more {ONE}")).text
    assert await values(house) == {(ONE, "ada"): 1.0}


async def test_a_vote_on_a_search_result_counts_without_a_card(sqlite_store: Store, clock: Clock) -> None:
    house = house_over(sqlite_store, clock)
    await house.list_papers(PAPERS)
    await house.invite()
    await house.say(f"less {PAPERS[0].title}")
    assert await values(house) == {(ONE, "ada"): -1.0}


# -- which emoji


@pytest.mark.parametrize(
    ("emoji", "value"),
    [
        *((emoji, 1.0) for emoji in VOTES.likes),
        *((emoji, -1.0) for emoji in VOTES.dislikes),
        ("👍🏽", 1.0), ("+1", 1.0), (":+1:", 1.0), ("+1::skin-tone-4", 1.0), (":thumbsup::skin-tone-2:", 1.0),
        ("❤", 1.0), ("heart", 1.0), ("thumbsdown", -1.0), ("-1::skin-tone-6", -1.0), ("zzz", -1.0),
        ("🍕", 0.0), (":parrot:", 0.0), ("", 0.0), ("::", 0.0), ("said", 0.0), ("👍👎", 0.0), ("1️⃣", 0.0),
    ],
)  # fmt: skip
def test_emoji_are_votes_by_any_of_their_names(emoji: str, value: float) -> None:
    assert TABLE.value(emoji) == value


def test_an_emoji_of_ones_own_is_a_vote_when_the_settings_say_so() -> None:
    table = EmojiTable.of([":Party-Parrot:", "raising_hand"], ["<:meh:>", "🍕"])
    assert [table.value(e) for e in ("party-parrot", ":party-parrot:", ":raising_hand:", "🍕", "👍")] == [
        1,
        1,
        1,
        -1,
        0,
    ]


@given(st.text(max_size=20))
def test_any_text_is_some_emoji_under_one_name(text: str) -> None:
    assert plain_emoji(plain_emoji(text)) == plain_emoji(text)
    assert TABLE.value(text) in (-1.0, 0.0, 1.0)


async def test_no_vote_is_no_vote(sqlite_store: Store, clock: Clock) -> None:
    house = await with_cards(sqlite_store, clock)
    await house.react(ONE, "🍕")
    assert await values(house) == {}


@pytest.mark.parametrize("forged", ["said:more", "said:less", "said:taught"])
async def test_nobody_can_react_with_what_only_a_button_says(sqlite_store: Store, clock: Clock, forged: str) -> None:
    house = await with_cards(sqlite_store, clock)
    await house.react(ONE, forged)
    assert await values(house) == {}


async def test_reactions_on_anything_but_a_card_of_ours_are_left_alone(sqlite_store: Store, clock: Clock) -> None:
    house = await with_cards(sqlite_store, clock)
    clock.now = clock.now.replace(hour=9, minute=1)
    await house.beat()  # a quiet header
    header = house.chat.shown["c1"][-1]
    assert header.message.card is None
    message = house.chat.message_of(ONE)
    for place, on in ((PLACE, header.id), (PLACE, "m999"), (PLACE, ""), (Place("fake", "nowhere"), message)):
        await house.app.desk.react(Reaction(place, on, "ada", "👍", True, clock()))
    await house.app.desk.react(Reaction(Place("fake", "c1", workspace="other"), message, "ada", "👍", True, clock()))
    assert await values(house) == {}


# -- order and repetition

_EVENTS = st.lists(
    st.tuples(st.sampled_from(["ada", "ben"]), st.sampled_from(["👍", "👎", "🔥", "🍕"]), st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=_EVENTS, data=st.data())
async def test_any_order_and_any_repetition_of_events_leaves_the_same_votes(
    cards: House, events: list[tuple[str, str, bool]], data: st.DataObject
) -> None:
    numbers = range(len(events))
    again = data.draw(st.lists(st.sampled_from(numbers), max_size=5))
    begin = cards.clock() - timedelta(hours=1)
    async with cards.store.write() as tx:
        await tx.execute(sa.delete(vote_table))
    for number in data.draw(st.permutations([*numbers, *again])):
        member, emoji, on = events[number]
        at = begin + timedelta(seconds=number)
        await cards.app.desk.react(Reaction(PLACE, cards.chat.message_of(ONE), member, emoji, on, at))
    last = {(member, emoji): (number, on) for number, (member, emoji, on) in enumerate(events)}
    votes = {
        member: TABLE.value(emoji)
        for (member, emoji), (_, on) in sorted(last.items(), key=lambda item: item[1])
        if on and TABLE.value(emoji)
    }
    assert await values(cards) == {(ONE, member): value for member, value in votes.items()}


@pytest.fixture
async def cards(sqlite_store: Store, clock: Clock) -> House:
    return await with_cards(sqlite_store, clock)


def test_the_order_in_which_votes_are_read_makes_no_difference() -> None:
    at = Clock().now
    some = [Vote(1, ONE, "ada", emoji, True, at) for emoji in ("👍", "👎", "said:more")]
    assert standing(some, TABLE) == standing(some[::-1], TABLE)


async def test_a_clock_that_runs_ahead_makes_no_vote_that_cannot_be_taken_back(
    sqlite_store: Store, clock: Clock
) -> None:
    house = await with_cards(sqlite_store, clock)
    await house.app.desk.react(reaction(house, "👍", after=86_400))
    clock.advance(timedelta(seconds=5))
    await house.app.desk.react(reaction(house, "👍", on=False))
    assert await values(house) == {}


async def test_an_event_is_taken_in_exactly_once(store: Store, clock: Clock) -> None:
    house = await with_cards(store, clock)
    on, off = reaction(house, "👍"), reaction(house, "👍", on=False)
    assert await house.app.intake.react(on, "e1")
    assert await house.app.intake.react(off, "e2")
    for _ in range(2):
        assert not await house.app.intake.react(on, "e1"), "the same event told again"
    assert await values(house) == {}


# -- crashes


async def test_what_was_written_down_and_not_worked_off_is_replayed_on_start(store: Store, clock: Clock) -> None:
    house = await with_cards(store, clock)
    assert await house.app.intake.receive(reaction(house, "👍"), "e1")
    assert await house.app.intake.receive(reaction(house, "👎", member="ben"), "e2")
    assert await values(house) == {}
    again = house_over(store, clock, house.chat)
    await again.app.heart.start()
    assert await values(again) == {(ONE, "ada"): 1.0, (ONE, "ben"): -1.0}
    assert await again.app.intake.replay() == 0


async def states(house: House) -> dict[str, InboxState]:
    async with house.store.read() as tx:
        return {row.event_id: InboxState(row.state) for row in await tx.execute(sa.select(inbox_table))}


async def test_an_event_that_nobody_can_read_is_given_up_after_five_tries_and_holds_up_no_other(
    store: Store, clock: Clock
) -> None:
    house = await with_cards(store, clock)
    async with house.store.write() as tx:
        await inbox.receive(tx, "fake", "a-poison", {"from": "another version"}, clock())
    await house.app.intake.receive(reaction(house, "👍"), "e1")
    for left in (2, 1, 1, 1, 1, 0):
        assert await house.app.intake.replay() == left
    assert await values(house) == {(ONE, "ada"): 1.0}
    assert await states(house) == {"a-poison": InboxState.FAILED, "e1": InboxState.DONE}


async def test_finished_events_are_forgotten_after_two_days(sqlite_store: Store, clock: Clock) -> None:
    house = await with_cards(sqlite_store, clock)
    await house.app.intake.react(reaction(house, "👍"), "e1")
    clock.advance(timedelta(days=1, hours=23))
    await house.app.intake.replay()
    assert "e1" in await states(house)
    clock.advance(timedelta(hours=2))
    await house.app.intake.replay()
    assert await states(house) == {}


# -- reading back


async def read_back(house: House, days: int = 7) -> int:
    platforms = {house.chat.name: house.chat}
    return await house.app.intake.read_back(platforms, house.clock() - timedelta(days=days))


async def test_reading_back_mends_what_was_missed_and_leaves_buttons_alone(store: Store, clock: Clock) -> None:
    house = await with_cards(store, clock)
    await house.react(ONE, "👍", member="ben")
    await house.say(f"more {OTHER}")
    await house.say(f"teach {THIRD}")
    clock.advance(timedelta(hours=1))
    house.chat.standing[house.chat.message_of(ONE)] = {("cy", "🔥")}  # while nobody listened
    assert await read_back(house) == 2
    expected = {(ONE, "cy"): 1.0, (OTHER, "ada"): 1.0, (THIRD, "ada"): 1.0}
    assert await values(house) == expected
    assert await read_back(house) == 0
    assert await values(house) == expected


async def test_a_beat_reads_back_on_start_and_then_once_a_day(sqlite_store: Store, clock: Clock) -> None:
    house = await with_cards(sqlite_store, clock)
    message = house.chat.message_of(ONE)
    for emoji, hours, known in (("👍", 0, True), ("👎", 23, False), ("👎", 2, True)):
        house.chat.standing[message] = {("ada", emoji)}
        clock.advance(timedelta(hours=hours))
        await house.app.heart.beat()
        await house.settle()
        assert ((ONE, "ada"), TABLE.value(emoji)) in (await values(house)).items() or not known


async def test_old_posts_are_not_read_back(sqlite_store: Store, clock: Clock) -> None:
    house = await with_cards(sqlite_store, clock)
    house.chat.standing[house.chat.message_of(ONE)] = {("ada", "👍")}
    clock.advance(timedelta(days=8))
    assert await read_back(house) == 0


async def test_votes_on_both_cards_of_a_paper_that_was_merged_stay(store: Store, clock: Clock) -> None:
    house = house_over(store, clock)
    early, late = "One paper that was told of under a long working title", "The same one under its final long title"
    twins = [Paper("feed:1", early, "The first telling."), Paper("2603.00001", late, "The second.")]
    await house.list_papers(twins)
    await house.invite()
    for twin in twins:
        assert (await house.say(f"submit {twin.id}")).ok
        clock.advance(timedelta(days=4))
    first, second = (one.id for one in house.chat.shown["c1"])
    for message, member in ((first, "ada"), (second, "ben")):
        house.chat.standing[message] = {(member, "👍")}
        await house.app.desk.react(Reaction(PLACE, message, member, "👍", True, clock()))
    clock.advance(timedelta(minutes=1))
    async with house.store.write() as tx:
        assert (await papers.record(tx, [Paper("2603.00001", early)], clock())).merged == ["feed:1"]
    assert set((await values(house)).values()) == {1.0}
    before = await heard(house)
    assert await read_back(house, days=5) == 0
    assert await heard(house) == before


@pytest.mark.parametrize("error", [PlatformError("down"), AccessLost("gone"), OSError("reset"), ValueError("odd")])
async def test_a_platform_that_cannot_tell_costs_no_vote_and_delays_no_other_channel(
    sqlite_store: Store, clock: Clock, error: Exception
) -> None:
    class Deaf(FakeChat):
        async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
            if place == PLACE:
                raise error
            return await super().reactions(place, message)

    house = await with_cards(sqlite_store, clock, Deaf())
    await house.react(ONE, "👍")
    other = Place("fake", "c2", name="other")
    await house.invite(other)
    await house.say(f"submit {ONE}", place=other)
    house.chat.standing[house.chat.message_of(ONE, "c2")] = {("ben", "👍")}
    assert await read_back(house) == 1
    assert await values(house) == {(ONE, "ada"): 1.0}


async def test_a_platform_that_never_answers_is_not_waited_for(sqlite_store: Store, clock: Clock) -> None:
    class Silent(FakeChat):
        async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
            await asyncio.Event().wait()
            raise AssertionError

    house = await with_cards(sqlite_store, clock, Silent())
    intake = Intake(house.store, clock, no_sleep, TABLE, timeout=0.01)
    assert await intake.read_back({"fake": house.chat}, clock() - timedelta(days=1)) == 0


async def test_a_platform_that_asks_to_wait_is_asked_again_then(sqlite_store: Store, clock: Clock) -> None:
    class Busy(FakeChat):
        async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
            if len(slept) < 2:
                raise NotAccepted("slow down", retry_after=40)
            return await super().reactions(place, message)

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    house = await with_cards(sqlite_store, clock, Busy())
    house.chat.standing[house.chat.message_of(ONE)] = {("ada", "👍")}
    intake = Intake(house.store, clock, sleep, TABLE)
    assert await intake.read_back({"fake": house.chat}, clock() - timedelta(days=1)) == 1
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
    house = await with_cards(sqlite_store, clock, Silent())
    other = Place("fake", "c2", "T2", name="other")
    await house.invite(other)
    await house.say(f"submit {ONE}", place=other)
    reading = asyncio.create_task(read_back(house))
    await asyncio.wait_for(answered.wait(), 10)
    assert not reading.done()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)  # the store closes after it


# -- papers by number


async def with_numbers(
    store: Store, clock: Clock, some: Sequence[Paper] = PAPERS, chat: FakeChat | None = None
) -> House:
    """A house whose channel has these papers on one message."""
    house = house_over(store, clock, chat)
    await house.list_papers(some)
    await house.invite()
    channel, message = await house.channel(), styles.numbered("Here:", [line(paper) for paper in some])
    async with store.write() as tx:
        await deliveries.plan(tx, channel.id, clock().date(), "digest", clock(), [message], clock())
    await house.app.courier.deliver_all()
    clock.advance(timedelta(minutes=1))
    return house


def listed(house: House) -> list[str]:
    """The papers on the message, in the order of their numbers."""
    return [line.paper_id for line in house.chat.shown["c1"][0].message.lines]


async def put(house: House, emoji: str, on: bool = True, *, member: str = "ada", after: float = 0) -> None:
    """An emoji on the first message."""
    message = house.chat.shown["c1"][0].id
    (house.chat.standing[message].add if on else house.chat.standing[message].discard)((member, emoji))
    at = house.clock() + timedelta(seconds=after)
    await house.app.desk.react(Reaction(PLACE, message, member, emoji, on, at))


async def test_a_number_likes_the_paper_it_stands_for_and_taken_off_likes_it_no_more(
    store: Store, clock: Clock
) -> None:
    house = await with_numbers(store, clock)
    silent = await heard(house)
    assert [(one.paper_id, one.value) for one in silent] == [(paper_id, 0.0) for paper_id in listed(house)]
    first, second, third = listed(house)
    for emoji in ("1️⃣", ":two:", "3⃣"):
        await put(house, emoji)
    assert await values(house) == {(first, "ada"): 1.0, (second, "ada"): 1.0, (third, "ada"): 1.0}
    clock.advance(timedelta(seconds=1))
    for emoji in ("1️⃣", ":two:", "3⃣"):
        await put(house, emoji, on=False)
    assert await heard(house) == silent


@pytest.mark.parametrize(
    "emoji", ["👍", "👎", "4️⃣", "🔟", "0️⃣", "said:number", "said:number::burst", "said:less", ":number:"]
)
async def test_what_names_none_of_several_papers_is_no_vote(store: Store, clock: Clock, emoji: str) -> None:
    house = await with_numbers(store, clock)
    await put(house, emoji)
    assert await values(house) == {}
    assert await read_back(house) == 0


@pytest.mark.parametrize("emoji", ["1️⃣", ":one:", "🔟", "said:number"])
async def test_a_number_on_a_card_is_no_vote(sqlite_store: Store, clock: Clock, emoji: str) -> None:
    house = await with_cards(sqlite_store, clock)
    await house.react(ONE, emoji)
    assert await values(house) == {}


@pytest.mark.parametrize("off", [["1️⃣", "1️⃣::burst"], ["1️⃣::burst", "1️⃣"]])
async def test_a_number_put_on_in_both_ways_counts_until_both_are_off(
    store: Store, clock: Clock, off: list[str]
) -> None:
    house = await with_numbers(store, clock)
    first, *_ = listed(house)
    for emoji in off:
        await put(house, emoji)
    await put(house, off[0], on=False, after=0.001)
    assert await values(house) == {(first, "ada"): 1.0}
    assert await read_back(house) == 0
    await put(house, off[1], on=False, after=0.001)
    assert await values(house) == {}


async def test_of_numbers_told_in_any_order_the_later_word_stands(store: Store, clock: Clock) -> None:
    house = await with_numbers(store, clock)
    await put(house, "1️⃣", on=False, after=-1)
    await put(house, "1️⃣", after=-2)
    assert await values(house) == {}


async def test_numbers_are_read_back_with_one_question_a_message(store: Store, clock: Clock) -> None:
    asked: list[str] = []

    class Counting(FakeChat):
        async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
            asked.append(message)
            return await super().reactions(place, message)

    house = await with_numbers(store, clock, chat=Counting())
    message, (first, second, _) = house.chat.shown["c1"][0].id, listed(house)
    await put(house, "1️⃣")
    clock.advance(timedelta(minutes=1))
    house.chat.standing[message] = {("ben", ":two:"), ("ben", "👎")}
    assert await read_back(house) == 2
    assert await values(house) == {(second, "ben"): 1.0}
    assert asked == [message]
    assert await read_back(house) == 0
    assert first not in {paper for paper, _ in await values(house)}


async def test_a_number_and_the_button_of_its_paper_are_one_vote(store: Store, clock: Clock) -> None:
    house = await with_numbers(store, clock)
    first = listed(house)[0]
    await house.say(f"more {first}")
    await put(house, "1️⃣")
    clock.advance(timedelta(seconds=1))
    assert "take it off there" in (await house.say(f"more {first}")).text
    await house.say(f"more {first}")
    clock.advance(timedelta(seconds=1))
    await put(house, "1️⃣", on=False)
    assert await values(house) == {}


async def test_a_number_counts_for_what_its_paper_turned_out_to_be(store: Store, clock: Clock) -> None:
    early, late = "One paper that was told of under a long working title", "The same one under its final long title"
    twins = [Paper("feed:1", early, "The first telling."), Paper("2603.00001", late, "The second.")]
    house = await with_numbers(store, clock, twins)
    await put(house, "1️⃣")
    await put(house, "2️⃣", member="ben")
    clock.advance(timedelta(minutes=1))
    async with house.store.write() as tx:
        assert (await papers.record(tx, [Paper("2603.00001", early)], clock())).merged == ["feed:1"]
    both = {("2603.00001", "ada"): 1.0, ("2603.00001", "ben"): 1.0}
    assert await values(house) == both
    assert await read_back(house) == 0
    await put(house, "1️⃣", on=False)
    await put(house, "2️⃣", on=False, member="ben")
    assert await values(house) == {}


async def test_a_forgotten_member_has_no_numbers_either(store: Store, clock: Clock) -> None:
    house = await with_numbers(store, clock)
    await put(house, "1️⃣", member="ben")
    await house.say("forget me", BEN)
    assert await values(house) == {}
