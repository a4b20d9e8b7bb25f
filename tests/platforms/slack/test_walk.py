"""A newcomer's walk with the real program: from the first look at the tokens to the day the team comes back."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.model.messages import Place
from bot.platforms.slack.listeners import EVENTS
from bot.platforms.slack.scopes import SCOPES
from tests.fakes.slack import FakeSlack, Member, Message
from tests.platforms.process import let_come, log_lines
from tests.platforms.slack.process import begun, one_workspace, running
from tests.platforms.slack.team import buttons, readable
from tests.support.harness import demo_papers
from tests.support.paper_sources import PaperSources

PAPERS = demo_papers()
TODAY = datetime.now(UTC).date()
HOUR = f"{datetime.now(UTC) + timedelta(hours=12):%H}:00"
"""Far enough for no digest to come but those that the test lets come."""


class Team:
    """Two members of a workspace, the channel they read in, and the program that serves them."""

    def __init__(self, slack: FakeSlack, world: PaperSources, folder: Path) -> None:
        self.slack, self.folder = slack, folder
        self.lab = slack.workspace("T1", "lab")
        self.lab.scopes = set(SCOPES)
        slack.subscribed.clear()
        slack.subscribed.update(EVENTS)
        self.room = self.lab.channel("C1", "ml-papers", bot=False)
        self.ada, self.bo = self.lab.member("U1", "ada"), self.lab.member("U2", "bo")
        self.room.members += [self.ada.id, self.bo.id]
        sources = {"SOURCES__HUGGINGFACE__ENABLED": "true", "SOURCES__HUGGINGFACE__URL": world.url}
        self.settings = sources | {"SCHEDULE__TICK_SECONDS": "0.2"}

    async def types(self, *command: str) -> tuple[int | None, str]:
        """What an operator's command ends with, and says."""
        process = await begun(self.slack, self.folder, self.settings, *command)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, (out + err).decode()

    async def says(self, who: Member, line: str) -> str:
        return await self.told(who, lambda: who.says("/papers", line, self.room))

    async def presses(self, who: Member, message: Message, label: str) -> str:
        return await self.told(who, lambda: who.presses(self.room, message.ts, button(message.blocks, label)))

    async def presses_there(self, who: Member, label: str) -> str:
        """Press what stands under the last answer."""
        answer = who.ephemeral[-1]
        return await self.told(who, lambda: who.presses(self.room, answer.ts, button(answer.blocks, label)))

    async def told(self, who: Member, act: Callable[[], object]) -> str:
        """What a member alone is shown because of an act."""
        count = len(who.ephemeral)
        await act()  # type: ignore[misc]
        answer = (await self.slack.until(lambda: who.ephemeral[count:], within=30))[0]
        return readable(answer.words, answer.blocks)

    async def digest(self, day: int, cards: int) -> list[Message]:
        """Let the channel's hour come, of today or so many days before; what is posted then."""
        count = len(self.room.visible)
        await let_come(self.folder, Place("slack", self.room.id, "T1"), TODAY + timedelta(day))
        await self.slack.until(lambda: len(self.room.visible) == count + 1 + cards, within=60)
        return self.room.visible[count:]

    async def ended(self, process: Process) -> str:
        """What the program said until it was interrupted."""
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert (process.returncode, out) == (0, b"")
        return err.decode()


def button(blocks: list[dict[str, object]], label: str) -> str:
    [found] = [each["action_id"] for each in buttons(blocks) if each["text"]["text"] == label]
    return str(found)


def about(messages: list[Message], word: str) -> int:
    return sum(word in message.words.casefold() for message in messages)


@pytest.mark.timeout(400)  # the program is started six times
async def test_a_newcomers_walk(tmp_path: Path) -> None:
    async with FakeSlack() as slack, PaperSources() as world:
        world.huggingface(TODAY, PAPERS[:40])
        team = Team(slack, world, tmp_path / "data")
        room, ada, bo = team.room, team.ada, team.bo

        team.settings |= one_workspace(slack, team.lab.bot_token)
        code, found = await team.types("check")
        assert (code, "wrong" in found, "ok       slack bot token" in found) == (0, False, True), found
        code, said = await team.types("ingest")
        assert (code, "40 listed, 40 new" in said) == (0, True), said

        async with running(slack, team.settings, team.folder) as process:
            await slack.until(lambda: slack.sockets.connections, within=60)
            await ada.invites_bot(room)
            assert room.visible[-1].words.startswith("Hello, I am Paperboy")
            assert "those who manage this place" in await team.says(bo, "schedule 08:00")
            assert f"Up to 3 cards at {HOUR} on weekdays" in await team.says(ada, f"schedule {HOUR} weekdays UTC 3")
            assert "It matches 7 of the 40 papers" in await team.says(ada, "subscribe federated learning")

            header, *cards = await team.digest(-1, 3)
            assert header.words.startswith("3 papers for ")
            assert about(cards, "your topic “federated learning”") == 3
            for card in cards:
                await ada.reacts(room, card.ts, "+1")
            assert "Counted. More like" in await team.presses(bo, cards[0], "More like this")
            assert "Saved" in await team.presses(bo, cards[0], "Save")
            assert "Unsubscribed" in await team.says(ada, "unsubscribe federated learning")

            assert "“federated”, 1–5, best first" in await team.says(bo, "federated")
            assert "“federated”, 6–" in await team.presses_there(bo, "More")
            count = len(room.visible)
            await bo.presses(room, bo.ephemeral[-1].ts, button(bo.ephemeral[-1].blocks, "Share"))
            await slack.until(lambda: len(room.visible) > count)
            assert "“federated”, 6–" in room.visible[-1].words

            world.huggingface(TODAY, PAPERS[40:80])
            code, said = await team.types("ingest")
            assert (code, "40 listed, 40 new" in said) == (0, True), said
            header, *cards = await team.digest(0, 3)
            assert "learned from 4 votes by 2 members" in header.words
            assert about(cards, "because you liked") >= 2, "the votes alone bring what the topic brought before"
            assert about(cards, "federated") >= 2

            await team.says(ada, "schedule")
            answer = ada.ephemeral[-1]
            await ada.presses(room, answer.ts, button(answer.blocks, "Change"))
            await slack.until(lambda: ada.modals and "When digests come" in ada.modals[-1].words)
            await ada.submits(ada.modals[-1], {"1:days": "mon-thu", "3:count": "2"})
            assert "Done: days is mon,tue,wed,thu, count is 2." in ada.modals[-1].words
            assert "bar is 0.5" in await team.says(ada, "settings bar 0.5")
            assert "Paused." in await team.says(ada, "pause")
            await bo.opens_home()
            await slack.until(lambda: bo.home and "Your saved papers, 1 in all" in bo.home.words, within=30)
            await ada.opens_home()
            await slack.until(lambda: ada.home and "Paused: no digests" in ada.home.words, within=30)
            assert f"Up to 2 cards at {HOUR} on Mon, Tue, Wed and Thu" in await team.says(ada, "resume")

            await team.lab.uninstalls()
            page, runs, *lost = (await team.ended(process)).splitlines()
            assert "The page is at " in page
            assert log_lines(runs) == ["Paperboy runs on slack. Ctrl-C ends it; nothing is lost."]
            told = log_lines("\n".join(lost))
            assert told[:2] == ["A workspace is lost; what it taught is kept."] * 2
            # A post that was being sent then finds it out too.
            assert set(told[2:]) <= {"The bot has lost access to all channels of a workspace."}
        code, found = await team.types("check")
        assert (code, "The app was removed from the workspace: install it again" in found) == (1, True), found

        room.members.remove(team.lab.bot_user)
        team.settings |= one_workspace(slack, team.lab.reinstalls())
        async with running(slack, team.settings, team.folder) as process:
            await slack.until(lambda: slack.sockets.connections, within=60)
            count = len(room.visible)
            await ada.invites_bot(room)
            greeted = [message.words for message in room.visible[count:]]
            assert any(words.startswith("I am back, with everything I knew.") for words in greeted), greeted
            assert "Learned from 4 votes by 2 members" in await team.says(bo, "taste")
            assert "Traceback" not in await team.ended(process)
    assert slack.unknown == []
