"""Two processes of a bot share its work by the queue: each digest comes once, whichever process is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.jobs.work import Counts
from bot.model.messages import Message, Place
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.jobs.test_work_queue import pg_store, queue_over
from tests.support.chat import FakeChat
from tests.support.harness import BotHarness, comes_true, demo_papers, harness_over, paper

__all__ = ["pg_store"]
ROOMS = [Place("fake", f"c{number}", name=f"room {number}") for number in range(25)]


async def started(store: Store, clock: Clock, chat: FakeChat, process: str) -> BotHarness:
    """A process of the bot, which looks for work only when it is told."""
    queue = queue_over(store)
    await queue.prepare()
    harness = harness_over(store, clock, chat, process=process, queue=queue)
    await harness.app.paper_index.sync()
    harness.app.queue.start()
    return harness


async def two_with_digests_due(store: Store, clock: Clock, chat: FakeChat) -> list[BotHarness]:
    processes = [await started(store, clock, chat, name) for name in ("one", "two")]
    await processes[0].list_papers(demo_papers()[:4])
    await processes[1].app.paper_index.sync()
    for room in ROOMS:
        await processes[0].invite(room)
    await processes[0].app.ingest.run()
    clock.advance(timedelta(hours=1))
    return processes


def all_posted(chat: FakeChat) -> bool:
    return all(len({message.key for message in chat.shown[room.address]}) == 5 for room in ROOMS)


async def test_each_of_many_digests_comes_once(pg_store: Store, clock: Clock) -> None:
    chat = FakeChat()
    processes = await two_with_digests_due(pg_store, clock, chat)

    async def is_posted() -> bool:
        await asyncio.gather(*(each.app.scheduler.tick() for each in processes))
        return all_posted(chat)

    await comes_true(is_posted, 60)
    for each in processes:
        await each.app.queue.finish()
        await each.app.scheduler.stop()
    assert all(len(chat.shown[room.address]) == 5 for room in ROOMS)


async def test_a_process_that_is_stopped_in_the_middle_leaves_the_rest_to_the_other(
    pg_store: Store, clock: Clock
) -> None:
    sending = asyncio.Event()

    def note(message: Message) -> None:
        sending.set()

    chat = FakeChat(before=note)
    one, other = await two_with_digests_due(pg_store, clock, chat)

    async def is_sending() -> bool:  # a channel that the other one holds is looked at again by the next tick
        await one.app.scheduler.tick()
        return sending.is_set()

    await comes_true(is_sending, 30)
    await one.app.queue.stop()
    await one.app.scheduler.stop()
    await one.app.leases.release_all()

    async def is_posted() -> bool:
        await other.app.scheduler.tick()
        clock.advance(timedelta(seconds=5))  # what was being sent is looked up until it can't arrive any more
        return all_posted(chat)

    await comes_true(is_posted, 60)
    await other.app.queue.finish()
    await other.app.scheduler.stop()
    assert all(len(chat.shown[room.address]) == 5 for room in ROOMS)


async def test_each_source_is_a_job_and_its_papers_are_alerted(pg_store: Store, clock: Clock) -> None:
    chat = FakeChat()
    bot = await started(pg_store, clock, chat, "one")
    await bot.invite()
    await bot.say("subscribe robots alert")
    clock.advance(timedelta(minutes=1))
    bot.shelf.lists = {clock.now.date(): [paper(1, "Robots that fold paper")]}

    async def is_alerted() -> bool:
        await bot.app.scheduler.tick()
        return any("Just listed" in message.message.text for message in chat.shown["c1"])

    with capture_logs() as lines:
        await comes_true(is_alerted, 30)
        await bot.app.queue.finish()
    await bot.app.scheduler.stop()
    assert not [line for line in lines if line["log_level"] == "error"]
    assert len(bot.shelf.asked) == 1


@pytest.mark.parametrize("kind", ["digests", "deliveries", "source reading"])
async def test_what_is_not_due_is_no_job(kind: str, pg_store: Store, clock: Clock) -> None:
    bot = harness_over(pg_store, clock, queue=(queue := queue_over(pg_store)))
    await queue.prepare()
    await bot.app.ingest.run()
    await bot.app.scheduler.run(kind)
    assert await queue.counts() == Counts()
