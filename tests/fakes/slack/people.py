"""What people do in Slack, for tests to script: each act changes the workspace, then tells the bot as Slack would."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from tests.fakes.slack import payloads
from tests.fakes.slack.interacting import Interacting
from tests.fakes.slack.values import Delivery, Json, Message
from tests.fakes.slack.world import Channel

NO_FILES: Mapping[str, bytes] = {}


class Member(Interacting):
    """A person of one workspace: reacts, writes, and all that `Person` and `Interacting` do."""

    def _item(self, channel: Channel, message: Message) -> Json:
        told: Json = {"user": self.id, "item": {"type": "message", "channel": channel.id, "ts": message.ts}}
        return told | ({"item_user": message.user} if message.user else {})

    async def reacts(self, channel: Channel, ts: str, emoji: str) -> list[Delivery]:
        """Put an emoji (its name, as `+1::skin-tone-4`) on a message; twice is once."""
        self._joins(channel)
        message = channel.message(ts)
        users = message.reactions.setdefault(emoji, [])
        if self.id in users:
            return []
        users.append(self.id)
        event = {"type": "reaction_added", "reaction": emoji} | self._item(channel, message)
        return await self._tell(event, channel)

    async def unreacts(self, channel: Channel, ts: str, emoji: str) -> list[Delivery]:
        """Take an emoji back."""
        message = channel.message(ts)
        users = message.reactions.get(emoji, [])
        if self.id not in users:
            return []
        users.remove(self.id)
        if not users:
            del message.reactions[emoji]
        event = {"type": "reaction_removed", "reaction": emoji} | self._item(channel, message)
        return await self._tell(event, channel)

    async def says(self, command: str, text: str, channel: Channel) -> Delivery:
        """Use a slash command; works where the bot is no member, and never inside a thread."""
        self._joins(channel)
        told = payloads.command(self, command, text, channel)
        return await self.workspace.slack.post_office.ask(self, "slash_commands", told, channel)

    async def writes(self, channel: Channel, text: str, thread_ts: str | None = None) -> str:
        """Write a message; its ts. The bot hears of it when it subscribed to that channel's messages."""
        self._joins(channel)
        message = self._write(channel, text, thread_ts)
        kind = {"channels": "channel", "groups": "group", "im": "im", "mpim": "mpim"}[channel.kind]
        event = self._said(channel, message, "message") | {"channel_type": kind}
        await self._tell(event, channel, name=f"message.{channel.kind}")
        return message.ts

    async def mentions(
        self, channel: Channel, text: str, thread_ts: str | None = None, files: Mapping[str, bytes] = NO_FILES
    ) -> list[Delivery]:
        """Write a message that begins with the bot's mention; `files` are contents by name."""
        self._joins(channel)
        message = self._write(channel, text, thread_ts, before=f"<@{self.workspace.bot_user}> ")
        message.files = [self._keeps(name, content) for name, content in files.items()]
        return await self._tell(self._said(channel, message, "app_mention"), channel)

    async def sends_dm(
        self, text: str, thread_ts: str | None = None, files: Mapping[str, bytes] = NO_FILES
    ) -> list[Delivery]:
        """Write to the bot alone."""
        message = self._write(self.dm, text, thread_ts)
        message.files = [self._keeps(name, content) for name, content in files.items()]
        event = self._said(self.dm, message, "message") | {"channel_type": "im"}
        event |= {"subtype": "file_share"} if files else {}
        return await self._tell(event, self.dm, name="message.im")

    def deletes(self, channel: Channel, ts: str) -> None:
        """Delete a message of whomever."""
        channel.messages.remove(channel.message(ts))

    def _keeps(self, name: str, content: bytes) -> Json:
        workspace = self.workspace
        made = workspace.slack.unique("F")
        address = f"{workspace.slack.url}/files-pri/{workspace.id}/{made}"
        told: Json = {"id": made, "name": name, "size": len(content), "user": self.id, "filetype": "text"}
        told |= {"mimetype": "application/octet-stream", "url_private": address, "url_private_download": address}
        workspace.files[made], workspace.uploads[made] = told, content
        return told

    def _write(self, channel: Channel, text: str, thread_ts: str | None, before: str = "") -> Message:
        said = before + escape(text, quote=False)
        message = Message(self.workspace.ts(), self.id, said, thread_ts=thread_ts)
        channel.messages.append(message)
        return message

    def _said(self, channel: Channel, message: Message, kind: str) -> Json:
        told: Json = {
            "type": kind,
            "user": self.id,
            "team": self.workspace.id,
            "text": message.text,
            "ts": message.ts,
            "channel": channel.id,
            "event_ts": message.ts,
            "blocks": [{"type": "rich_text", "block_id": "w1", "elements": []}],
        }
        if message.files:
            told["files"] = message.files
        if message.thread_ts:
            told |= {"thread_ts": message.thread_ts, "parent_user_id": channel.message(message.thread_ts).user}
        return told
