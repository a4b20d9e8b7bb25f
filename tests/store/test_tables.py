"""The tables of channels, topics, saved papers, runs, the inbox and metadata, and forgetting a member."""

from __future__ import annotations

import asyncio
import itertools
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from bot.model.messages import Place, PlaceKind
from bot.store import channels, delivery_plans, inbox, members, metadata, papers, runs, saved, tables, topics, votes
from bot.store.database import Store
from bot.store.delivery_plans import Draft
from bot.store.states import ChannelState, DeliveryKind, RunState
from bot.store.tables import inbox as inbox_table
from bot.store.votes import Vote
from recommender.paper import Paper
from tests.store.whole import START, add_channel, dump

DAY = date(2026, 3, 2)


async def test_a_channel_is_found_by_its_place_and_by_every_name_of_it(store: Store) -> None:
    async with store.write() as tx:
        channel = await add_channel(tx, "C1", name="ml-theory", next_due_at=START, next_due_on=DAY)
        await add_channel(tx, "C1", platform="discord")
        assert (channel.state, channel.hour, channel.next_due_at, channel.next_due_on) == (
            ChannelState.ACTIVE,
            "09:00",
            START,
            DAY,
        )
        assert await channels.find(tx, Place("slack", "C1", "W")) == channel
        assert await channels.find(tx, Place("slack", "C1", "elsewhere")) is None
        assert await channels.get(tx, channel.id) == channel
        for name in ("ml-theory", "#ml-theory", "slack:C1", str(channel.id)):
            assert await channels.named(tx, name) == [channel]
        assert len(await channels.named(tx, "C1")) == 2
        assert await channels.named(tx, "\0\ud800" + "9" * 10_000) == []
        assert await channels.list_all(tx, ["slack"]) == [channel]


async def test_concurrent_adds_of_a_channel_store_it_once(store: Store) -> None:
    async def meet() -> int:
        async with store.write() as tx:
            return (await add_channel(tx)).id

    assert len(set(await asyncio.gather(*(meet() for _ in range(10))))) == 1


async def test_channels_are_due_when_their_hour_has_come(store: Store) -> None:
    async with store.write() as tx:
        late = await add_channel(tx, "C1", next_due_at=START - timedelta(hours=1))
        now = await add_channel(tx, "C2", next_due_at=START)
        await add_channel(tx, "C3", next_due_at=START + timedelta(microseconds=1))
        paused = await add_channel(tx, "C4", next_due_at=START)
        assert await channels.change_from(tx, paused.id, ChannelState.ACTIVE, state=ChannelState.PAUSED)
        assert not await channels.change_from(tx, paused.id, ChannelState.ACTIVE, state=ChannelState.LOST)
        assert await channels.due(tx, START, ["slack"]) == [late, now]
        assert await channels.due(tx, START, ["slack"], limit=1) == [late]
        assert await channels.due(tx, START, ["discord"]) == []


async def test_deleting_a_channel_deletes_all_of_its_rows(store: Store) -> None:
    async with store.write() as tx:
        await papers.record(tx, [Paper("P", "")], START)
        channel = await add_channel(tx)
        await delivery_plans.plan(tx, channel.id, DAY, DeliveryKind.DIGEST, START, [Draft({}, "P")], START)
        await votes.put(tx, Vote(channel.id, "P", "ada", "👍", True, START))
        await topics.put(tx, channel.id, "federated", muted=False, alert=False, member="ada", now=START)
        await tx.execute(sa.delete(tables.channels).where(tables.channels.c.id == channel.id))
    tables_left = await dump(store)
    assert {name for name, rows in tables_left.items() if rows} == {"alembic_version", "facts", "papers", "paper_names"}


async def test_topics_are_put_changed_and_removed(store: Store) -> None:
    async with store.write() as tx:
        channel = (await add_channel(tx)).id
        assert await topics.put(tx, channel, "federated", muted=False, alert=True, member="ada", now=START)
        assert await topics.put(tx, channel, "survey", muted=True, alert=True, member="ada", now=START)
        assert [topic.query for topic in await topics.alerting(tx)] == ["federated"]
        assert not await topics.put(tx, channel, "federated", muted=False, alert=False, member="bob", now=START)
        assert [(topic.line, topic.alert, topic.member) for topic in await topics.for_channel(tx, channel)] == [
            ("federated", False, "ada"),
            ("-survey", True, "ada"),
        ]
        assert await topics.remove(tx, channel, "survey")
        assert not await topics.remove(tx, channel, "survey")
        endless = "word " * 10_000 + "\0"
        assert await topics.put(tx, channel, endless, muted=False, alert=False, member="ada", now=START)
        assert await topics.remove(tx, channel, endless)


async def test_saved_papers_are_stored_once_and_listed_latest_first(store: Store) -> None:
    async with store.write() as tx:
        await papers.record(tx, [Paper("P", ""), Paper("Q", "")], START)
        assert await saved.put(tx, "slack", "W", "ada", "P", START)
        assert not await saved.put(tx, "slack", "W", "ada", "P", START + timedelta(1))
        assert await saved.put(tx, "slack", "W", "ada", "Q", START + timedelta(2))
        assert await saved.for_member(tx, "slack", "W", "ada") == [("Q", START + timedelta(2)), ("P", START)]
        assert await saved.for_member(tx, "slack", "elsewhere", "ada") == []
        assert await saved.remove(tx, "slack", "W", "ada", "P")
        assert not await saved.remove(tx, "slack", "W", "ada", "P")
        assert await saved.put(tx, "slack", "elsewhere", "ada", "Q", START + timedelta(3))
        assert await saved.for_member(tx, "slack", None, "ada") == [("Q", START + timedelta(3))]
        assert await saved.remove(tx, "slack", None, "ada", "Q")
        assert await saved.for_member(tx, "slack", None, "ada") == []


async def test_the_latest_successful_run_is_no_failed_or_running_one(store: Store) -> None:
    async with store.write() as tx:
        first = await runs.start(tx, "arxiv", DAY, DAY, START)
        await runs.done(tx, first, listed=3, added=2, notes=["holiday"], memory={"etag": "x"}, now=START)
        second = await runs.start(tx, "arxiv", DAY, DAY, START)
        await runs.fail(tx, second, "it said 500", START)
        await runs.start(tx, "arxiv", DAY, DAY, START)
        await runs.start(tx, "feed", DAY, DAY, START)
        latest = await runs.latest(tx, "arxiv")
        assert latest
        assert latest.state is RunState.RUNNING
        good = await runs.latest(tx, "arxiv", RunState.DONE)
        assert good
        assert (good.id, good.listed, good.added, good.notes, good.memory) == (first, 3, 2, ("holiday",), {"etag": "x"})
        assert [(run.id, run.reason) for run in await runs.failing(tx)] == [(second, "it said 500")]
        assert await runs.notes_of_last(tx) == ["holiday"]
        assert await runs.latest(tx, "nobody") is None


async def test_an_event_is_received_once_and_processed_once(store: Store) -> None:
    async def receive() -> bool:
        async with store.write() as tx:
            return await inbox.receive(tx, "slack", "E1", {"text": "\0\ud800 é"}, START)

    assert sum(await asyncio.gather(*(receive() for _ in range(10)))) == 1
    async with store.write() as tx:
        assert await inbox.receive(tx, "discord", "E1", {}, START + timedelta(1))
        assert await inbox.unfinished(tx) == [("slack", "E1", {"text": " é"}), ("discord", "E1", {})]
        await inbox.finish(tx, "slack", "E1")
        assert not await inbox.receive(tx, "slack", "E1", {}, START)
        assert not await inbox.record_failure(tx, "discord", "E1", "broke", 2)
        assert await inbox.record_failure(tx, "discord", "E1", "broke again", 2)
        assert await inbox.record_failure(tx, "discord", "never heard of", "broke", 2)
        assert await inbox.unfinished(tx) == []
        assert not await inbox.purge(tx, START, START)
        assert await inbox.purge(tx, START + timedelta(2), START)
        assert [row.event_id for row in await tx.execute(sa.select(inbox_table))] == ["E1"]  # Discord's, given up
        assert not await inbox.purge(tx, START + timedelta(2), START)
        assert await inbox.purge(tx, START, START + timedelta(2))
        assert (await tx.execute(sa.select(inbox_table))).all() == []


async def test_forget_deletes_the_finished_events_of_a_member(store: Store) -> None:
    async with store.write() as tx:
        for member in ("U007", "U0078"):
            await inbox.receive(tx, "slack", f"E-{len(member)}", {"user": member}, START, member)
            await inbox.finish(tx, "slack", f"E-{len(member)}")
        await inbox.receive(tx, "discord", "E", {}, START, "U007")
    assert "U007" not in repr(await dump(store))
    async with store.write() as tx:
        assert await members.forget(tx, "slack", "W", "U007", START) == 1
        assert not await inbox.receive(tx, "slack", "E-5", {}, START)
        assert await inbox.receive(tx, "slack", "E-4", {}, START)
        assert not await inbox.receive(tx, "discord", "E", {}, START)


async def test_forget_reads_events_in_batches_and_lets_the_loop_turn(sqlite_store: Store) -> None:
    """The loop turns, and no statement reads more than some hundred events, however many there are."""
    rows = [
        {"platform": "slack", "event_id": f"E{number}", "state": state, "body": {"user": f"U{number % 1_000}"},
         "attempts": 0, "reason": "", "received_at": START}
        for number, state in zip(range(20_000), itertools.cycle(("done", "received", "failed")))
    ]  # fmt: skip
    async with sqlite_store.write() as tx:
        await tx.execute(sa.insert(inbox_table), rows)
    most = 0

    @sa.event.listens_for(sqlite_store.engine.sync_engine, "after_cursor_execute")
    def count(_connection: object, cursor: Any, *_: object) -> None:
        nonlocal most
        most = max(most, len(getattr(cursor, "_rows", ())))

    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(turning())
    async with sqlite_store.write() as tx:
        assert await members.forget(tx, "slack", None, "U7", START) == 14
    task.cancel()
    assert 0 < most <= 500
    assert turns > 3


async def test_metadata_is_replaced_and_the_store_id_stays(store: Store) -> None:
    async def ask() -> str:
        async with store.write() as tx:
            await metadata.put(tx, "name", "first")
            return await metadata.store_id(tx)

    assert len(set(await asyncio.gather(*(ask() for _ in range(8))))) == 1
    async with store.write() as tx:
        await metadata.put(tx, "name", "second")
        assert await metadata.get(tx, "name") == "second"
        assert await metadata.get(tx, "other") is None


async def test_forget_deletes_every_trace_of_a_member_and_nothing_of_others(store: Store) -> None:
    async with store.write() as tx:
        await papers.record(tx, [Paper("P", "")], START)
        team = await add_channel(tx, "C1", owner="U007")
        others = await add_channel(tx, "C1", workspace="elsewhere")
        await add_channel(tx, "D1", kind=PlaceKind.DIRECT, owner="U007")
        await add_channel(tx, "U007", kind=PlaceKind.DIRECT, owner="")
        for member in ("U007", "U0078", "ada"):
            await votes.put(tx, Vote(team.id, "P", member, "👍", True, START))
            await saved.put(tx, "slack", "W", member, "P", START)
            await topics.put(tx, team.id, f"topic of {len(member)}", muted=False, alert=False, member=member, now=START)
            await inbox.receive(tx, "slack", f"E-{member}", {"event": {"user": member, "text": "é"}}, START)
        await inbox.receive(tx, "slack", "E2", {"text": "hello <@U007>"}, START)
    async with store.write() as tx:
        assert await members.forget(tx, "slack", "W", "U007", START) == 6
    assert "U007" not in repr(await dump(store)).replace("U0078", "")
    async with store.read() as tx:
        assert {vote.member for vote in await votes.for_channel(tx, team.id)} == {"U0078", "ada"}
        assert await saved.for_member(tx, "slack", "W", "ada")
        assert {topic.member for topic in await topics.for_channel(tx, team.id)} == {"", "U0078", "ada"}
        assert [event for _, event, _ in await inbox.unfinished(tx)] == ["E-U0078", "E-ada"]
        assert await channels.get(tx, others.id) == others
    async with store.write() as tx:
        assert await members.forget(tx, "slack", "W", "U007", START) == 0
