"""Sends replies to the asker, or to everybody in the place if a reply is public."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from bot.model.commands import Commands
from bot.model.messages import Asker, Attachment, Place, PlaceKind, Reply
from bot.platforms import rendering
from bot.platforms.pictures import Picture, drawn
from bot.platforms.slack import render
from bot.platforms.slack.api import SlackApi, translate_errors
from bot.ports.platform import PlatformError

log = structlog.get_logger(__name__)
reply_or_error = partial(
    rendering.reply_or_error,
    unreachable="Slack does not tell me who you are just now. Please try again in a moment.",
)


@dataclass(frozen=True, slots=True)
class ResponseChannel:
    """Where an answer is sent: the response address of a command or button, or the place and thread of a message."""

    api: SlackApi
    command: str
    commands: Commands
    place: Place
    member: str
    thread: str = ""
    response_url: str = ""

    async def resolve_place(self) -> Place:
        """The place that the question is about. The bot is not in the direct conversations between members: a command
        there belongs to the asker's own conversation with the bot. Raises PlatformErrors."""
        if self.place.kind is not PlaceKind.DIRECT:
            return self.place
        return replace(self.place, address=await self.api.direct(self.member))

    async def answer(self, ask: Callable[[Asker], Awaitable[Reply]]) -> None:
        """Ask the service for the member, and show the reply. An error is shown as a sentence."""
        await self.show_or_log(await reply_to(self.api, self.member, ask))

    async def show_or_log(self, reply: Reply) -> None:
        """Show the reply; log where that fails."""
        try:
            await self.show(reply)
        except PlatformError as error:
            log.warning("An answer could not be shown.", why=str(error))

    async def show(self, reply: Reply) -> None:
        """Show the reply. Its charts follow as pictures where everybody sees the reply, and in the asker's own
        conversation with the bot. Slack shows no file to one member of a channel: what they alone may see goes to
        their direct messages, as does a file that is too long for the reply. Raises PlatformErrors."""
        if reply.attachment and not render.fits_inline(reply.attachment):
            outcome = await self._upload(reply.attachment)
            reply = replace(reply, text=f"{reply.text} {outcome}".strip())
        if not reply.charts:
            await self._show_text(reply)
            return
        pictures = await drawn(reply.charts)
        address = self.place.address if reply.public else await self._own_conversation()
        if address == self.place.address:
            await self._show_text(reply)
            await self._send_pictures(pictures, address, self.thread)
            return
        if await self._send_pictures(pictures, address, heading=self._heading()):
            where = "The picture is" if len(pictures) == 1 else "The pictures are"
            reply = replace(reply, text=f"{reply.text}\n{where} in your direct messages with me.")
        await self._show_text(reply)

    async def _show_text(self, reply: Reply) -> None:
        content = render.answer(reply, self.commands, self.command)
        thread = {"thread_ts": self.thread} if self.thread else {}
        if self.response_url:
            seen_by = "in_channel" if reply.public else "ephemeral"
            message = {
                "text": content.text,
                "blocks": content.blocks,
                "response_type": seen_by,
                "replace_original": False,
            }
            await self.api.respond(
                self.response_url, {**message, **thread, "unfurl_links": False, "unfurl_media": False}
            )
            return
        with translate_errors():
            if reply.public or self.place.kind is PlaceKind.DIRECT:
                await self.api.answerer.chat_postMessage(
                    channel=self.place.address,
                    text=content.text,
                    blocks=content.blocks,
                    unfurl_links=False,
                    unfurl_media=False,
                    thread_ts=self.thread or None,
                )
            else:
                await self.api.answerer.chat_postEphemeral(
                    channel=self.place.address,
                    user=self.member,
                    text=content.text,
                    blocks=content.blocks,
                    thread_ts=self.thread or None,
                )

    async def _own_conversation(self) -> str:
        """The address of the asker's conversation with the bot, "" if Slack does not tell it."""
        try:
            return await self.api.direct(self.member)
        except PlatformError as error:
            log.warning("A picture could not be sent.", why=str(error))
            return ""

    def _heading(self) -> str:
        """The words above a picture that is shown elsewhere than where it was asked for."""
        return f"Asked for in <#{self.place.address}>:" if self.place.kind is not PlaceKind.DIRECT else ""

    async def _send_pictures(
        self, pictures: Sequence[Picture], address: str, thread: str = "", heading: str = ""
    ) -> bool:
        """Send pictures as one message of their own, each with an alternative text. Returns whether they are there. A
        workspace may not have granted files:write: then the reply's text is all, and `paperboy check` says so."""
        if not (pictures and address):
            return False
        uploads = [
            {"filename": each.name, "content": each.content, "title": each.title, "alt_txt": each.text}
            for each in pictures
        ]
        try:
            with translate_errors():
                await self.api.answerer.files_upload_v2(
                    file_uploads=uploads,
                    channel=address,
                    thread_ts=thread or None,
                    initial_comment=heading or None,
                )
        except PlatformError as error:
            log.warning("A picture could not be sent.", why=str(error))
            return False
        return True

    async def _upload(self, attachment: Attachment) -> str:
        """Send a file to the asker's direct messages. Returns the outcome as a sentence."""
        try:
            address = await self.api.direct(self.member)
            with translate_errors():
                await self.api.answerer.files_upload_v2(
                    channel=address, filename=attachment.name, title=attachment.name, content=attachment.content
                )
        except PlatformError as error:
            log.warning("A file could not be sent.", why=str(error))
            return "Slack did not take the file just now; please ask again in a moment."
        return "The file is in your direct messages with me."


async def reply_to(api: SlackApi, member: str, ask: Callable[[Asker], Awaitable[Reply]]) -> Reply:
    """The service's reply to a member; an error becomes a reply that says so."""

    async def asking() -> Reply:
        person = await api.person(member)
        return await ask(Asker(member, person.manager, person.name))

    return await reply_or_error(asking())
