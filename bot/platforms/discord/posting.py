"""Posts messages in Discord's channels, finds them again, and reads their reactions back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from bot.model.messages import Message, Place
from bot.model.text import cut
from bot.platforms.discord.failures import (
    ARCHIVED,
    MISSING_PERMISSIONS,
    TOO_MANY_THREADS,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    code_of,
)
from bot.platforms.discord.forums import is_forum, tags
from bot.platforms.discord.markup import plain
from bot.platforms.discord.places import moment, snowflake, split, thread_of, timed_out_until
from bot.platforms.discord.reading import emoji
from bot.platforms.discord.render import DiscordMessage, Json, Renderer, mark, texts
from bot.platforms.discord.rest import Rest
from bot.ports.platform import AccessLost, Clock, NotAccepted, PlatformError, Rejected
from recommender.text import visible

_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_PAGE = 100
_NEWEST_PAGES = 10
"""Pages that are read if no start is given: 1,000 messages, as the port promises."""
_WEEK_OF_MINUTES = 10_080
"""A thread stays open for a week, since an archived thread takes no reactions."""
_NAME = 100
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_ASK_AGAIN_SECONDS = 300.0
"""The longest wait of a bot that is timed out: a moderator may end the time-out at any moment."""
_CLOCKS_APART = timedelta(minutes=5)
"""The most by which Discord's clock and ours may differ. Reading further back costs nothing."""


class DiscordPosting:
    """Posts over Discord's REST API. The public methods are those of `bot.ports.platform.Platform`."""

    def __init__(self, rest: Rest, renderer: Renderer, clock: Clock) -> None:
        self.rest, self.renderer, self._clock = rest, renderer, clock
        self._no_forums, self._open_threads = set[str](), set[str]()
        self._closed_threads = set[str]()
        """Messages in whose threads the bot may not write."""

    async def send(self, place: Place, message: Message, key: str) -> str:
        """Post a message under a key, by which `find` finds it again.

        In a forum it opens a post, unless it goes into a thread. Raises `NotAccepted`, `Rejected`, `AccessLost` and
        `Uncertain`.
        """
        content = self.renderer.posted(message, key)
        if not content.components:
            raise Rejected("There is nothing in this message that could be shown.")
        try:
            return await self._send(place, message, content, key)
        except PlatformError as error:
            if code_of(error) == MISSING_PERMISSIONS and (until := await self._timed_out_until(place)):
                wait = min((until - self._clock()).total_seconds() + 1.0, _ASK_AGAIN_SECONDS)
                raise NotAccepted(f"A moderator timed me out until {until:%Y-%m-%d %H:%M} UTC.", wait) from error
            raise

    async def _send(self, place: Place, message: Message, content: DiscordMessage, key: str) -> str:
        if message.thread:
            return await self._send_in_thread(place, message.thread, content, key)
        if forum := await self._forum(place):
            return await self._open_post(place, forum, message, key)
        return str((await self._post(place.address, content, key))["id"])

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        """The id of the bot's own message under the key, whose mark is the id of its first component."""
        start = int(split(after, place)[1]) if after else snowflake(since - _CLOCKS_APART) if since else None
        if not thread and await self._forum(place):
            return await self._find_post(place, key, start or 0)
        address = thread_of(thread) if thread else place.address
        try:
            message = await self._find_in(address, key, start)
        except AccessLost as error:
            if thread and code_of(error) == UNKNOWN_CHANNEL:  # nobody has opened the thread yet
                return None
            raise
        return (f"{address}/{message}" if thread else message) if message else None

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        """The current (member, emoji) pairs on a message, normal and burst, without those of bots."""
        channel, key = split(message, place)
        where = {"channel_id": channel, "message_id": key}
        try:
            answer = await self.rest.ask(_MESSAGE, where)
        except AccessLost as error:
            if channel != place.address and code_of(error) == UNKNOWN_CHANNEL:  # a post was deleted, not the forum
                raise Rejected(str(error)) from error
            raise
        pairs: set[tuple[str, str]] = set()
        for reaction in answer.get("reactions") or []:
            partial, counts = reaction["emoji"], reaction.get("count_details") or {}
            path = f"{partial['name']}:{partial['id']}" if partial.get("id") else partial["name"]
            for kind, kind_name in enumerate(("normal", "burst")):
                if counts.get(kind_name, reaction.get("count", 0)):
                    people = await self._people(where, path, kind)
                    name = emoji(partial, burst=bool(kind))
                    pairs.update((person["id"], name) for person in people if not person.get("bot"))
        return sorted(pairs)

    async def rewrite(self, place: Place, posted: str, message: Message, key: str) -> None:
        """Replace a posted message, with the same mark and the same buttons. An archived thread is not opened for
        it."""
        channel, message_id = split(posted, place)
        try:
            await self.rest.rewrite(channel, message_id, self.renderer.posted(message, key))
        except (Rejected, AccessLost) as error:
            # A deleted thread or post does not mean that its channel is gone.
            gone = code_of(error) == UNKNOWN_CHANNEL and channel != place.address
            if not gone and code_of(error) not in (UNKNOWN_MESSAGE, ARCHIVED):
                raise

    async def tell(self, place: Place, member: str, text: str) -> None:
        """Send a text to one member, as a direct message."""
        await self.rest.post(await self.rest.direct(member), self.renderer.posted(Message(text)))

    async def _timed_out_until(self, place: Place) -> datetime | None:
        """The end of the bot's time-out in a place's server. None if there is none, or if Discord does not say."""
        if not place.workspace:
            return None
        where = {"guild_id": place.workspace, "user_id": await self.rest.open()}
        try:
            return timed_out_until(await self.rest.ask("/guilds/{guild_id}/members/{user_id}", where), self._clock())
        except PlatformError:
            return None

    async def _post(self, address: str, content: DiscordMessage, key: str) -> Json:
        try:
            return await self.rest.post(address, content, key)
        except AccessLost as error:
            if code_of(error) != ARCHIVED:
                raise
            await self.rest.unarchive(address)
            return await self.rest.post(address, content, key)

    async def _send_in_thread(self, place: Place, header: str, content: DiscordMessage, key: str) -> str:
        """Post in the thread of a message, or below the first message of a forum's post. Raises `Rejected` if the
        thread is deleted, locked or closed to the bot, since the channel is still there."""
        channel, message = split(header, place)
        if message in self._closed_threads:
            raise Rejected("I may not write in this message's thread.")
        lacking = "Create Public Threads"
        try:
            if channel == place.address and message not in self._open_threads:
                where = {"channel_id": channel, "message_id": message}
                text = "\n".join(texts((await self.rest.ask(_MESSAGE, where)).get("components") or []))
                await self.rest.open_thread(channel, message, _heading(plain(text)), _WEEK_OF_MINUTES)
                self._open_threads.add(message)
            lacking = "Send Messages in Threads"
            return f"{message}/{(await self._post(message, content, key))['id']}"
        except PlatformError as error:
            code = code_of(error)
            if code == MISSING_PERMISSIONS and await self._timed_out_until(place):
                raise
            if not isinstance(error, AccessLost) and code not in TOO_MANY_THREADS:
                raise
            self._closed_threads.add(message)
            why = f"Discord says {code}: allow me {lacking} there" if code == MISSING_PERMISSIONS else str(error)
            raise Rejected(why) from error

    async def _forum(self, place: Place) -> Json | None:
        """Discord's JSON of a place that is a forum; None for any other place."""
        if place.address in self._no_forums:
            return None
        answer = await self.rest.channel(place.address)
        if is_forum(answer):
            return answer
        self._no_forums.add(place.address)
        return None

    async def _open_post(self, place: Place, forum: Json, message: Message, key: str) -> str:
        # Discord takes no nonce for a forum's posts, so the post is looked for before every try.
        if posted := await self._find_post(place, key, snowflake(self._clock() - timedelta(days=1))):
            return posted
        name = _name(message.card.title) if message.card else _heading(message.text)
        content = self.renderer.posted(message, key)
        opened = await self.rest.open_post(place.address, name, tags(forum), content, _WEEK_OF_MINUTES)
        return f"{opened['id']}/{opened['id']}"

    async def _find_post(self, place: Place, key: str, after: int) -> str | None:
        me = await self.rest.open()
        async for thread in self._threads(place, after):
            opened, mine = thread["id"], (thread.get("parent_id"), thread.get("owner_id")) == (place.address, me)
            if mine and int(opened) >= after and await self._find_in(opened, key, int(opened) - 1) == opened:
                return f"{opened}/{opened}"
        return None

    async def _threads(self, place: Place, after: int) -> AsyncIterator[Json]:
        """The active threads of a forum's server, then the forum's threads that were archived since a snowflake's time,
        at most _NEWEST_PAGES pages. A thread that was opened since that time can't have been archived before it."""
        answer = await self.rest.ask("/guilds/{guild_id}/threads/active", {"guild_id": place.workspace})
        for thread in answer.get("threads") or []:
            yield thread
        since = moment(after)
        query: Json = {"limit": _PAGE}
        for _ in range(_NEWEST_PAGES):
            answer = await self.rest.ask(
                "/channels/{channel_id}/threads/archived/public", {"channel_id": place.address}, query
            )
            threads = answer.get("threads") or []
            for thread in threads:
                yield thread
            last = threads[-1]["thread_metadata"]["archive_timestamp"] if threads else ""
            if not (last and answer.get("has_more")) or datetime.fromisoformat(last) < since:
                return
            query = {"limit": _PAGE, "before": last}

    async def _find_in(self, address: str, key: str, after: int | None) -> str | None:
        """Search the messages after an id, or the newest pages if no id is given."""
        me = await self.rest.open()
        await self._check_history_access(address)
        start, pages = {} if after is None else {"after": after}, 0
        while True:
            page: list[Json] = await self.rest.ask(
                "/channels/{channel_id}/messages", {"channel_id": address}, {**start, "limit": _PAGE}
            )
            pages += 1
            for message in page:
                marks = [component.get("id") for component in message.get("components") or []]
                if message["author"]["id"] == me and mark(key) in marks:
                    return str(message["id"])
            if len(page) < _PAGE or (after is None and pages == _NEWEST_PAGES):
                return None
            ids = [int(message["id"]) for message in page]
            start = {"before": min(ids)} if after is None else {"after": max(ids)}

    async def _check_history_access(self, address: str) -> None:
        """Raises `AccessLost` if the bot may not read earlier messages: Discord would show it an empty channel."""
        try:
            await self.rest.ask(_MESSAGE, {"channel_id": address, "message_id": address})
        except Rejected:  # Discord says that there is no such message, so the bot may read
            return

    async def _people(self, where: dict[str, Any], name: str, kind: int) -> list[Json]:
        """The users who put an emoji on a message, as a normal (0) or a burst (1) reaction."""
        people: list[Json] = []
        while True:
            last = people[-1]["id"] if people else 0
            query = {"limit": _PAGE, "type": kind, "after": last}
            page: list[Json] = await self.rest.ask(f"{_MESSAGE}/reactions/{{emoji}}", where | {"emoji": name}, query)
            people += page
            if len(page) < _PAGE:
                return people


def _heading(text: str) -> str:
    """The name of a message's thread: the first sentence of the message.

    >>> _heading("5 papers for Monday, 2 March, after 2.5 days. React!")
    '5 papers for Monday, 2 March, after 2.5 days'
    """
    return _SENTENCE.split(_name(text))[0].rstrip(".:")


def _name(text: str) -> str:
    """The name of a thread: the first line of a text."""
    return cut(next((line for line in map(str.strip, visible(text).splitlines()) if line), "Papers"), _NAME)
