"""Intake: every reaction counts once, however often, however late and in whatever order it is told.

An event that has an id is written down first (then its platform may be told "received"), worked off, and its row
marked done in the transaction that does the work. What a crash left unfinished is worked off on the next start.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.feedback import SAID_LESS, SAID_MORE, EmojiTable, is_emoji
from bot.channels.values import Reaction
from bot.platforms.base import AccessLost, Clock, NotAccepted, Platform, Sleep
from bot.store import channels, deliveries, inbox, papers, votes
from bot.store.channels import Channel
from bot.store.database import Store, StoreError
from bot.store.deliveries import Post
from bot.store.states import ChannelState, PostState
from bot.store.votes import Vote

log = structlog.get_logger(__name__)
_REACTION = TypeAdapter(Reaction)
_TRIES = 5
_WORKSPACES_AT_ONCE = 20
_FAILURES_IN_A_ROW = 3
_REMEMBERED = timedelta(days=2)
"""Platforms repeat an event for a day at most; its id is remembered for two."""


class Intake:
    """Takes reactions in, as told by events and as read back from the platform, which has `timeout` seconds to tell
    those of one message, and may ask to wait."""

    def __init__(self, store: Store, clock: Clock, sleep: Sleep, emoji: EmojiTable, timeout: float = 30.0) -> None:
        self._store, self._clock, self._sleep, self._emoji, self._timeout = store, clock, sleep, emoji, timeout

    async def react(self, reaction: Reaction, event_id: str | None = None) -> bool:
        """Take one reaction in, exactly once per event id; True when a vote changed."""
        if event_id is None:
            async with self._store.write() as tx:
                return await self._apply(tx, reaction)
        if not await self.receive(reaction, event_id):
            return False
        return await self._work(reaction.place.platform, event_id, _body(reaction))

    async def receive(self, reaction: Reaction, event_id: str) -> bool:
        """Write the event down; once this returns the platform may be told. False for one known already."""
        async with self._store.write() as tx:
            return await inbox.receive(tx, reaction.place.platform, event_id, _body(reaction), self._clock())

    async def replay(self) -> int:
        """On start: work off what an earlier process wrote down and did not finish; how many that were."""
        async with self._store.write() as tx:
            await inbox.sweep(tx, self._clock() - _REMEMBERED)
            left = await inbox.unfinished(tx)
        for platform, event_id, body in left:
            await self._work(platform, event_id, body)
        return len(left)

    async def read_back(self, platforms: Mapping[str, Platform], since: datetime) -> int:
        """Compare the reactions of posts sent since then with what stands on the platform; how many votes changed.

        Mends what was missed while the bot was away, on platforms that can tell; no workspace waits for another.
        """
        able = [name for name, platform in platforms.items() if platform.capabilities.reads_reactions]
        workspaces: defaultdict[tuple[str, str], list[Channel]] = defaultdict(list)
        async with self._store.read() as tx:
            for channel in await channels.all_of(tx, able):
                if channel.state is not ChannelState.LOST:
                    workspaces[channel.place.platform, channel.place.workspace].append(channel)
        gate = asyncio.Semaphore(_WORKSPACES_AT_ONCE)

        async def one(platform: Platform, some: Sequence[Channel]) -> int:
            async with gate:
                return await self._read_workspace(platform, some, since)

        reading = (one(platforms[name], some) for (name, _), some in workspaces.items())
        outcomes = await asyncio.gather(*reading, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return sum(outcome for outcome in outcomes if isinstance(outcome, int))

    async def _read_workspace(self, platform: Platform, some: Sequence[Channel], since: datetime) -> int:
        """Compare the channels of one workspace, one after the other; one that does not answer is left in peace."""
        changed = 0
        for channel in some:
            failed = 0
            async with self._store.read() as tx:
                by_paper = await _by_paper(tx, channel.id)
            for posts in by_paper:
                if not any(post.sent_at and post.sent_at >= since for post in posts):
                    continue
                try:
                    changed += await self._compare(platform, channel, posts)
                    failed = 0
                except StoreError:
                    raise
                except AccessLost:
                    break  # the courier finds out for itself, and says so once
                except Exception as error:
                    why = str(error) or type(error).__name__
                    log.warning("Reactions could not be read back.", channel=channel.id, why=why)
                    failed += 1
                    if failed == _FAILURES_IN_A_ROW:
                        break
        return changed

    async def _compare(self, platform: Platform, channel: Channel, posts: Sequence[Post]) -> int:
        """Compare what stands on all the messages of one paper with its votes; how many changed."""
        asked_at, there = self._clock(), set[tuple[str, str]]()
        for post in posts:
            told = await self._standing(platform, channel, post.message or "")
            there.update((member, emoji) for member, emoji in told if is_emoji(emoji))
        async with self._store.write() as tx:
            paper_id = await _paper_of(tx, posts[0])
            if paper_id is None:
                return 0
            known = {(vote.member, vote.signal) for vote in await votes.of_paper(tx, channel.id, paper_id)}
            changed = 0
            for member, emoji in sorted(there ^ known):
                if (member, emoji) in there or is_emoji(emoji):
                    on = (member, emoji) in there
                    changed += await votes.put(tx, Vote(channel.id, paper_id, member, emoji, on, asked_at))
            return changed

    async def _standing(self, platform: Platform, channel: Channel, message: str) -> list[tuple[str, str]]:
        """The reactions on a message; a platform that says when to come again is asked again then."""
        for _ in range(_TRIES):
            try:
                async with asyncio.timeout(self._timeout):
                    return await platform.reactions(channel.place, message)
            except NotAccepted as error:
                if not error.retry_after:
                    raise
                await self._sleep(error.retry_after)
        raise NotAccepted("The platform asked to wait again and again.")

    async def _work(self, platform: str, event_id: str, body: Mapping[str, Any]) -> bool:
        try:
            reaction = _REACTION.validate_python(body)
            async with self._store.write() as tx:
                changed = await self._apply(tx, reaction)
                await inbox.finish(tx, platform, event_id)
                return changed
        except Exception as error:
            log.exception("A reaction could not be taken in; it is tried again on the next start.", event_id=event_id)
            async with self._store.write() as tx:
                await inbox.stumble(tx, platform, event_id, f"{type(error).__name__}: {error}", _TRIES)
            return False

    async def _apply(self, tx: AsyncConnection, reaction: Reaction) -> bool:
        channel = await channels.find(tx, reaction.place)
        if channel is None or not is_emoji(reaction.emoji):
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


def _body(reaction: Reaction) -> dict[str, Any]:
    return dict(_REACTION.dump_python(reaction, mode="json"))


async def _by_paper(tx: AsyncConnection, channel_id: int) -> list[list[Post]]:
    """A channel's cards on its platform, those of one paper together: papers that were merged have several."""
    cards: defaultdict[str, list[Post]] = defaultdict(list)
    for post in await deliveries.posts_of(tx, channel_id, [PostState.SENT]):
        paper_id = await _paper_of(tx, post)
        if post.message and paper_id:
            cards[paper_id].append(post)
    return list(cards.values())


async def _paper_of(tx: AsyncConnection, post: Post) -> str | None:
    """The paper a post is about; for one that turned out to be another post's paper too, the one it was merged into."""
    if post.paper_id:
        return post.paper_id
    card = post.body.get("card")
    return await papers.resolve(tx, card["paper_id"]) if card else None
