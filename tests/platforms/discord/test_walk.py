"""A newcomer's walk with the real program in Discord, from the first look at the token to the bot's coming back."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.model.messages import Place
from tests.fakes.discord import FakeDiscord, Interaction, Member, Message, Right
from tests.platforms.discord.server import readable
from tests.platforms.discord.test_process import discord, ended
from tests.platforms.process import begun, let_come, running
from tests.support.harness import comes_true, demo_papers
from tests.support.paper_sources import PaperSources

PAPERS = demo_papers()
TODAY = datetime.now(UTC).date()
HOUR = f"{datetime.now(UTC) + timedelta(hours=12):%H}:00"
"""Far enough for no digest to come but those that the test lets come."""


class Club:
    """A server that has not invited the bot yet, its manager and a member, and the program."""

    def __init__(self, fake: FakeDiscord, world: PaperSources, folder: Path) -> None:
        self.fake, self.folder = fake, folder
        self.club = fake.guild("club", bot=False)
        self.room = self.club.text("general")
        self.ada, self.bo = self.club.member("ada", manager=True), self.club.member("bo")
        sources = {"SOURCES__HUGGINGFACE__ENABLED": "true", "SOURCES__HUGGINGFACE__URL": world.url}
        self.settings = discord(fake, fake.token) | sources | {"SCHEDULE__TICK_SECONDS": "0.2"}

    async def types(self, *command: str) -> tuple[int | None, str]:
        """What an operator's command ends with, and says."""
        process = await begun(self.folder, self.settings, *command)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, (out + err).decode()

    async def told(self, asked: Interaction) -> str:
        """What a member alone is shown."""
        assert not asked.failed
        await self.fake.until(lambda: asked.original and not asked.original.thinking, within=30)
        return "\n".join(map(readable, asked.answers))

    async def says(self, who: Member, line: str) -> str:
        return await self.told(await who.says(self.room, "papers", query=line))

    async def presses(self, who: Member, message: Message, label: str) -> str:
        [button] = [each for each in message.custom_ids if message.component(each).get("label") == label]
        return await self.told(await who.presses(message, button))

    async def digest(self, day: int, cards: int) -> list[Message]:
        """Let the channel's hour come, of today or so many days before; what is posted then."""
        count = len(self.room.visible)
        await let_come(self.folder, Place("discord", self.room.id, self.club.id), TODAY + timedelta(day))
        await self.fake.until(lambda: len(self.room.visible) == count + 1 + cards, within=60)
        return self.room.visible[count:]


def about(messages: list[Message], word: str) -> int:
    return sum(word in readable(message).casefold() for message in messages)


async def test_a_newcomers_walk(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, PaperSources() as world:
        world.huggingface(TODAY, PAPERS[:40])
        club = Club(fake, world, tmp_path / "data")
        room, ada, bo = club.room, club.ada, club.bo

        code, found = await club.types("check")
        assert (code, "wrong" in found, found.count("https://discord.com/oauth2/authorize?")) == (0, False, 1), found

        async with running(club.folder, club.settings) as process:
            await fake.until(lambda: fake.gateway.ready, within=60)
            await club.club.adds_bot()
            [hello] = await fake.until(lambda: room.visible, within=30)
            assert "Where shall I post?" in hello.words
            assert "only whoever has Manage Channels" in await club.told(await bo.picks(hello, "begin", room.id))
            assert "I begin there." in await club.told(await ada.picks(hello, "begin", room.id))
            assert room.visible[-1].words.startswith("Hello, I am Paperboy")
            assert "those who manage this place" in await club.says(bo, "schedule 08:00")
            assert f"Up to 3 cards at {HOUR} on weekdays" in await club.says(ada, f"schedule {HOUR} weekdays UTC 3")

            async def read() -> bool:
                return "matches 7 of the 40 papers" in await club.says(ada, "subscribe federated learning")

            await comes_true(read, within=60)
            choices = [each["value"] for each in await bo.types(room, "papers", "sub")]
            assert choices[:2] == ["subscribe", "submit"]

            header, *cards = await club.digest(-1, 3)
            assert header.words.startswith("3 papers for ")
            assert about(cards, "your topic “federated learning”") == 3
            for card in cards:
                await ada.reacts(card, "👍")
            assert "Counted. More like" in await club.presses(bo, cards[0], "More like this")
            assert "Saved" in await club.presses(bo, cards[0], "Save")
            assert "fits this channel" in await club.told(await bo.chooses("Why this paper", cards[1]))
            assert "Unsubscribed" in await club.says(ada, "unsubscribe federated learning")

            assert "“federated”, 1–5, best first" in await club.says(bo, "federated")
            assert "6. **[" in await club.presses(bo, bo.answers[-1], "More")
            count = len(room.visible)
            await club.presses(bo, bo.answers[-1], "Share")
            await fake.until(lambda: len(room.visible) > count)
            assert "“federated”, 6–" in room.visible[-1].words

            world.huggingface(TODAY, PAPERS[40:80])
            code, said = await club.types("ingest")
            assert (code, "40 listed, 40 new" in said) == (0, True), said
            header, *cards = await club.digest(0, 3)
            assert "learned from 4 votes by 2 members" in header.words
            assert about(cards, "because you liked") >= 2, "the votes alone bring what the topic brought before"

            await club.says(ada, "schedule")
            await ada.presses(ada.answers[-1], "change:schedule")
            done = await club.told(await ada.submits(ada.modals[-1], {"days": "mon-thu", "count": ["2"]}))
            assert "days is mon,tue,wed,thu" in done
            assert "bar is 0.5" in await club.says(ada, "settings bar 0.5")
            assert "Paused." in await club.says(ada, "pause")
            assert f"Up to 2 cards at {HOUR} on Mon, Tue, Wed and Thu" in await club.says(ada, "resume")
            assert "Your saved papers, 1 in all" in await club.says(bo, "saved")

            await ada.denies(room, Right.SEND_MESSAGES)
            code, found = await club.types("check")
            assert (code, "#general: Send Messages missing." in found) == (1, True), found
            assert "I can't post here yet. Allow me: Send Messages." in await club.says(ada, "resume")
            await ada.allows(room, Right.SEND_MESSAGES)
            code, found = await club.types("check")
            assert code == 0, found

            await club.club.removes_bot()
            assert process.stderr
            async with asyncio.timeout(30):
                while "A workspace is lost; what it taught is kept." not in (await process.stderr.readline()).decode():
                    pass
            code, found = await club.types("check")
            assert (code, "The bot is no longer in this server. Invite it again" in found) == (0, True), found
            count = len(room.visible)
            await club.club.adds_bot()
            await fake.until(lambda: len(room.visible) > count, within=30)
            assert room.visible[-1].words.startswith("I am back, with everything I knew.")
            assert "Learned from 4 votes by 2 members" in await club.says(bo, "taste")
            process.send_signal(signal.SIGTERM)
            assert await ended(process) == ""
            assert process.returncode == 0
    assert fake.unknown == []
