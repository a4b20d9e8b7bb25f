"""The real program, killed at random while digests leave and members react: nothing is doubled, nothing is lost.

`make soak` runs many rounds, from a new seed each time, and prints what happened.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from asyncio.subprocess import Process
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import channels, deliveries, papers, votes
from bot.store.database import Store, make_engine
from bot.store.states import DeliveryState, PostState
from tests.fakes.slack import FakeSlack, Message
from tests.fakes.slack.world import Channel
from tests.platforms.slack.test_slow_answers import TODAY, Rooms
from tests.support.harness import comes_true, demo_papers

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "1"))
SEED = int(os.environ.get("SOAK_SEED", "14"))
CARDS = 3
PAPERS = demo_papers()
SETTINGS = {
    "DELIVERY__TIMEOUT": "1",
    "DELIVERY__MARGIN": "3",
    "DIGEST__COUNT": str(CARDS),
    "DIGEST__TITLES": "0",
    "DIGEST__BAR": "0",
}
_PAUSE_SECONDS = 0.3


@pytest.mark.timeout(60 * ROUNDS + 120)
async def test_random_kills_double_and_lose_nothing(tmp_path: Path) -> None:
    chance, counts = random.Random(SEED), Counter[str]()
    async with FakeSlack() as slack:
        team = Rooms(slack, tmp_path)
        async with team.served(SETTINGS):
            await team.invite()
        for number in range(ROUNDS):
            await list_papers(tmp_path, number, TODAY + timedelta(team.days - 1))
            await team.let_come()
            break_something(slack, chance, counts)
            async with team.served(SETTINGS) as process:
                await asyncio.sleep(chance.uniform(0.0, 2.5))
                await react(team, chance, counts)
                await end(process, chance.choice(["kill", "pause and kill", "stop", "nothing"]), counts)
                await react(team, chance, counts)
                if process.returncode is None:
                    await all_settled(tmp_path)
            async with team.served(SETTINGS):
                await all_settled(tmp_path)
                counts["digests"], counts["posts"] = await check_posts(tmp_path, team)
                counts["votes"] = await check_votes(tmp_path, team)
    if ROUNDS > 1:
        print(json.dumps({"seed": SEED, "rounds": ROUNDS} | counts, indent=2))  # noqa: T201
    assert counts["posts"] > counts["digests"] == len(team.rooms) * ROUNDS


async def list_papers(folder: Path, number: int, day: date) -> None:
    """Real papers become news of a day, one for each card of a digest."""
    first = CARDS * number % (len(PAPERS) - CARDS)
    news = [replace(paper, published=day) for paper in PAPERS[first : first + CARDS]]
    store = opened(folder)
    async with store.write() as tx:
        await papers.record(tx, news, datetime.now(UTC), {paper.id: day for paper in news})
    await store.close()


def break_something(slack: FakeSlack, chance: random.Random, counts: Counter[str]) -> None:
    """Some posts meet a fault: late, its answer lost, refused for now, or an error page."""
    post = "chat.postMessage"
    for _ in range(chance.randint(0, 4)):
        fault = chance.choice(["late", "lost answer", "429", "500", "late history"])
        counts[fault] += 1
        match fault:
            case "late":
                slack.faults.late(post, chance.uniform(0.1, 3.0))
            case "lost answer":
                slack.faults.lose_reply(post)
            case "429":
                slack.faults.limit(post, 1)
            case "500":
                slack.faults.status(post, 500, accepted=chance.random() < 0.5)
            case _:
                slack.faults.history_lag = chance.uniform(0.0, 2.0)


async def end(process: Process, how: str, counts: Counter[str]) -> None:
    """End the program, if that is how."""
    counts[how] += 1
    if how == "nothing":
        return
    if how == "pause and kill":
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(_PAUSE_SECONDS)
    process.send_signal(signal.SIGTERM if how == "stop" else signal.SIGKILL)
    async with asyncio.timeout(20):
        await process.wait()


async def react(team: Rooms, chance: random.Random, counts: Counter[str]) -> None:
    """A member likes some cards that stand there, whoever knows of it."""
    for room in team.rooms:
        messages = [message for message in room.visible if card_of(message)]
        for message in chance.sample(messages, min(len(messages), chance.randint(0, 2))):
            counts["reactions"] += 1
            await team.ada.reacts(room, message.ts, "+1")


def card_of(message: Message) -> bool:
    return "arxiv.org/abs/" in json.dumps(message.blocks)


def opened(folder: Path) -> Store:
    return Store(make_engine(f"sqlite:///{folder / 'paperboy.db'}", 10.0))


async def all_settled(folder: Path) -> None:
    """No digest is due and no post is under way any more."""
    store = opened(folder)

    async def settled() -> bool:
        async with store.read() as tx:
            rooms = await channels.list_all(tx)
            due = [room for room in rooms if room.next_due_at and room.next_due_at <= datetime.now(UTC)]
            states = [post.state for room in rooms for post in await deliveries.posts_in_channel(tx, room.id)]
        return not due and set(states) <= {PostState.SENT, PostState.FAILED, PostState.DROPPED}

    await comes_true(settled, within=50)
    await store.close()


async def check_posts(folder: Path, team: Rooms) -> tuple[int, int]:
    """Each post of the store stands once where it belongs, and nothing else does; how many digests and posts there
    are."""
    digests, count, store = 0, 0, opened(folder)
    async with store.read() as tx:
        for room in team.rooms:
            channel = await channel_of(tx, room)
            posts = await deliveries.posts_in_channel(tx, channel.id)
            assert {post.state for post in posts} <= {PostState.SENT}, "one was lost"
            standing = Counter(team.keys(room))
            assert set(standing.values()) == {1}, "one stands there twice"
            keys = {post.key for post in posts}
            assert keys <= standing.keys(), "one that counts as sent is not there"
            assert len(standing) == len(keys) + 1, "nothing but the greeting stands there besides"
            planned = [
                one for one in await deliveries.for_channel(tx, channel.id) if one.state is DeliveryState.PLANNED
            ]
            digests, count = digests + len(planned), count + len(posts)
    await store.close()
    return digests, count


async def check_votes(folder: Path, team: Rooms) -> int:
    """Each reaction that stands counts as a vote; how many those are."""
    store = opened(folder)

    async def counted() -> set[tuple[str, str]]:
        found = set()
        async with store.read() as tx:
            for room in team.rooms:
                channel = await channel_of(tx, room)
                messages = {post.paper_id: post.message for post in await deliveries.posts_in_channel(tx, channel.id)}
                found |= {(room.id, messages[vote.paper_id] or "") for vote in await votes.for_channel(tx, channel.id)}
        return found

    standing = {(room.id, message.ts) for room in team.rooms for message in room.visible if message.reactions}

    async def all_counted() -> bool:
        return await counted() == standing

    await comes_true(all_counted, within=30)
    await store.close()
    return len(standing)


async def channel_of(tx: AsyncConnection, room: Channel) -> channels.Channel:
    [channel] = [channel for channel in await channels.list_all(tx) if channel.place.address == room.id]
    return channel
