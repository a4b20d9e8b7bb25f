"""A team's first days with the bot: the whole house behind the desk, the fake Slack before it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.fakes.slack.server import FakeSlack
from tests.fakes.slack.values import Message
from tests.house import House, demo_papers, house_over
from tests.platforms.slack.team import SlackTeam, readable

PAPERS = demo_papers()


class Days:
    """A team, and the house that serves it."""

    def __init__(self, team: SlackTeam, house: House) -> None:
        self.team, self.house = team, house
        self.room = team.lab.channel("C9", "reading", bot=False)

    async def say(self, line: str) -> str:
        count = len(self.team.ada.ephemeral)
        await self.team.ada.says("/papers", line, self.room)
        return await self.team.told(self.team.ada, count)

    async def next_digest(self, news: Sequence[Paper] = ()) -> list[Message]:
        """What the channel sees of the next morning, on whose eve these papers were listed."""
        seen, house = {said.ts for said in self.room.visible}, self.house
        await house.next_morning()
        house.clock.now -= timedelta(hours=1)
        house.shelf.lists[house.clock().date()] = list(news)
        await house.app.ingest.run()
        house.clock.now += timedelta(hours=1)
        await house.beat()
        return [said for said in self.room.visible if said.ts not in seen]

    async def press(self, said: Message, label: str) -> str:
        [block] = [block for block in said.blocks if block["type"] == "actions"]
        [button] = [each for each in block["elements"] if each["text"]["text"] == label]
        count = len(self.team.bo.ephemeral)
        await self.team.bo.presses(self.room, said.ts, button["action_id"])
        return await self.team.told(self.team.bo, count)


@pytest.fixture
async def days(sqlite_store: Store) -> AsyncIterator[Days]:
    clock = Clock()
    async with FakeSlack(clock) as slack:
        team = SlackTeam(slack, clock)
        house = house_over(sqlite_store, clock, cast("Any", team.platform))
        team.speaks_to = house.app.desk
        async with contextlib.AsyncExitStack() as stack:
            await team.start()
            stack.push_async_callback(team.stop)
            yield Days(team, house)
        assert slack.unknown == []


async def test_a_teams_first_days(days: Days) -> None:
    team, room = days.team, days.room
    await team.ada.invites_bot(room)
    assert "Hello, I am Paperboy" in room.visible[0].words
    assert "federated" in await days.say("subscribe federated learning")

    header, *cards = await days.next_digest(PAPERS[:40])
    assert header.words.startswith("5 papers for Tuesday, 3 March")
    assert len(cards) == 5
    assert all(card.blocks[-1]["type"] == "actions" and not card.pings for card in cards)
    assert sum("your topic “federated learning”" in card.words for card in cards) >= 3

    await team.ada.reacts(room, cards[0].ts, "+1::skin-tone-3")
    assert "Counted." in await days.press(cards[1], "Less")
    assert "Saved" in await days.press(cards[2], "Save")
    similar = await days.press(cards[0], "Similar")
    assert "https://arxiv.org/abs/" in similar

    found = await days.say("federated")
    assert "best first" in found
    [share] = [
        each
        for block in team.ada.ephemeral[-1].blocks
        if block["type"] == "actions"
        for each in block["elements"]
        if each["text"]["text"] == "Share"
    ]
    before = len(room.visible)
    await team.ada.presses(room, team.ada.ephemeral[-1].ts, share["action_id"])
    await team.slack.until(lambda: len(room.visible) > before)
    assert "best first" in readable(room.visible[-1].words, room.visible[-1].blocks)

    header, *cards = await days.next_digest(PAPERS[40:80])
    assert "learned from 2 votes by 2 members" in header.words
    assert cards

    assert "paused" in (await days.say("pause")).lower()
    assert await days.next_digest() == []
    await days.say("resume")
    await team.ada.removes_bot(room)
    assert await days.next_digest() == []
    await team.ada.invites_bot(room)
    assert room.visible[-1].words.startswith("I am back, with everything I knew.")
