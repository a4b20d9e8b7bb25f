"""Each channel's reactions are read back at a time of its own, by one process, and older ones where events may be
missing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.model.messages import Place
from bot.ports.platform import AccessLost, NotAccepted
from bot.store import channels, deliveries
from bot.store.database import Store
from bot.store.states import ChannelState, PostState
from bot.store.tables import channels as channels_table
from bot.store.tables import posts as posts_table
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import PLACE, BotHarness, demo_papers, harness_over
from tests.support.voting import ONE, values, with_cards


@dataclass
class Asked(FakeChat):
    """Counts how often it is asked for the reactions on each message."""

    asked: list[str] = field(default_factory=list)
    trouble: BaseException | None = None

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        self.asked.append(message)
        if self.trouble:
            raise self.trouble
        return await super().reactions(place, message)

    def count(self) -> int:
        """How many questions came since the last time."""
        number = len(self.asked)
        self.asked.clear()
        return number


async def with_channels(store: Store, clock: Clock, *, number: int = 3) -> tuple[BotHarness, Asked]:
    """A bot with a card in each of some channels, each in a workspace of its own, after their first reading."""
    chat = Asked()
    harness = harness_over(store, clock, chat)
    await harness.list_papers(demo_papers()[:1])
    for n in range(number):
        place = Place("fake", f"c{n}", f"T{n}", name="ml")
        await harness.invite(place)
        await harness.say(f"submit {ONE}", place=place)
    clock.advance(timedelta(minutes=1))
    harness.app.resync.listens_on(["fake"])
    await harness.app.resync.run_if_due()
    assert chat.count() == number
    return harness, chat


async def test_each_channel_is_read_once_a_day_at_its_own_time(store: Store, clock: Clock) -> None:
    harness, chat = await with_channels(store, clock)
    await harness.app.resync.run_if_due()
    assert chat.count() == 0
    clock.advance(timedelta(hours=5))
    late = Place("fake", "late", "T9", name="late")
    await harness.invite(late)
    await harness.say(f"submit {ONE}", place=late)
    await harness.app.resync.run_if_due()
    assert chat.count() == 1
    clock.advance(timedelta(hours=19, seconds=1))
    await harness.app.resync.run_if_due()
    assert chat.count() == 3
    clock.advance(timedelta(hours=5))
    await harness.app.resync.run_if_due()
    assert chat.count() == 1


async def test_the_daily_pass_asks_for_the_messages_of_two_days_alone(store: Store, clock: Clock) -> None:
    harness, chat = await with_channels(store, clock, number=1)
    for expected in (1, 0, 0):
        clock.advance(timedelta(days=1))
        await harness.app.resync.run_if_due()
        assert chat.count() == expected


async def test_where_events_were_missed_a_week_is_read(store: Store, clock: Clock) -> None:
    harness, chat = await with_channels(store, clock)
    clock.advance(timedelta(days=4))
    await harness.app.resync.run_if_due()
    assert chat.count() == 0
    await harness.app.service.resync_reactions_soon("fake", lambda workspace: workspace == "T1")
    await harness.app.service.resync_reactions_soon("another platform")
    await harness.app.resync.run_if_due()
    assert chat.asked == [harness.chat.message_of(ONE, "c1")]
    chat.count()
    await harness.app.service.resync_reactions_soon("fake")
    await harness.app.resync.run_if_due()
    assert chat.count() == 3
    await harness.app.resync.run_if_due()
    assert chat.count() == 0


async def test_a_start_reads_back_only_where_nobody_listened(store: Store, clock: Clock) -> None:
    first, chat = await with_channels(store, clock)
    second = harness_over(store, clock, chat, process="second")
    second.app.resync.listens_on(["fake"])
    await second.app.resync.run_if_due()
    assert chat.count() == 0
    await first.app.leases.release_all()
    await second.app.resync.run_if_due()  # it has listened all the time
    assert chat.count() == 0
    third = harness_over(store, clock, chat, process="third")
    third.app.resync.listens_on(["fake"])
    await third.app.resync.run_if_due()
    assert chat.count() == 0
    clock.advance(timedelta(days=4))  # nobody renewed anything
    fourth = harness_over(store, clock, chat, process="fourth")
    fourth.app.resync.listens_on(["fake"])
    await fourth.app.resync.run_if_due()
    assert chat.count() == 3


async def test_a_worker_that_listens_nowhere_reads_what_is_due_alone(store: Store, clock: Clock) -> None:
    harness, chat = await with_channels(store, clock)
    await harness.app.leases.release_all()
    worker = harness_over(store, clock, chat, process="worker")
    await worker.app.resync.run_if_due()
    assert chat.count() == 0
    clock.advance(timedelta(hours=25))
    await worker.app.resync.run_if_due()
    assert chat.count() == 3


async def test_two_processes_never_read_the_same_channel(store: Store, clock: Clock) -> None:
    harness, chat = await with_channels(store, clock, number=8)
    others = [harness_over(store, clock, chat, process=f"process {n}") for n in range(3)]
    clock.advance(timedelta(hours=25))
    await asyncio.gather(*(each.app.resync.run_if_due() for each in (harness, *others)))
    assert len(chat.asked) == len(set(chat.asked)) == 8


@pytest.mark.parametrize("trouble", [NotAccepted("down"), OSError("reset")])
async def test_a_channel_that_could_not_be_read_is_read_soon(store: Store, clock: Clock, trouble: Exception) -> None:
    harness, chat = await with_channels(store, clock, number=1)
    await harness.app.service.resync_reactions_soon("fake")
    chat.trouble = trouble
    clock.advance(timedelta(days=4))
    await harness.app.resync.run_if_due()
    await harness.app.resync.run_if_due()
    assert chat.count() == 1
    chat.trouble = None
    clock.advance(timedelta(hours=1))
    await harness.app.resync.run_if_due()
    assert chat.count() == 1
    clock.advance(timedelta(hours=1))
    await harness.app.resync.run_if_due()
    assert chat.count() == 0


async def test_a_channel_without_access_waits_a_day(sqlite_store: Store, clock: Clock) -> None:
    harness, chat = await with_channels(sqlite_store, clock, number=1)
    chat.trouble = AccessLost("gone")
    clock.advance(timedelta(hours=25))
    await harness.app.resync.run_if_due()
    assert chat.count() == 1
    clock.advance(timedelta(hours=2))
    await harness.app.resync.run_if_due()
    assert chat.count() == 0
    async with sqlite_store.write() as tx:
        for channel in await channels.list_all(tx):
            await channels.change(tx, channel.id, state=ChannelState.LOST)
    clock.advance(timedelta(hours=25))
    await harness.app.resync.run_if_due()
    assert chat.count() == 0


async def test_a_process_that_dies_while_it_reads_loses_no_channel(store: Store, clock: Clock) -> None:
    harness, chat = await with_channels(store, clock)
    await harness.app.service.resync_reactions_soon("fake")
    chat.trouble = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await harness.app.resync.run_if_due()
    chat.trouble = None
    chat.count()
    other = harness_over(store, clock, chat, process="another")
    clock.advance(timedelta(hours=1))
    await other.app.resync.run_if_due()
    assert chat.count() == 3


async def test_a_request_that_comes_while_a_channel_is_read_is_kept(sqlite_store: Store, clock: Clock) -> None:
    harness, chat = await with_channels(sqlite_store, clock, number=1)
    reactions = chat.reactions

    async def reconnecting(place: Place, message: str) -> list[tuple[str, str]]:
        chat.reactions = reactions  # type: ignore[method-assign]
        clock.advance(timedelta(seconds=1))
        await harness.app.service.resync_reactions_soon("fake")
        return await reactions(place, message)

    clock.advance(timedelta(hours=25))
    chat.reactions = reconnecting  # type: ignore[method-assign]
    await harness.app.resync.run_if_due()
    assert chat.count() == 2


async def test_reading_back_reads_no_old_bodies(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = await with_cards(store, clock)
    clock.advance(timedelta(days=3))
    read: list[Any] = []
    plain = deliveries._post

    def counted(row: Any) -> Any:
        read.append(row.id)
        return plain(row)

    monkeypatch.setattr(deliveries, "_post", counted)
    await harness.app.resync.run_if_due()
    assert read == []


async def test_a_vote_on_an_old_card_of_a_merged_paper_is_not_taken_back(store: Store, clock: Clock) -> None:
    """The young card of a paper is read, and the old one of the same paper, which only its text names."""
    harness = await with_cards(store, clock)
    [young, old, _] = [post for post in await harness.posts() if post.paper_id]
    async with store.write() as tx:
        body = {**old.body, "card": {**old.body["card"], "paper_id": ONE}}
        past = clock() - timedelta(days=5)
        change = sa.update(posts_table).where(posts_table.c.id == old.id)
        await tx.execute(change.values(paper_id=None, body=body, sent_at=past))
    harness.chat.standing[old.message or ""] = {("ben", "👍")}
    harness.chat.standing[young.message or ""] = {("ada", "👍")}
    await harness.app.resync.run_if_due()
    assert await values(harness) == {(ONE, "ada"): 1.0, (ONE, "ben"): 1.0}
    assert young.state is old.state is PostState.SENT


async def test_every_channel_of_an_earlier_version_is_read_soon(store: Store, clock: Clock) -> None:
    harness = await with_cards(store, clock)
    async with store.read() as tx:
        row = (await tx.execute(sa.select(channels_table.c.read_back_at, channels_table.c.missed_at))).one()
    assert row[0] < clock()
    assert row[1] is None
    assert (await harness.channel()).place == PLACE
