"""Every vote counts once: however it was told, how often, in what order, and whatever died in between."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.digests.feedback import EmojiTable, plain_emoji, standing_votes
from bot.jobs.reactions import ReactionRecorder
from bot.model.messages import Place, Reaction
from bot.ports.platform import Uncertain
from bot.store import inbox, members
from bot.store.database import Store
from bot.store.states import InboxState, PostState
from bot.store.tables import inbox as inbox_table
from bot.store.tables import posts as post_table
from bot.store.tables import votes as vote_table
from bot.store.votes import Vote
from tests.fakes.clock import Clock
from tests.support.harness import BEN, PLACE, BotHarness, harness_over, no_sleep
from tests.support.voting import ONE, OTHER, PAPERS, TABLE, THIRD, VOTES, heard, reaction, values, with_cards

# -- one vote


async def test_a_card_without_votes_is_feedback_of_value_zero(store: Store, clock: Clock) -> None:
    harness = await with_cards(store, clock)
    assert [(item.paper_id, item.value, item.member) for item in await heard(harness)] == [
        (paper_id, 0.0, None) for paper_id in (ONE, OTHER, THIRD)
    ]


async def test_a_retracted_reaction_is_unlearned_exactly(store: Store, clock: Clock) -> None:
    harness = await with_cards(store, clock)
    await harness.react(OTHER, "👎", member="ben")
    before = await heard(harness)
    for emoji in ("👍", "🔥", "👎"):
        clock.advance(timedelta(seconds=1))
        await harness.react(ONE, emoji)
    assert await heard(harness) != before
    for emoji in ("👎", "👍", "🔥"):
        clock.advance(timedelta(seconds=1))
        await harness.react(ONE, emoji, on=False)
    assert await heard(harness) == before


async def test_several_emoji_of_one_member_are_one_vote_and_the_latest_decides(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await with_cards(sqlite_store, clock)
    for emoji, value in (("👍", 1.0), ("🔥", 1.0), ("👎", -1.0), ("🚀", 1.0)):
        clock.advance(timedelta(seconds=1))
        await harness.react(ONE, emoji)
        assert await values(harness) == {(ONE, "ada"): value}
    clock.advance(timedelta(seconds=1))
    await harness.react(ONE, "🚀", on=False)
    assert await values(harness) == {(ONE, "ada"): -1.0}, "what stands now decides"


async def test_every_member_has_a_vote(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    await harness.react(ONE, "👍", member="ada")
    await harness.react(ONE, "👎", member="ben")
    assert await values(harness) == {(ONE, "ada"): 1.0, (ONE, "ben"): -1.0}


async def test_a_button_and_its_emoji_are_one_vote(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    await harness.say(f"more {ONE}", BEN)
    clock.advance(timedelta(seconds=1))
    await harness.react(ONE, "👍", member="ben")
    assert await values(harness) == {(ONE, "ben"): 1.0}
    clock.advance(timedelta(seconds=1))
    await harness.react(ONE, "👍", member="ben", on=False)
    assert await values(harness) == {}, "who takes back the one takes back the other"


async def test_a_button_toggles_and_turns(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    for said, value in (("more", 1.0), ("less", -1.0), ("less", None), ("more", 1.0), ("more", None)):
        clock.advance(timedelta(seconds=1))
        reply = await harness.say(f"{said} {ONE}")
        assert reply.text.startswith("Counted." if value else "Taken back: ")
        assert (await values(harness)).get((ONE, "ada")) == value


async def test_taking_back_a_button_while_an_emoji_stands_says_that_it_still_counts(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await with_cards(sqlite_store, clock)
    await harness.react(ONE, "👍")
    clock.advance(timedelta(seconds=1))
    assert (await harness.say(f"more {ONE}")).text.startswith("Counted.")
    assert "still counts: take it off there" in (await harness.say(f"more {ONE}")).text
    assert await values(harness) == {(ONE, "ada"): 1.0}


async def test_a_vote_on_a_search_result_counts_without_a_card(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.list_papers(PAPERS)
    await harness.invite()
    await harness.say(f"less {PAPERS[0].title}")
    assert await values(harness) == {(ONE, "ada"): -1.0}


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


async def test_emoji_that_are_no_votes_do_not_count(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    await harness.react(ONE, "🍕")
    assert await values(harness) == {}


@pytest.mark.parametrize("forged", ["said:more", "said:less", "said:taught"])
async def test_a_reaction_named_like_a_button_signal_is_no_vote(sqlite_store: Store, clock: Clock, forged: str) -> None:
    harness = await with_cards(sqlite_store, clock)
    await harness.react(ONE, forged)
    assert await values(harness) == {}


async def test_reactions_on_anything_but_a_card_of_ours_are_left_alone(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    clock.now = clock.now.replace(hour=9, minute=1)
    await harness.beat()  # a quiet header
    header = harness.chat.shown["c1"][-1]
    assert header.message.card is None
    message = harness.chat.message_of(ONE)
    for place, on in ((PLACE, header.id), (PLACE, "m999"), (PLACE, ""), (Place("fake", "nowhere"), message)):
        await harness.app.service.react(Reaction(place, on, "ada", "👍", True, clock()))
    await harness.app.service.react(
        Reaction(Place("fake", "c1", workspace="other"), message, "ada", "👍", True, clock())
    )
    assert await values(harness) == {}


# -- order and repetition

_EVENTS = st.lists(
    st.tuples(st.sampled_from(["ada", "ben"]), st.sampled_from(["👍", "👎", "🔥", "🍕"]), st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=_EVENTS, data=st.data())
async def test_any_order_and_any_repetition_of_events_leaves_the_same_votes(
    cards: BotHarness, events: list[tuple[str, str, bool]], data: st.DataObject
) -> None:
    numbers = range(len(events))
    again = data.draw(st.lists(st.sampled_from(numbers), max_size=5))
    begin = cards.clock() - timedelta(hours=1)
    async with cards.store.write() as tx:
        await tx.execute(sa.delete(vote_table))
    for number in data.draw(st.permutations([*numbers, *again])):
        member, emoji, on = events[number]
        at = begin + timedelta(seconds=number)
        await cards.app.service.react(Reaction(PLACE, cards.chat.message_of(ONE), member, emoji, on, at))
    last = {(member, emoji): (number, on) for number, (member, emoji, on) in enumerate(events)}
    votes = {
        member: TABLE.value(emoji)
        for (member, emoji), (_, on) in sorted(last.items(), key=lambda item: item[1])
        if on and TABLE.value(emoji)
    }
    assert await values(cards) == {(ONE, member): value for member, value in votes.items()}


@pytest.fixture
async def cards(sqlite_store: Store, clock: Clock) -> BotHarness:
    return await with_cards(sqlite_store, clock)


def test_the_order_in_which_votes_are_read_makes_no_difference() -> None:
    at = Clock().now
    some = [Vote(1, ONE, "ada", emoji, True, at) for emoji in ("👍", "👎", "said:more")]
    assert standing_votes(some, TABLE) == standing_votes(some[::-1], TABLE)


async def test_a_clock_that_runs_ahead_makes_no_vote_that_cannot_be_taken_back(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await with_cards(sqlite_store, clock)
    await harness.app.service.react(reaction(harness, "👍", after=86_400))
    clock.advance(timedelta(seconds=5))
    await harness.app.service.react(reaction(harness, "👍", on=False))
    assert await values(harness) == {}


async def test_a_vote_is_taken_back_also_where_another_process_whose_clock_is_slower_hears_it(
    store: Store, clock: Clock
) -> None:
    harness = await with_cards(store, clock)
    on, off = reaction(harness, "👍", after=10), reaction(harness, "👍", on=False, after=20)
    clock.advance(timedelta(seconds=60))
    await harness.app.service.react(on)
    clock.advance(timedelta(seconds=-120))
    await harness.app.service.react(off)
    assert await values(harness) == {}


async def test_a_repeated_reaction_event_is_recorded_once(store: Store, clock: Clock) -> None:
    harness = await with_cards(store, clock)
    on, off = reaction(harness, "👍"), reaction(harness, "👍", on=False)
    assert await harness.app.reactions.react(on, "e1")
    assert await harness.app.reactions.react(off, "e2")
    for _ in range(2):
        assert not await harness.app.reactions.react(on, "e1"), "the same event told again"
    assert await values(harness) == {}


# -- crashes


async def becomes(store: Store, state: PostState, message: str | None) -> None:
    """The first card is in this state, under this message."""
    async with store.write() as tx:
        card = post_table.c.paper_id == ONE
        await tx.execute(sa.update(post_table).where(card).values(state=state, message=message))


@pytest.mark.parametrize("event_id", ["Ev1", None])
@pytest.mark.parametrize("state", [PostState.SENDING, PostState.UNCERTAIN])
async def test_a_vote_on_a_card_whose_message_is_not_known_yet_counts_when_it_is(
    store: Store, clock: Clock, state: PostState, event_id: str | None
) -> None:
    harness = await with_cards(store, clock)
    message, reactions, channel = harness.chat.message_of(ONE), harness.app.reactions, await harness.channel()
    early = reaction(harness, "👍")
    await becomes(store, state, None)
    for _ in range(2):
        assert not await reactions.react(early, event_id)
    await reactions.settled(channel.id)
    assert await values(harness) == {}, "nobody knows yet what it is on"
    await becomes(store, PostState.SENT, message)
    await reactions.settled(channel.id)
    assert await values(harness) == {(ONE, "ada"): 1.0}
    assert set((await states(harness)).values()) == {InboxState.DONE}
    if event_id:
        assert not await reactions.react(reaction(harness, "👎"), "Ev1"), "told again, it is known"


async def test_a_vote_on_a_card_whose_message_is_not_known_yet_outlives_the_process(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await with_cards(sqlite_store, clock)
    early, message = reaction(harness, "👍"), harness.chat.message_of(ONE)
    await becomes(sqlite_store, PostState.UNCERTAIN, None)
    assert not await harness.app.reactions.react(early, "Ev1")
    again = harness_over(sqlite_store, clock, harness.chat)
    await again.app.scheduler.recover()
    assert await values(again) == {}
    harness.chat.standing[message].add((early.member, early.emoji))
    await again.app.delivery_worker.deliver_all()
    assert await values(again) == {(ONE, "ada"): 1.0}


async def test_a_card_that_is_found_late_has_its_reactions_read(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    harness.chat.standing[harness.chat.message_of(ONE)].add(("ada", "👍"))  # put on while nobody listened
    await becomes(sqlite_store, PostState.UNCERTAIN, None)
    await harness.app.delivery_worker.deliver_all()
    await harness.settle()
    assert await values(harness) == {(ONE, "ada"): 1.0}


async def test_a_reading_of_late_reactions_that_fails_is_done_again(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    asked = list[str]()

    async def down(place: Place, message: str) -> list[tuple[str, str]]:
        asked.append(message)
        if len(asked) < 4:
            raise Uncertain("down")
        return [("ada", "👍")]

    harness.chat.reactions = down  # type: ignore[method-assign]
    await becomes(sqlite_store, PostState.UNCERTAIN, None)
    await harness.app.delivery_worker.deliver_all()
    await harness.settle()
    assert await values(harness) == {(ONE, "ada"): 1.0}


async def test_reactions_on_what_is_not_ours_are_kept_only_while_nobody_knows(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await with_cards(sqlite_store, clock)
    message, reactions, channel = harness.chat.message_of(ONE), harness.app.reactions, await harness.channel()
    await becomes(sqlite_store, PostState.SENDING, None)
    for number in range(1_100):
        foreign = Reaction(PLACE, f"theirs {number}", "ada", "👍", True, clock())
        assert not await reactions.react(foreign, f"Ev{number}")
    waiting = [state for state in (await states(harness)).values() if state is InboxState.RECEIVED]
    assert len(waiting) == 1_000, "there is a bound"
    await becomes(sqlite_store, PostState.SENT, message)
    await reactions.settled(channel.id)
    assert set((await states(harness)).values()) == {InboxState.DONE}
    assert not reactions._early
    assert await values(harness) == {}


async def test_forget_me_deletes_early_reactions(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    early, message, channel = (
        reaction(harness, "👍", member="ben"),
        harness.chat.message_of(ONE),
        await harness.channel(),
    )
    await becomes(sqlite_store, PostState.SENDING, None)
    assert not await harness.app.reactions.react(early)
    async with sqlite_store.write() as tx:
        await members.forget(tx, "fake", None, "ben", clock())
    await becomes(sqlite_store, PostState.SENT, message)
    await harness.app.reactions.settled(channel.id)
    assert await values(harness) == {}


async def test_unfinished_inbox_events_are_replayed_on_start(store: Store, clock: Clock) -> None:
    harness = await with_cards(store, clock)
    assert await harness.app.reactions.receive(reaction(harness, "👍"), "e1")
    assert await harness.app.reactions.receive(reaction(harness, "👎", member="ben"), "e2")
    assert await values(harness) == {}
    again = harness_over(store, clock, harness.chat)
    await again.app.scheduler.recover()
    assert await values(again) == {(ONE, "ada"): 1.0, (ONE, "ben"): -1.0}
    assert await again.app.reactions.replay() == 0


class Broken(EmojiTable):
    """A table that can't tell what an emoji means."""

    def value(self, signal: str) -> float:
        raise ValueError(f"what is {signal}?")


async def test_a_failed_inbox_event_is_kept_and_processed_on_the_next_start(store: Store, clock: Clock) -> None:
    harness = await with_cards(store, clock)
    broken = ReactionRecorder(store, clock, no_sleep, Broken(TABLE.likes, TABLE.dislikes))
    for _ in range(2):  # told again, it is no other one
        assert not await broken.react(reaction(harness, "👍"), "e1")
    assert (await states(harness), await values(harness)) == ({"e1": InboxState.RECEIVED}, {})
    assert await harness.app.reactions.replay() == 1
    assert (await states(harness), await values(harness)) == ({"e1": InboxState.DONE}, {(ONE, "ada"): 1.0})


async def test_an_early_reaction_counts_once_another_process_has_delivered_its_post(store: Store, clock: Clock) -> None:
    harness = await with_cards(store, clock)
    other = harness_over(store, clock, harness.chat, process="another process")
    channel, message = await harness.channel(), harness.chat.message_of(ONE)
    await becomes(store, PostState.SENDING, None)
    assert not await other.app.reactions.react(reaction(harness, "👍"), "e1")
    await becomes(store, PostState.SENT, message)
    await harness.app.reactions.settled(channel.id)
    assert await values(other) == {}
    await other.app.scheduler.run("unfinished events")
    assert await values(other) == {(ONE, "ada"): 1.0}
    await other.app.scheduler.stop()


async def states(harness: BotHarness) -> dict[str, InboxState]:
    async with harness.store.read() as tx:
        return {row.event_id: InboxState(row.state) for row in await tx.execute(sa.select(inbox_table))}


async def test_an_unreadable_inbox_event_is_given_up_after_five_tries(store: Store, clock: Clock) -> None:
    harness = await with_cards(store, clock)
    async with harness.store.write() as tx:
        await inbox.receive(tx, "fake", "a-poison", {"from": "another version"}, clock())
    await harness.app.reactions.receive(reaction(harness, "👍"), "e1")
    for left in (2, 1, 1, 1, 1, 0):
        assert await harness.app.reactions.replay() == left
    assert await values(harness) == {(ONE, "ada"): 1.0}
    assert await states(harness) == {"a-poison": InboxState.FAILED, "e1": InboxState.DONE}


async def test_the_purge_job_keeps_inbox_events_for_two_days(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    for day in range(20):
        await harness.app.reactions.react(reaction(harness, "👍", on=day % 2 == 0), f"e{day}")
        clock.advance(timedelta(days=1))
        await harness.app.scheduler.tick()
        assert len(await states(harness)) <= 3
    assert {"e18", "e19"} <= set(await states(harness))
    await harness.app.scheduler.stop()


async def test_finished_events_are_forgotten_after_two_days(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    await harness.app.reactions.react(reaction(harness, "👍"), "e1")
    clock.advance(timedelta(days=1, hours=23))
    await harness.app.reactions.purge()
    assert "e1" in await states(harness)
    clock.advance(timedelta(hours=2))
    await harness.app.reactions.purge()
    assert await states(harness) == {}
