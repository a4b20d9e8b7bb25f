"""The line on a card that says what was voted by button: emoji stand on the message for all to see, presses do not.

The line is worked out from the store's votes each time that a message is written anew, and kept nowhere. That a message
is out of date is known in memory alone: what a crash forgets, or what a platform refuses, costs a line and never a
vote, and the next press, or the reading back on start and daily, brings it right.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextvars import Context
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests.cards import by_button
from bot.digests.feedback import BUTTONS, EmojiTable, pressed
from bot.model.codec import load_message
from bot.model.messages import Message
from bot.ports.platform import AccessLost, NotAccepted, Platform, Rejected, Rewriting, Sleep
from bot.store import channels, deliveries, exposures, votes
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.deliveries import Post
from bot.store.states import ChannelState

log = structlog.get_logger(__name__)
_QUIET_SECONDS = 2.0
"""From the first press until its message is written anew: all that come meanwhile are one edit."""
_AT_ONCE, _REST_SECONDS = 2, 0.5
"""Messages that are written anew at a time, and the rest after each: four a second at most, however many are pressed.
Nobody waits for them, and somebody may wait for whatever else is done."""
REFRESHED_FOR = timedelta(days=2)
"""How old a button vote may be and still be missing from its card. Must exceed the interval of the daily refresh."""
_TRIES, _AGAIN_SECONDS, _LONGEST_WAIT_SECONDS = 3, 10.0, 300.0


class VoteCounters:
    """Brings the messages of platforms that can write them anew up to date. `timeout`: seconds for one message."""

    def __init__(
        self, store: Store, platforms: Mapping[str, Platform], emoji: EmojiTable, sleep: Sleep, timeout: float = 30.0
    ) -> None:
        self._store, self._emoji, self._sleep, self._timeout = store, emoji, sleep, timeout
        self._able = {name: platform for name, platform in platforms.items() if isinstance(platform, Rewriting)}
        self._outdated: defaultdict[int, set[str]] = defaultdict(set)
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    def refresh_tally(self, channel_id: int, paper_id: str) -> None:
        """What was voted by button on a paper has changed: its message is written anew soon. Waits for nothing."""
        if not self._able:
            return
        self._outdated[channel_id].add(paper_id)
        if channel_id not in self._under_way:
            # Not in the context of whoever pressed: they go ahead of all others, and this does not.
            task = asyncio.create_task(self._bring_up(channel_id), context=Context())
            self._under_way[channel_id] = task

    async def refresh_since(self, since: datetime) -> None:
        """Refresh the messages with button votes since then: an earlier process may have left them out of date."""
        if not self._able:
            return
        async with self._store.read() as tx:
            lately = await votes.since(tx, BUTTONS, since)
        for channel_id, paper_id in lately:
            self.refresh_tally(channel_id, paper_id)

    async def stop(self) -> None:
        """Let go of what is under way."""
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _bring_up(self, channel_id: int) -> None:
        """Write anew what is out of date in one channel, until nothing is. No channel waits for another's platform."""
        try:
            while channel_id in self._outdated:
                await self._sleep(_QUIET_SECONDS)
                try:
                    await self._write_anew(channel_id, self._outdated.pop(channel_id))
                except Exception as error:
                    log.warning("What was voted by button can't be shown now.", channel=channel_id, why=_what(error))
        finally:
            del self._under_way[channel_id]

    async def _write_anew(self, channel_id: int, papers: Collection[str]) -> None:
        async with self._gate, self._store.read() as tx:
            channel = await channels.get(tx, channel_id)
            platform = self._able.get(channel.place.platform) if channel else None
            if channel is None or platform is None or channel.state is ChannelState.LOST:
                return
            posts = await deliveries.posts_about(tx, channel_id, papers)
            messages = [await _with_tallies(tx, post, self._emoji) for post in posts]
        for post, message in zip(posts, messages, strict=True):
            if not await self._put(platform, channel, post, message):
                return

    async def _put(self, platform: Rewriting, channel: Channel, post: Post, message: Message) -> bool:
        """Put a message in the place of the one that stands there, and try that again where it may help: twice is as
        once. False where the channel's others would not get there either."""
        for _ in range(_TRIES):
            wait = _AGAIN_SECONDS
            try:
                async with self._gate:
                    try:
                        async with asyncio.timeout(self._timeout):
                            await platform.rewrite(channel.place, post.message or "", message, post.key)
                    finally:
                        await self._sleep(_REST_SECONDS)
                return True
            except (Rejected, AccessLost) as error:
                failed: Exception = error
                break
            except NotAccepted as error:
                failed, wait = error, error.retry_after or wait
            except Exception as error:
                failed = error
            if wait > _LONGEST_WAIT_SECONDS:
                break
            await self._sleep(wait)
        log.warning("A card can't show what was voted by button.", channel=channel.id, why=_what(failed))
        return isinstance(failed, Rejected)


async def _with_tallies(tx: AsyncConnection, post: Post, emoji: EmojiTable) -> Message:
    """A post's message, with what was voted by button on each paper that stands there."""
    message = load_message(post.body)
    numbers = {} if post.paper_id else await exposures.by_number(tx, post.channel_id, post.id)
    heard = await votes.for_papers(tx, post.channel_id, [post.paper_id] if post.paper_id else [*numbers.values()])
    said = {paper_id: by_button(*pressed(some, emoji)) for paper_id, some in heard.items()}
    card = replace(message.card, tally=said.get(post.paper_id or "", "")) if message.card else None
    by_number = [said.get(numbers.get((post.id, number), ""), "") for number in range(1, len(message.lines) + 1)]
    lines = (replace(line, tally=tally) for line, tally in zip(message.lines, by_number, strict=True))
    return replace(message, card=card, lines=tuple(lines))


def _what(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
