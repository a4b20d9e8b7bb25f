"""Intake: every reaction counts once, however often, however late and in whatever order it is told.

An event that has an id is written down first (then its platform may be told "received"), worked off, and its row
marked done in the transaction that does the work. What a crash left unfinished is worked off on the next start.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.feedback import SAID_LESS, SAID_MORE, EmojiTable, is_emoji
from bot.channels.values import Reaction
from bot.platforms.base import AccessLost, Clock, Platform, PlatformError
from bot.store import channels, deliveries, inbox, papers, votes
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.deliveries import Post
from bot.store.states import ChannelState, PostState
from bot.store.votes import Vote

log = structlog.get_logger(__name__)
_REACTION = TypeAdapter(Reaction)
_TRIES = 5
_REMEMBERED = timedelta(days=2)
"""Platforms repeat an event for a day at most; its id is remembered for two."""


class Intake:
    """Takes reactions in, as told by events and as read back from the platform."""

    def __init__(self, store: Store, clock: Clock, emoji: EmojiTable) -> None:
        self._store, self._clock, self._emoji = store, clock, emoji

    async def react(self, reaction: Reaction, event_id: str | None = None) -> bool:
        """Take one reaction in, exactly once per event id; True when a vote changed."""
        if event_id is None:
            async with self._store.write() as tx:
                return await self._apply(tx, reaction)
        if not await self.receive(reaction, event_id):
            return False
        return await self._work(reaction, event_id)

    async def receive(self, reaction: Reaction, event_id: str) -> bool:
        """Write the event down; once this returns the platform may be told. False for one known already."""
        body = _REACTION.dump_python(reaction, mode="json")
        async with self._store.write() as tx:
            return await inbox.receive(tx, reaction.place.platform, event_id, body, self._clock())

    async def replay(self) -> int:
        """On start: work off what an earlier process wrote down and did not finish; how many that were."""
        async with self._store.write() as tx:
            await inbox.sweep(tx, self._clock() - _REMEMBERED)
            left = await inbox.unfinished(tx)
        for _, event_id, body in left:
            await self._work(_REACTION.validate_python(body), event_id)
        return len(left)

    async def read_back(self, platforms: Mapping[str, Platform], since: datetime) -> int:
        """Compare the reactions of posts sent since then with what stands on the platform; how many votes changed.

        Mends what was missed while the bot was away, on platforms that can tell.
        """
        changed = 0
        able = [name for name, platform in platforms.items() if platform.capabilities.reads_reactions]
        async with self._store.read() as tx:
            todo = [
                (channel, post)
                for channel in await channels.all_of(tx, able)
                if channel.state is not ChannelState.LOST
                for post in await deliveries.posts_of(tx, channel.id, [PostState.SENT])
                if post.message and post.sent_at and post.sent_at >= since
            ]
        for channel, post in todo:
            try:
                changed += await self._compare(platforms[channel.place.platform], channel, post)
            except AccessLost:
                continue  # the courier finds out for itself, and says so once
            except (PlatformError, OSError) as error:
                log.warning("Reactions could not be read back.", channel=channel.id, why=str(error))
        return changed

    async def _compare(self, platform: Platform, channel: Channel, post: Post) -> int:
        asked_at, message = self._clock(), post.message or ""
        there = set(await platform.reactions(channel.place, message))
        async with self._store.write() as tx:
            paper_id = await _paper_of(tx, post)
            if paper_id is None:
                return 0
            known = {(vote.member, vote.signal) for vote in await votes.of_paper(tx, channel.id, paper_id)}
            changed = 0
            for member, emoji in sorted(there ^ known):
                if (member, emoji) in there or is_emoji(emoji):
                    on = (member, emoji) in there
                    changed += await votes.put(tx, Vote(channel.id, paper_id, member, emoji, on, asked_at))
            return changed

    async def _work(self, reaction: Reaction, event_id: str) -> bool:
        platform = reaction.place.platform
        try:
            async with self._store.write() as tx:
                changed = await self._apply(tx, reaction)
                await inbox.finish(tx, platform, event_id)
                return changed
        except Exception as error:
            log.exception("A reaction could not be taken in; it is tried again on the next start.", event=event_id)
            async with self._store.write() as tx:
                await inbox.stumble(tx, platform, event_id, f"{type(error).__name__}: {error}", _TRIES)
            return False

    async def _apply(self, tx: AsyncConnection, reaction: Reaction) -> bool:
        channel = await channels.find(tx, reaction.place)
        if channel is None:
            return False
        post = await deliveries.post_by_message(tx, channel.id, reaction.message)
        paper_id = await _paper_of(tx, post) if post else None
        if paper_id is None:
            return False
        # A platform's clock ahead of ours must not make a vote that no later word can take back.
        at = min(reaction.at, self._clock())
        changed = await votes.put(tx, Vote(channel.id, paper_id, reaction.member, reaction.emoji, reaction.on, at))
        value = self._emoji.value(reaction.emoji)
        if value and not reaction.on:
            # The button and the matching emoji are one vote: who takes back the one takes back the other.
            button = SAID_MORE if value > 0 else SAID_LESS
            heard = await votes.of_paper(tx, channel.id, paper_id)
            if any((vote.member, vote.signal) == (reaction.member, button) for vote in heard):
                changed |= await votes.put(tx, Vote(channel.id, paper_id, reaction.member, button, False, at))
        return changed


async def _paper_of(tx: AsyncConnection, post: Post) -> str | None:
    """The paper a post is about; for one that turned out to be another post's paper too, the one it was merged into."""
    if post.paper_id:
        return post.paper_id
    card = post.body.get("card")
    return await papers.resolve(tx, card["paper_id"]) if card else None
