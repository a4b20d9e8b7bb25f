"""The line on a card that counts the votes by button: emoji are visible on the message, votes by button are not.

The line is computed from the store's votes each time that a message is edited, and stored nowhere. Which messages are
out of date is kept in memory alone: a crash, or a platform that refuses an edit, costs a line and never a vote. The
next vote by button, or the daily refresh, corrects the line.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextvars import Context
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests.cards import by_button
from bot.digests.feedback import BUTTONS, EmojiTable, button_tally
from bot.digests.past_messages import lacks_papers, with_papers
from bot.jobs.tasks import cancel_all
from bot.model.codec import load_message
from bot.model.messages import Card, Line, Message
from bot.ports.platform import AccessLost, NotAccepted, Platform, Rejected, Rewriting, Sleep
from bot.store import channels, deliveries, exposures, papers, votes
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.deliveries import Post
from bot.store.leases import Leases, channel_lease
from bot.store.states import ChannelState

log = structlog.get_logger(__name__)
_QUIET_SECONDS = 2.0
"""From the first vote until its message is edited; all votes meanwhile are shown by one edit."""
_AT_ONCE, _REST_SECONDS = 2, 0.5
"""Messages edited at a time, and the pause after each: at most four a second, however many members vote. No member
waits for an edit, and the requests that members wait for must not queue behind edits."""
REFRESHED_FOR = timedelta(days=2)
"""How old a button vote may be and still be missing from its card. Must exceed the interval of the daily refresh."""
_TRIES, _AGAIN_SECONDS, _LONGEST_WAIT_SECONDS = 3, 10.0, 300.0


class VoteCounters:
    """Keeps the counts on messages up to date, on platforms that can edit them. `timeout`: seconds for one message."""

    def __init__(
        self,
        store: Store,
        platforms: Mapping[str, Platform],
        emoji: EmojiTable,
        sleep: Sleep,
        leases: Leases,
        timeout: float = 30.0,
    ) -> None:
        self._store, self._emoji, self._sleep, self._timeout = store, emoji, sleep, timeout
        self._leases = leases
        self._able = {name: platform for name, platform in platforms.items() if isinstance(platform, Rewriting)}
        self._outdated: defaultdict[int, set[str]] = defaultdict(set)
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    def refresh_tally(self, channel_id: int, paper_id: str) -> None:
        """The votes by button on a paper have changed: have its messages edited soon, without waiting for that."""
        if not self._able:
            return
        self._outdated[channel_id].add(paper_id)
        if channel_id not in self._under_way:
            # With an empty context: the member's request may have high priority in the store, and an edit has not.
            task = asyncio.create_task(self._edit_outdated(channel_id), context=Context())
            self._under_way[channel_id] = task

    async def refresh_since(self, since: datetime) -> None:
        """Refresh the messages with button votes since then: an earlier process may have left them out of date."""
        if not self._able:
            return
        async with self._store.read() as tx:
            recent_votes = await votes.since(tx, BUTTONS, since)
        for channel_id, paper_id in recent_votes:
            self.refresh_tally(channel_id, paper_id)

    async def stop(self) -> None:
        """Cancel the running edits."""
        await cancel_all(self._under_way.values())

    async def _edit_outdated(self, channel_id: int) -> None:
        """Edit the outdated messages of one channel, until none is left. No channel waits for another.

        While another process holds the channel's lease, it may be editing the same message: the later edit must be of
        the later votes.
        """
        try:
            while channel_id in self._outdated:
                await self._sleep(_QUIET_SECONDS)
                try:
                    papers = self._outdated.pop(channel_id)
                    async with self._leases.holding(channel_lease(channel_id)) as held:
                        if held:
                            await self._edit(channel_id, papers)
                        else:
                            self._outdated[channel_id] |= papers
                except Exception as error:
                    log.warning("The votes by button can't be shown now.", channel=channel_id, why=_reason(error))
        finally:
            del self._under_way[channel_id]

    async def _edit(self, channel_id: int, paper_ids: Collection[str]) -> None:
        async with self._gate, self._store.read() as tx:
            channel = await channels.get(tx, channel_id)
            platform = self._able.get(channel.place.platform) if channel else None
            if channel is None or platform is None or channel.state is ChannelState.LOST:
                return
            posts = await deliveries.posts_about(tx, channel_id, paper_ids)
            messages = [await _with_tallies(tx, post, self._emoji) for post in posts]
        for post, message in zip(posts, messages, strict=True):
            if message and not await self._put(platform, channel, post, message):
                return

    async def _put(self, platform: Rewriting, channel: Channel, post: Post, message: Message) -> bool:
        """Edit a message, and try again if that may help: editing twice does no harm. False if the other messages of
        the channel could not be edited either."""
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
                failure: Exception = error
                break
            except NotAccepted as error:
                failure, wait = error, error.retry_after or wait
            except Exception as error:
                failure = error
            if wait > _LONGEST_WAIT_SECONDS:
                break
            await self._sleep(wait)
        log.warning("A card can't show the votes by button.", channel=channel.id, why=_reason(failure))
        return isinstance(failure, Rejected)


async def _with_tallies(tx: AsyncConnection, post: Post, emoji: EmojiTable) -> Message | None:
    """A post's message, with the votes by button on each of its papers. None for an old message of a paper that is
    gone."""
    message = load_message(post.body)
    numbers = {} if post.paper_id else await exposures.by_number(tx, post.channel_id, post.id)
    if lacks_papers(message):
        message = await _completed(tx, post, message, numbers)
        if lacks_papers(message):
            return None
    votes_by_paper = await votes.for_papers(
        tx, post.channel_id, [post.paper_id] if post.paper_id else [*numbers.values()]
    )
    tallies = {i: by_button(*button_tally(paper_votes, emoji)) for i, paper_votes in votes_by_paper.items()}
    card = replace(message.card, tally=tallies.get(post.paper_id or "", "")) if message.card else None
    by_number = [tallies.get(numbers.get((post.id, number), ""), "") for number in range(1, len(message.lines) + 1)]
    lines = (replace(line, tally=tally) for line, tally in zip(message.lines, by_number, strict=True))
    return replace(message, card=card, lines=tuple(lines))


async def _completed(
    tx: AsyncConnection, post: Post, message: Message, numbers: Mapping[tuple[int, int], str]
) -> Message:
    """An old message with the texts of those of its papers that are still there."""
    several: Sequence[Card | Line] = message.lines or message.cards
    entries = [(0, message.card)] if message.card else list(enumerate(several, 1))
    known = {}
    for number, entry in entries:
        paper_id = (numbers.get((post.id, number)) if number else post.paper_id) or entry.paper_id
        if paper := await papers.get(tx, await papers.resolve(tx, paper_id) or ""):
            known[number] = paper
    # The texts of papers may be full of TeX, so they are converted in a thread.
    return await asyncio.to_thread(with_papers, message, known)


def _reason(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
