"""Handles what members send to the bot: commands, buttons, forms and messages; and sends the answers.

Discord waits three seconds for a first response and then fifteen minutes for the answer, so each answer is deferred
first.
docs.discord.com/developers/interactions/receiving-and-responding
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

import discord
import structlog

from bot.logs import begin_event
from bot.model.messages import SHARE, Action, Asker, Form, Place, Reply
from bot.platforms import rendering
from bot.platforms.discord.custom_ids import BEGIN, PAPERS, command_of_card_button, form_id, form_of
from bot.platforms.discord.permissions import missing
from bot.platforms.discord.places import direct, place_of
from bot.platforms.discord.reading import label_of, modal, options, sent, typed, words_of
from bot.platforms.discord.render import Renderer
from bot.platforms.discord.rest import Rest
from bot.platforms.discord.zones import MemberZones
from bot.platforms.files import UNREADABLE, is_readable
from bot.platforms.pictures import drawn
from bot.ports.platform import BotApi, PlatformError

_IN_TIME = 2.0
"""Seconds for answers that can't be deferred; Discord waits for three."""
_LONGEST_CHOICE = 100
_MOST_CHOICES = 25
_LARGEST_FILE = 1_000_000
Begin = Callable[[discord.Interaction, Asker], Awaitable[Reply]]
log = structlog.get_logger(__name__)
reply_or_error = partial(
    rendering.reply_or_error, unreachable="Discord does not answer me just now. Please try again in a moment."
)


class Interactions:
    """Handles the interactions of one service. `begin` begins in the channels chosen under the bot's greeting."""

    def __init__(self, service: BotApi, rest: Rest, renderer: Renderer, begin: Begin) -> None:
        self._service, self._rest, self._renderer, self._begin = service, rest, renderer, begin
        self._commands = renderer.commands
        self.zones = MemberZones()
        self._menus = {menu.name: command for command, menu in self._commands.menus().items()}

    async def handle(self, interaction: discord.Interaction) -> None:
        """Answer one interaction; errors become an answer too."""
        begin_event(str(interaction.id))
        self.zones.record(str(interaction.user.id), str(interaction.locale))
        try:
            data: Mapping[str, Any] = cast(Any, interaction.data) or {}
            match interaction.type:
                case discord.InteractionType.autocomplete:
                    await self._complete(interaction, str(options(data).get("query") or ""))
                case discord.InteractionType.application_command:
                    await self._command(interaction, data)
                case discord.InteractionType.component:
                    await self._component(interaction, data)
                case discord.InteractionType.modal_submit:
                    command = form_of(str(data.get("custom_id") or ""))
                    await self._fill_in(interaction, command, sent(data, command))
        except PlatformError as error:
            log.warning("An answer could not be shown.", why=str(error))

    async def answer_message(self, message: discord.Message, me: int) -> None:
        """Answer a direct message or a mention.

        A mention is answered in public if everybody there may see the answer, and otherwise in a direct message.
        """
        is_direct = message.guild is None
        begin_event(str(message.id))
        line = message.content if is_direct else typed(message.content, me)
        if message.author.bot or line is None:
            return
        place, _ = place_of(message.channel, me)
        asker = Asker(str(message.author.id), _manages(message), message.author.display_name)
        address, reply_to = str(message.channel.id), str(message.id)
        file = next((each.to_dict() for each in message.attachments if self._takes_file(line)), None)
        try:
            reply = Reply("")
            if not is_direct and file is None:
                reply = await reply_or_error(self._service.act(place, asker, Action("", SHARE, line)))
            if not reply.public:
                reply = await reply_or_error(self._ask_line(place, asker, line, file))
                address, reply_to = (address, "") if is_direct else (await self._rest.direct(asker.member), "")
            for each in self._renderer.answer(reply, await drawn(reply.charts)):
                await self._rest.post(address, each, reply_to=reply_to)
        except PlatformError as error:
            log.warning("An answer could not be shown.", why=str(error))

    async def _complete(self, interaction: discord.Interaction, line: str) -> None:
        place, _ = await self._where(interaction)
        lines: list[str] = []
        try:
            async with asyncio.timeout(_IN_TIME):
                lines = await self._service.suggest(place, line, _MOST_CHOICES)
        except TimeoutError:
            log.info("Suggestions came too late.")
        cut = dict.fromkeys(each[:_LONGEST_CHOICE].strip() for each in lines)
        await self._rest.choices(interaction, [each for each in cut if each][:_MOST_CHOICES])

    async def _command(self, interaction: discord.Interaction, data: Mapping[str, Any]) -> None:
        if command := self._menus.get(str(data.get("name"))):
            [message] = data["resolved"]["messages"].values()
            await self._answer(
                interaction, lambda place, asker: self._act_on_message(interaction, place, asker, command, message)
            )
            return
        values = options(data)
        line = str(values.get("query") or "")
        file = (data.get("resolved") or {}).get("attachments", {}).get(str(values.get("file")))
        await self._ask(interaction, line, file)

    async def _component(self, interaction: discord.Interaction, data: Mapping[str, Any]) -> None:
        custom_id = str(data.get("custom_id") or "")
        if custom_id == PAPERS:
            [paper], abstract = data["values"], self._commands.abstract_command()
            await self._answer(
                interaction, lambda place, asker: self._act(interaction, place, asker, Action("", abstract, paper))
            )
        elif command := form_of(custom_id):
            await self._open_form(interaction, command)
        elif command := command_of_card_button(custom_id):
            await self._answer(interaction, lambda place, asker: self._on_card(interaction, place, asker, command))
        elif custom_id == BEGIN:
            await self._answer(interaction, lambda place, asker: self._begin(interaction, asker))
        else:
            action = self._renderer.action_store.action(custom_id, label_of(interaction.message, custom_id))
            await self._answer(interaction, lambda place, asker: self._act(interaction, place, asker, action))

    async def _ask(self, interaction: discord.Interaction, line: str, file: Mapping[str, Any] | None = None) -> None:
        async def ask(place: Place, asker: Asker) -> Reply:
            return self._warned(await self._ask_line(place, asker, line, file), interaction, line)

        await self._answer(interaction, ask)

    async def _ask_line(self, place: Place, asker: Asker, line: str, file: Mapping[str, Any] | None) -> Reply:
        """Answer a line. A file of papers that is attached to it goes to the command that takes files."""
        if file is None:
            return await self._service.ask(place, asker, line)
        if int(file.get("size") or 0) > _LARGEST_FILE:
            return Reply("That file is larger than a megabyte. Send its papers in smaller ones.", ok=False)
        if not is_readable(str(file.get("filename") or ""), str(file.get("content_type") or "")):
            return Reply(f"{UNREADABLE} You can also paste the papers after `teach`.", ok=False)
        named = self._commands.traits_of_line(line).takes_file
        command = "" if named else f"{self._commands.file_command().name} "
        return await self._service.ask(place, asker, f"{command}{line} {await self._rest.file(str(file['url']))}")

    def _takes_file(self, line: str) -> bool:
        """Whether the bot reads a file that is attached to the line."""
        return not line.partition(" ")[0] or bool(self._commands.traits_of_line(line).takes_file)

    async def _fill_in(self, interaction: discord.Interaction, command: str, line: str) -> None:
        """Handle a submitted form. Discord closes it, so after a mistake the answer has a button that opens it
        again."""

        async def ask(place: Place, asker: Asker) -> Reply:
            reply = self._warned(await self._service.ask(place, asker, line), interaction, line)
            return replace(reply, form=Form(command, "", ())) if reply.field else reply

        await self._answer(interaction, ask)

    async def _act(self, interaction: discord.Interaction, place: Place, asker: Asker, action: Action | None) -> Reply:
        if action is None:
            return Reply("I no longer know what that button is for. Ask again, and you get a fresh one.", ok=False)
        return await self._service.act(place, asker, action, str(interaction.id))

    async def _on_card(self, interaction: discord.Interaction, place: Place, asker: Asker, command: str) -> Reply:
        """Run a command on the paper of the card whose button was pressed."""
        assert interaction.message is not None
        key = f"{place_of(interaction.channel, _me(interaction))[1]}{interaction.message.id}"
        return await self._service.act_on_message(place, asker, command, key, event_id=str(interaction.id))

    async def _act_on_message(
        self, interaction: discord.Interaction, place: Place, asker: Asker, command: str, message: Mapping[str, Any]
    ) -> Reply:
        """Run a command on the paper that a message is about."""
        key = f"{place_of(interaction.channel, _me(interaction))[1]}{message['id']}"
        return await self._service.act_on_message(place, asker, command, key, words_of(message), str(interaction.id))

    async def _open_form(self, interaction: discord.Interaction, command: str) -> None:
        """Show a form at once: forms can't be deferred."""
        place, asker = await self._where(interaction)
        form = None
        try:
            async with asyncio.timeout(_IN_TIME):
                form = (await reply_or_error(self._service.ask(place, asker, command))).form
        except TimeoutError:
            log.info("A form came too late.")
        if form:
            await self._rest.modal(interaction, modal(form, form_id(command)))
        else:
            await self._answer(interaction, lambda place, asker: self._service.ask(place, asker, command))

    async def _answer(self, interaction: discord.Interaction, ask: Callable[[Place, Asker], Awaitable[Reply]]) -> None:
        await self._rest.defer(interaction)

        async def answered() -> Reply:
            return await ask(*await self._where(interaction))

        reply = await reply_or_error(answered())
        messages = self._renderer.answer(reply, await drawn(reply.charts))
        if reply.public:
            # A deferred answer stays private, so the public answer is a message of its own.
            messages = [*self._renderer.answer(Reply("Everybody here sees it now.")), *messages]
        await self._rest.answer(interaction, messages[0])
        for each in messages[1:]:
            await self._rest.follow_up(interaction, each, public=reply.public)

    def _warned(self, reply: Reply, interaction: discord.Interaction, line: str) -> Reply:
        """The reply with the permissions that the bot lacks, if it was asked to post in a channel where it can't."""
        lacking = missing(interaction.app_permissions, in_thread=isinstance(interaction.channel, discord.Thread))
        if not (interaction.guild_id and reply.ok and lacking and self._commands.traits_of_line(line).starts_digests):
            return reply
        return replace(reply, text=f"{reply.text}\n⚠️ I can't post here yet. Allow me: {', '.join(lacking)}.")

    async def _where(self, interaction: discord.Interaction) -> tuple[Place, Asker]:
        """The place and the asker: the channel in a server that the bot is in, else the direct conversation."""
        member = str(interaction.user.id)
        if (
            interaction.guild_id
            and interaction.client.get_guild(interaction.guild_id)
            and interaction.channel is not None
        ):
            place, _ = place_of(interaction.channel, _me(interaction))
            return place, Asker(member, interaction.permissions.manage_channels, interaction.user.display_name)
        if interaction.context.dm_channel and interaction.channel_id:
            return direct(str(interaction.channel_id)), Asker(member, name=interaction.user.display_name)
        return direct(await self._rest.direct(member)), Asker(member, name=interaction.user.display_name)


def _me(interaction: discord.Interaction) -> int:
    return interaction.client.user.id if interaction.client.user else 0


def _manages(message: discord.Message) -> bool:
    author = message.author
    return isinstance(author, discord.Member) and message.channel.permissions_for(author).manage_channels
