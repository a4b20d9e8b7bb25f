"""What was voted by button stands on the card: each member once, worked out from the votes, and one edit for many."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot import settings
from bot.digests.feedback import button_tally
from bot.jobs.vote_counts import VoteCounters
from bot.model.messages import Action, Message, Place, Reaction, Style
from bot.model.number_emoji import keycap
from bot.ports.platform import AccessLost, NotAccepted, PlatformError, Rejected, Rewriting, Uncertain
from bot.store import channels
from bot.store.database import _PRIORITY, Store, _Priority
from bot.store.leases import Leases, channel_lease
from bot.store.states import ChannelState
from bot.store.votes import Vote, VoteSignal
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import ADA, BEN, PLACE, BotHarness, demo_papers, harness_over
from tests.support.voting import ONE, OTHER, TABLE, read_back, values, with_cards


@dataclass
class Board(FakeChat):
    """A chat whose messages can be written anew. `troubles` are what goes wrong next; a gate holds an edit up."""

    edits: list[str] = field(default_factory=list)
    tries: int = 0
    troubles: list[PlatformError] = field(default_factory=list)
    went_ahead: bool = False
    gate: asyncio.Event | None = None
    at_it: asyncio.Event = field(default_factory=asyncio.Event)

    async def rewrite(self, place: Place, posted: str, message: Message, key: str) -> None:
        self.tries += 1
        self.at_it.set()
        self.went_ahead |= _PRIORITY.get() is _Priority.HIGH
        if self.gate:
            await self.gate.wait()
        if self.troubles:
            raise self.troubles.pop(0)
        here = self.shown[place.address]
        [(at, known)] = [(at, one) for at, one in enumerate(here) if one.id == posted]
        assert known.key == key
        here[at] = replace(known, message=replace(message, thread=known.message.thread))
        self.edits.append(posted)

    def tally(self, paper_id: str) -> str:
        [card] = [message.message.card for message in self.shown["c1"] if message.id == self.message_of(paper_id)]
        assert card is not None
        return card.tally


@dataclass
class Naps:
    """Sleeps that last until the test says so."""

    taken: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await self.over.wait()


async def board(store: Store, clock: Clock) -> tuple[BotHarness, Board]:
    chat = Board()
    return await with_cards(store, clock, chat), chat


# -- what is counted


def heard(*told: tuple[str, str]) -> list[Vote]:
    began = datetime(2026, 3, 2, tzinfo=UTC)
    return [
        Vote(1, ONE, member, signal, True, began + timedelta(seconds=place))
        for place, (member, signal) in enumerate(told)
    ]


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ([], (0, 0)),
        ([("ada", VoteSignal.MORE)], (1, 0)),
        ([("ada", VoteSignal.MORE), ("ben", VoteSignal.MORE), ("cy", VoteSignal.LESS)], (2, 1)),
        ([("ada", "👍"), ("ben", VoteSignal.NUMBER), ("cy", VoteSignal.TAUGHT)], (0, 0)),
        ([("ada", VoteSignal.MORE), ("ada", VoteSignal.TAUGHT)], (1, 0)),
        ([("ada", VoteSignal.MORE), ("ada", "🍕")], (1, 0)),
        # An emoji that says the same is there to be seen, whichever came first.
        ([("ada", VoteSignal.MORE), ("ada", "👍")], (0, 0)),
        ([("ada", "🔥"), ("ada", VoteSignal.MORE)], (0, 0)),
        ([("ada", VoteSignal.MORE), ("ada", VoteSignal.NUMBER)], (0, 0)),
        # Of two that contradict each other the later stands.
        ([("ada", VoteSignal.MORE), ("ada", "👎")], (0, 0)),
        ([("ada", "👎"), ("ada", VoteSignal.MORE)], (1, 0)),
    ],
)
def test_the_vote_of_a_member_who_pressed_and_shows_it_by_no_emoji_is_counted(
    told: list[tuple[str, str]], counted: tuple[int, int]
) -> None:
    assert button_tally(heard(*told), TABLE) == counted


def test_button_votes_taken_back_are_not_counted() -> None:
    assert button_tally([replace(vote, on=False) for vote in heard(("ada", VoteSignal.MORE))], TABLE) == (0, 0)


# -- what the card shows


async def test_a_button_vote_appears_on_the_card_and_disappears_when_taken_back(store: Store, clock: Clock) -> None:
    harness, chat = await board(store, clock)
    before = list(chat.shown["c1"])
    await harness.say(f"more {ONE}")
    await harness.settle()
    assert (chat.tally(ONE), chat.tally(OTHER)) == ("By button: 👍 1", "")
    await harness.say(f"more {ONE}")
    await harness.settle()
    assert chat.shown["c1"] == before
    assert len(chat.edits) == 2


async def test_every_member_counts_once_and_may_change_their_mind(sqlite_store: Store, clock: Clock) -> None:
    harness, chat = await board(sqlite_store, clock)
    await harness.say(f"more {ONE}", ADA)
    await harness.say(f"more {ONE}", BEN)
    await harness.settle()
    assert chat.tally(ONE) == "By button: 👍 2"
    clock.advance(timedelta(seconds=1))
    await harness.say(f"less {ONE}", BEN)
    await harness.settle()
    assert chat.tally(ONE) == "By button: 👍 1 · 👎 1"


async def test_an_emoji_that_says_the_same_or_takes_the_press_back_takes_the_line_away(
    sqlite_store: Store, clock: Clock
) -> None:
    harness, chat = await board(sqlite_store, clock)
    await harness.say(f"more {ONE}")
    await harness.say(f"more {ONE}", BEN)
    await harness.settle()
    clock.advance(timedelta(seconds=1))
    await harness.react(ONE, "👍")
    await harness.settle()
    assert chat.tally(ONE) == "By button: 👍 1"
    clock.advance(timedelta(seconds=1))
    await harness.react(ONE, "👍", on=False)
    await harness.settle()
    assert chat.tally(ONE) == "By button: 👍 1"
    assert await values(harness) == {(ONE, "ben"): 1.0}


async def test_an_emoji_of_somebody_who_pressed_nothing_writes_nothing_anew(sqlite_store: Store, clock: Clock) -> None:
    harness, chat = await board(sqlite_store, clock)
    await harness.say(f"more {ONE}")
    await harness.settle()
    await harness.react(ONE, "👍", member="ben")
    await harness.react(OTHER, "👍")
    await harness.settle()
    assert len(chat.edits) == 1


async def test_a_reaction_read_back_removes_the_tally_line(sqlite_store: Store, clock: Clock) -> None:
    harness, chat = await board(sqlite_store, clock)
    await harness.say(f"more {ONE}")
    await harness.settle()
    clock.advance(timedelta(seconds=1))
    chat.standing[chat.message_of(ONE)].add(("ada", "👍"))
    assert await read_back(harness) == 1
    await harness.settle()
    assert chat.tally(ONE) == ""


async def test_on_a_message_of_several_papers_each_line_has_its_own(sqlite_store: Store, clock: Clock) -> None:
    chat, naps = Board(), Naps()
    digest = settings.DigestSettings(count=3, style=Style.COMPACT, titles=0)
    harness = harness_over(sqlite_store, clock, chat, naps, digest=digest)
    await harness.list_papers(demo_papers()[:10])
    await harness.invite()
    await harness.next_morning()
    await harness.beat()
    [post] = await harness.posts()
    one, two, three = (line["paper_id"] for line in post.body["lines"])
    await harness.say(f"more {two}")
    await harness.say(f"more {three}", BEN)
    await harness.app.service.react(Reaction(PLACE, post.message or "", "ada", keycap(1), True, clock()))
    naps.over.set()
    await harness.settle()
    assert len(chat.edits) == 1
    [shown] = chat.shown["c1"]
    assert [(line.paper_id, line.tally) for line in shown.message.lines] == [
        (one, ""),
        (two, "By button: 👍 1"),
        (three, "By button: 👍 1"),
    ]


async def test_forget_me_removes_the_tally_line(store: Store, clock: Clock) -> None:
    harness, chat = await board(store, clock)
    await harness.say(f"more {ONE}")
    await harness.say(f"less {OTHER}")
    await harness.say(f"more {ONE}", BEN)
    await harness.settle()
    await harness.say("forget me yes")
    await harness.settle()
    assert (chat.tally(ONE), chat.tally(OTHER)) == ("By button: 👍 1", "")


async def test_what_no_card_shows_and_where_the_bot_may_not_write_nothing_is_written(
    sqlite_store: Store, clock: Clock
) -> None:
    harness, chat = await board(sqlite_store, clock)
    await harness.list_papers(demo_papers()[5:6])
    await harness.say(f"more {demo_papers()[5].id}")
    await harness.settle()
    async with harness.store.write() as tx:
        await channels.change(tx, (await harness.channel()).id, state=ChannelState.LOST)
    await harness.say(f"more {ONE}")
    await harness.settle()
    assert chat.tries == 0


async def test_platforms_without_rewriting_get_no_tally_edits(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_cards(sqlite_store, clock)
    assert not isinstance(harness.chat, Rewriting)
    await harness.say(f"more {ONE}")
    assert asyncio.all_tasks() == {asyncio.current_task()}


# -- when


async def test_many_button_votes_make_one_edit_with_the_latest_tally(sqlite_store: Store, clock: Clock) -> None:
    chat, naps = Board(), Naps()
    harness = await with_cards(sqlite_store, clock, chat, naps)
    await harness.say(f"more {ONE}")
    await asyncio.sleep(0)
    assert naps.taken == [2.0]
    await harness.say(f"more {ONE}", BEN)
    await harness.say(f"less {OTHER}", BEN)
    assert chat.edits == []
    naps.over.set()
    await harness.settle()
    assert sorted(chat.edits) == sorted([chat.message_of(ONE), chat.message_of(OTHER)])
    assert (chat.tally(ONE), chat.tally(OTHER)) == ("By button: 👍 2", "By button: 👎 1")


async def test_a_press_while_the_message_is_written_is_seen_after_it(sqlite_store: Store, clock: Clock) -> None:
    harness, chat = await board(sqlite_store, clock)
    chat.gate = asyncio.Event()
    await harness.say(f"more {ONE}")
    await chat.at_it.wait()
    await harness.say(f"more {ONE}", BEN)
    chat.gate.set()
    await harness.settle()
    assert chat.tally(ONE) == "By button: 👍 2"
    assert len(chat.edits) == 2


async def test_a_repeated_button_event_makes_one_edit(sqlite_store: Store, clock: Clock) -> None:
    harness, chat = await board(sqlite_store, clock)
    for _ in range(2):
        await harness.app.service.act(PLACE, ADA, Action("", "more", ONE), "press-1")
        await harness.settle()
    assert chat.tally(ONE) == "By button: 👍 1"
    assert len(chat.edits) == 1


async def test_tally_edits_have_no_high_priority_in_the_store(sqlite_store: Store, clock: Clock) -> None:
    harness, chat = await board(sqlite_store, clock)
    await harness.say(f"more {ONE}")
    await harness.settle()
    await harness.react(ONE, "👍")
    await harness.settle()
    assert len(chat.edits) == 2
    assert not chat.went_ahead


async def test_what_a_crash_left_out_of_date_is_brought_right_on_the_next_start(store: Store, clock: Clock) -> None:
    chat, naps = Board(), Naps()
    harness = await with_cards(store, clock, chat, naps)
    await harness.say(f"more {ONE}")
    await asyncio.sleep(0)
    await harness.app.scheduler.stop()
    assert chat.edits == []
    harness = harness_over(store, clock, chat)
    await harness.app.scheduler.tick()
    await harness.settle()
    assert chat.tally(ONE) == "By button: 👍 1"
    assert await values(harness) == {(ONE, "ada"): 1.0}


async def test_a_line_that_a_crash_left_standing_is_taken_away_on_the_next_start(
    sqlite_store: Store, clock: Clock
) -> None:
    harness, chat = await board(sqlite_store, clock)
    await harness.say(f"more {ONE}")
    await harness.settle()
    harness = harness_over(sqlite_store, clock, chat, Naps())
    clock.advance(timedelta(seconds=1))
    await harness.say(f"more {ONE}")
    await asyncio.sleep(0)
    await harness.app.scheduler.stop()
    assert chat.tally(ONE) == "By button: 👍 1"
    harness = harness_over(sqlite_store, clock, chat)
    await harness.app.scheduler.tick()
    await harness.settle()
    assert chat.tally(ONE) == ""


async def test_an_edit_waits_while_another_process_may_edit_in_the_channel(store: Store, clock: Clock) -> None:
    chat, naps = Board(), Naps()
    harness = await with_cards(store, clock, chat, naps)
    other = Leases(store, clock=clock, holder="other")
    name = channel_lease((await harness.channel()).id)
    assert await other.take(name)

    async def nap(seconds: float) -> None:
        naps.taken.append(seconds)
        if len(naps.taken) == 4:
            assert chat.tries == 0
            await other.release(name)

    harness = harness_over(store, clock, chat, nap)
    await harness.say(f"more {ONE}")
    await harness.settle()
    assert naps.taken == [2.0] * 4 + [0.5]
    assert chat.tally(ONE) == "By button: 👍 1"
    assert await other.take(name), "the lease was given back"


# -- what goes wrong


async def pressed_on(harness: BotHarness) -> list[str]:
    """Press, wait, and give what was logged of it."""
    with capture_logs() as logged:
        await harness.say(f"more {ONE}")
        await harness.settle()
    assert await values(harness) == {(ONE, "ada"): 1.0}, "the vote stands whatever becomes of the card"
    return [f"{one['event']} {one.get('why')}" for one in logged]


@pytest.mark.parametrize("error", [Rejected("not so"), AccessLost("gone"), NotAccepted("come next week", 600_000)])
async def test_an_edit_that_is_refused_is_told_of_once_and_not_tried_again(
    sqlite_store: Store, clock: Clock, error: PlatformError
) -> None:
    harness, chat = await board(sqlite_store, clock)
    chat.troubles = [error]
    assert await pressed_on(harness) == [f"A card can't show the votes by button. {error}"]
    assert chat.tries == 1
    await harness.say(f"more {ONE}", BEN)
    await harness.settle()
    assert chat.tally(ONE) == "By button: 👍 2", "the next press brings it right"


@pytest.mark.parametrize(("error", "waits"), [(NotAccepted("slowly", 7), 7.0), (Uncertain("lost"), 10.0)])
async def test_an_edit_that_may_do_later_is_tried_again_in_its_time(
    sqlite_store: Store, clock: Clock, error: PlatformError, waits: float
) -> None:
    naps = Naps()
    naps.over.set()
    chat = Board()
    harness = await with_cards(sqlite_store, clock, chat, naps)
    chat.troubles = [error]
    assert await pressed_on(harness) == []
    assert naps.taken == [2.0, 0.5, waits, 0.5]
    assert chat.tally(ONE) == "By button: 👍 1"


async def test_a_failing_tally_edit_is_given_up(sqlite_store: Store, clock: Clock) -> None:
    harness, chat = await board(sqlite_store, clock)
    chat.troubles = [NotAccepted("slowly", 1)] * 100
    assert await pressed_on(harness) == ["A card can't show the votes by button. slowly"]
    assert chat.tries == 3


async def test_a_refused_card_keeps_no_other_from_being_written(sqlite_store: Store, clock: Clock) -> None:
    chat, naps = Board(), Naps()
    harness = await with_cards(sqlite_store, clock, chat, naps)
    chat.troubles = [Rejected("not so")]
    await harness.say(f"more {ONE}")
    await harness.say(f"more {OTHER}")
    naps.over.set()
    await harness.settle()
    assert chat.tries == 2
    assert len(chat.edits) == 1


async def test_a_tally_edit_without_an_answer_times_out(sqlite_store: Store, clock: Clock) -> None:
    chat, naps = Board(gate=asyncio.Event()), Naps()
    naps.over.set()
    harness = await with_cards(sqlite_store, clock, FakeChat())
    await harness.say(f"more {ONE}")
    vote_counters = VoteCounters(harness.store, {"fake": chat}, TABLE, naps, harness.app.leases, timeout=0.01)
    with capture_logs() as logged:
        vote_counters.refresh_tally((await harness.channel()).id, ONE)
        await harness.settle()
    assert [one["why"] for one in logged] == ["no answer in time"]


async def test_a_store_error_costs_only_the_tally_line(sqlite_store: Store, clock: Clock) -> None:
    chat, naps = Board(), Naps()
    harness = await with_cards(sqlite_store, clock, chat, naps)
    await harness.say(f"more {ONE}")
    async with harness.store.write() as tx:
        await tx.exec_driver_sql("UPDATE posts SET body = '{\"card\": 7}'")
    naps.over.set()
    with capture_logs() as logged:
        await harness.settle()
    assert [one["event"] for one in logged] == ["The votes by button can't be shown now."]
