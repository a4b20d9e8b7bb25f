"""People who use the bot in a Discord server: the real platform over the fake Discord's gateway and REST."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path

import aiohttp

from bot.commands.registry import COMMANDS
from bot.model.messages import Message, Place, PlaceKind
from bot.model.number_emoji import keycap
from bot.platforms.discord.custom_ids import form_of
from bot.platforms.discord.markup import plain
from bot.platforms.discord.platform import DiscordPlatform
from bot.ports.platform import AccessLost, BotApi, NotAccepted, PlatformError, Rejected
from tests.fakes.clock import Clock
from tests.fakes.discord import Channel, FakeDiscord, Interaction, Member, Right
from tests.fakes.discord import Message as Shown
from tests.platforms.conformance import Seen
from tests.platforms.recording_service import RecordingService
from tests.support.harness import no_sleep


class DiscordServer:
    """Implements `conformance.PlatformUnderTest` for Discord."""

    custom_emoji = ":parrot:"

    def __init__(self, fake: FakeDiscord, clock: Clock, folder: Path) -> None:
        self.fake, self.clock, self.folder, self.service = fake, clock, folder, RecordingService()
        self.lab = fake.guild("lab")
        self.ml, theory = self.lab.text("ml-papers"), self.lab.text("ml-theory")
        self.ada, self.bo = self.lab.member("ada", manager=True), self.lab.member("bo")
        fake.users["ada"] = self.ada.user  # the conformance tests call her so
        self.parrot = self.lab.emoji("parrot")
        self.place, self.elsewhere = self.place_of(self.ml), self.place_of(theory)
        self.speaks_to: BotApi = self.service
        self._task: asyncio.Task[None] | None = None
        self.platform = self.new()

    def new(self) -> DiscordPlatform:
        fake = self.fake
        return DiscordPlatform(
            fake.token,
            self.clock,
            self.folder,
            COMMANDS,
            api_url=fake.api,
            gateway_url=fake.gateway_url,
            sleep=no_sleep,
        )

    def now(self) -> datetime:
        return self.clock()

    def place_of(self, channel: Channel) -> Place:
        kind = PlaceKind.FORUM if channel.is_forum else PlaceKind.CHANNEL
        return Place("discord", channel.id, self.lab.id, channel.name, kind)

    async def start(self) -> None:
        self._task = asyncio.create_task(self.platform.run(self.speaks_to))
        before = len(self.fake.gateway.identified)
        await self.fake.until(lambda: len(self.fake.gateway.identified) > before and self.fake.gateway.ready)
        await self.ada.types(self.ml, "papers", "x")  # once that is answered, all that was told before is known

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.fake.until(lambda: not self.fake.gateway.ready)

    async def restart(self) -> None:
        await self.stop()
        self.platform = self.new()
        await self.start()

    async def seen(self, place: Place) -> list[Seen]:
        channel = self.fake.channels[place.address]
        said = [Seen(each.id, readable(each)) for each in channel.visible]
        for thread in channel.threads:
            said += [Seen(f"{thread.id}/{each.id}", readable(each), thread.id) for each in thread.visible]
        return said

    async def ask(self, member: str, line: str) -> str:
        answer = await self.answered(await self.person(member).says(self.ml, "papers", query=line))
        form = next(filter(form_of, answer.custom_ids), None)
        if form is None:
            return readable(answer)
        await self.person(member).presses(answer, form)  # what a form holds is one press away
        modal = self.person(member).modals[-1]
        values = [str(each.get("value") or each.get("options")) for each in modal.inputs.values()]
        return "\n".join([readable(answer), modal.words, *values])

    async def press(self, member: str, message: str, command: str) -> str:
        card = self.message(message)
        [button] = [each for each in card.custom_ids if each.startswith(f"do:{command}:")]
        return readable(await self.answered(await self.person(member).presses(card, button)))

    async def press_number(self, member: str, message: str, number: int) -> str:
        titles = self.message(message)
        [button] = [each for each in titles.custom_ids if titles.component(each).get("label") == keycap(number)]
        return readable(await self.answered(await self.person(member).presses(titles, button)))

    async def press_offered(self, member: str, label: str) -> str:
        answer = self.person(member).answers[-1]
        [button] = [each for each in answer.custom_ids if answer.component(each).get("label") == label]
        return readable(await self.answered(await self.person(member).presses(answer, button)))

    async def react(self, member: str, message: str, emoji: str, *, on: bool = True) -> None:
        who, count = self.person(member), len(self.service.reactions)
        card = self.message(message)
        name = self.parrot if emoji == self.custom_emoji else emoji
        await (who.reacts if on else who.unreacts)(card, name)
        await self.fake.until(lambda: len(self.service.reactions) > count)

    async def bot_reacts(self, message: str, emoji: str) -> None:
        self.lab.bot_role.rights |= Right.ADD_REACTIONS
        path = f"{self.fake.api}/channels/{self.ml.id}/messages/{message}/reactions/{emoji}/@me"
        headers = {"Authorization": f"Bot {self.fake.token}"}
        async with aiohttp.ClientSession() as session, session.put(path, headers=headers) as done:
            assert done.ok

    @contextmanager
    def trouble(self, error: type[PlatformError]) -> Iterator[Message]:
        faults, over = self.fake.faults, self.ml.overwrite(self.lab.bot_role)
        if error is NotAccepted:
            faults.limit("create_message", 3)
        elif error is Rejected:
            faults.error("create_message", 50035)
        elif error is AccessLost:
            over.deny |= Right.SEND_MESSAGES
        else:
            faults.lose_reply("create_message")
        yield Message("Good morning.")
        over.deny &= ~Right.SEND_MESSAGES

    def person(self, name: str) -> Member:
        return {"ada": self.ada, "bo": self.bo}[name]

    def message(self, name: str) -> Shown:
        """The message that the platform names so."""
        channel, _, key = name.rpartition("/")
        return next(message for message in self.fake.channels[channel or self.ml.id].visible if message.id == key)

    async def answered(self, asked: Interaction) -> Shown:
        """The message that answers, when it is there."""
        assert not asked.failed
        await self.fake.until(lambda: asked.original is not None and not asked.original.thinking)
        assert asked.original is not None
        return asked.original


def readable(said: Shown) -> str:
    """What a person reads, with where the links lead, the names of files and the labels of buttons."""
    words = re.sub(r"\]\(<(\S+)>\)", r"] \1 ", plain(said.words)).replace("\u00a0", " ")
    return "\n".join([words, *(file.filename for file in said.files)])


@asynccontextmanager
async def server_at_work(folder: Path, clock: Clock | None = None) -> AsyncIterator[DiscordServer]:
    """A server whose bot runs."""
    logging.getLogger("discord").setLevel(logging.CRITICAL)
    clock = clock or Clock()
    async with FakeDiscord(clock=clock) as fake:
        server = DiscordServer(fake, clock, folder)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()
