"""A team's first days with the bot: the whole bot behind the service, the fake Slack before it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.model.messages import Place
from bot.store.database import Store
from bot.store.states import ChannelState
from recommender import Paper
from tests.fakes.clock import Clock
from tests.fakes.slack.server import FakeSlack
from tests.fakes.slack.values import Message
from tests.platforms.slack.team import SlackTeam, buttons, choices, readable
from tests.support.harness import BotHarness, demo_papers, harness_over

PAPERS = demo_papers()


class Days:
    """A team, and the bot that serves it."""

    def __init__(self, team: SlackTeam, harness: BotHarness) -> None:
        self.team, self.harness = team, harness
        self.room = team.lab.channel("C9", "reading", bot=False)

    async def say(self, line: str) -> str:
        count = len(self.team.ada.ephemeral)
        await self.team.ada.says("/papers", line, self.room)
        return await self.team.told(self.team.ada, count)

    async def next_digest(self, news: Sequence[Paper] = ()) -> list[Message]:
        """What the channel sees of the next morning, on whose eve these papers were listed."""
        seen, harness = {message.ts for message in self.room.visible}, self.harness
        await harness.next_morning()
        harness.clock.now -= timedelta(hours=1)
        harness.shelf.lists[harness.clock().date()] = list(news)
        await harness.app.ingest.run()
        harness.clock.now += timedelta(hours=1)
        await harness.beat()
        return [message for message in self.room.visible if message.ts not in seen]

    async def press(self, said: Message, label: str) -> str:
        [block] = [block for block in said.blocks if block["type"] == "actions"]
        held = [each["action_id"] for each in buttons([block]) if each["text"]["text"] == label]
        chosen = [pair for pair in choices([block]) if f'"{label.lower()}"' in pair[1]]
        action_id, value = (held[0], None) if held else chosen[0]
        count = len(self.team.bo.ephemeral)
        await self.team.bo.presses(self.room, said.ts, action_id, value)
        return await self.team.told(self.team.bo, count)


@pytest.fixture
async def days(sqlite_store: Store) -> AsyncIterator[Days]:
    clock = Clock()
    async with FakeSlack(clock) as slack:
        team = SlackTeam(slack, clock)
        harness = harness_over(sqlite_store, clock, cast("Any", team.platform))
        team.speaks_to = harness.app.service
        async with contextlib.AsyncExitStack() as stack:
            await team.start()
            stack.push_async_callback(team.stop)
            yield Days(team, harness)
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


async def test_where_the_bot_was_not_invited_it_promises_nothing(days: Days) -> None:
    await days.harness.list_papers(PAPERS[:1])
    hidden = days.team.lab.channel("C8", "hidden", private=True, bot=False)
    for room in (days.room, hidden):
        days.room = room
        assert "invite me first" in await days.say("resume")
        assert "invite me first" in await days.say(f"submit {PAPERS[0].id}")
        assert (await days.harness.channel(Place("slack", room.id, "T1"))).state is ChannelState.NEW
    await days.team.ada.invites_bot(hidden)
    assert "Next digest: " in hidden.visible[0].words
    assert "It is running." in await days.say("resume")
    assert await days.say(f"submit {PAPERS[0].id}") == "Posted."


async def test_a_team_runs_its_channel_without_typing(days: Days) -> None:
    team, room, ada = days.team, days.room, days.team.ada
    await ada.opens_home()
    await team.slack.until(lambda: ada.home and "subscribe federated learning" in ada.home.words)

    await ada.invites_bot(room)
    room.members += ["ada", "bo"]
    await days.say("schedule")
    [change] = [each for each in buttons(ada.ephemeral[-1].blocks) if each["text"]["text"] == "Change"]
    await ada.presses(room, ada.ephemeral[-1].ts, change["action_id"])
    await team.slack.until(lambda: ada.modals and "When digests come" in ada.modals[-1].words)
    await ada.submits(ada.modals[-1], {"0:hour": "25", "2:zone": "Berlni"})
    assert ada.modals[-1].errors == {"0:hour": "“25” is no time of day; it looks like 09:00."}
    await ada.submits(ada.modals[-1], {"0:hour": "9am", "2:zone": "berlin", "3:count": "3"})
    assert "Done: hour is 09:00, zone is Europe/Berlin, count is 3. Next digest: " in ada.modals[-1].words

    header, *cards = await days.next_digest(PAPERS[:40])
    assert len(cards) == 3
    before = len(ada.ephemeral)
    await ada.chooses("more", room, cards[0].ts)
    assert "Counted. More like" in await team.told(ada, before)
    await ada.chooses("more", room, header.ts)
    assert "Which paper do you mean?" in await team.told(ada, before + 1)
    link = await team.bo.writes(room, f"who has read https://arxiv.org/abs/{PAPERS[30].id}?")
    await ada.chooses("why", room, link)
    assert PAPERS[30].title[:30] in await team.told(ada, before + 2)
    await ada.chooses("why", room, await team.bo.writes(room, "lunch?"))
    assert "I see no paper in this message" in await team.told(ada, before + 3)

    press = next(each for each in buttons(cards[1].blocks) if each["text"]["text"] == "Save")
    twice = await ada.presses(room, cards[1].ts, press["action_id"])
    assert "Saved" in await team.told(ada, before + 4)
    await team.slack.again(twice)
    assert "Saved" in await team.told(ada, before + 5)

    await ada.opens_home()
    await team.slack.until(lambda: ada.home and "Learned from 1 vote by 1 member." in ada.home.words)
    assert ada.home
    assert "Your saved papers, 1 in all" in ada.home.words
    assert {"type": "channel", "channel_id": room.id, "style": {"bold": True}} in [
        each
        for block in ada.home.body["blocks"]
        if block["type"] == "rich_text"
        for part in block["elements"]
        for each in part["elements"]
    ]
    [pause] = [
        (each["action_id"], block["block_id"])
        for block in ada.home.body["blocks"]
        if block["type"] == "actions"
        for each in block["elements"]
        if each.get("text", {}).get("text") == "Pause"
    ]
    await ada.presses_in(ada.home, pause[0], block_id=pause[1])
    await team.slack.until(lambda: ada.home and "Paused. Everything is kept" in ada.home.words)
    assert (await days.harness.channel(Place("slack", room.id, "T1"))).state is ChannelState.PAUSED
