"""Intake: every reaction counts once, however often, however late and in whatever order it is told.

An event that has an id is worked off in the transaction that writes its id down; then its platform may be told
"received". What could not be worked off is kept whole, and tried again on the next start.

A reaction may be told before the bot knows the id of the message that it is on: the platform answers late, or the
answer was lost. Such a reaction is kept in the inbox, and counts as soon as it is known what became of the post.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests.feedback import BUTTONS, EmojiTable, is_emoji, on_message
from bot.model.messages import SUPER_REACTION_SUFFIX, Place, Reaction
from bot.model.number_emoji import number_of
from bot.ports.platform import AccessLost, Clock, NotAccepted, Platform, PlatformError, Rejected, Sleep, WorkspaceLost
from bot.store import channels, deliveries, exposures, inbox, metadata, papers, votes
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.deliveries import Post
from bot.store.errors import StoreError
from bot.store.states import ChannelState, PostState
from bot.store.votes import Vote, VoteSignal

log = structlog.get_logger(__name__)
_REACTION = TypeAdapter(Reaction)
_TRIES = 5
_WORKSPACES_AT_ONCE = 5
_FAILURES_IN_A_ROW = 3
_REMEMBERED = timedelta(days=2)
"""Platforms repeat an event for a day at most; its id is remembered for two."""
_GIVEN_UP = timedelta(days=30)
"""How long an event that could not be worked off is kept, with what it said, for whoever looks into it."""
_Told = tuple[datetime, list[tuple[str, str]]]
"""When a platform was asked for a message's reactions, and the (member, emoji) pairs that it told."""


_MOST_EARLY = 1_000
"""Reactions kept for one channel until it is known what became of a post there. The daily reading back finds more."""
_FIRST_WAIT_SECONDS = 5.0
"""Before the reactions on one message are read again that could not be read; each further wait is twice as long."""


@dataclass(frozen=True, slots=True)
class _PaperSlot:
    """Where a paper stands: a message that is its card (number 0), or its number on a message of several."""

    paper_id: str
    number: int
    post: Post

    def signal_for(self, emoji: str) -> str | None:
        """The signal that an emoji on the message is for this paper, None when it says nothing of it."""
        if not is_emoji(emoji):
            return None
        if self.number:
            number = VoteSignal.SUPER_NUMBER if emoji.endswith(SUPER_REACTION_SUFFIX) else VoteSignal.NUMBER
            return number if number_of(emoji) == self.number else None
        return emoji


@dataclass(frozen=True, slots=True)
class _Applied:
    """What a reaction did: whether a vote changed, and where whoever reacted has voted by button too, of which
    (channel id, paper id). `early` is the channel's id where the message may be a post whose id is not known yet."""

    changed: bool = False
    pressed: tuple[int, str] | None = None
    early: int | None = None


class ReactionRecorder:
    """Takes reactions in, as told by events and as read back from the platform, which has `timeout` seconds to tell
    those of one message, and may ask to wait. `outdated` is told of the (channel id, paper id) where an emoji has
    changed what counts by button."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sleep: Sleep,
        emoji: EmojiTable,
        timeout: float = 30.0,
        refresh_tally: Callable[[int, str], None] = lambda channel_id, paper_id: None,
    ) -> None:
        self._store, self._clock, self._sleep, self._emoji, self._timeout = store, clock, sleep, emoji, timeout
        self._refresh_tally = refresh_tally
        self.resync_requests = 0
        """How often reactions may have been missed: a reading back that was under way then is to be done again."""
        self._early: defaultdict[int, dict[tuple[str, str], None]] = defaultdict(dict)
        self._resyncing = set[asyncio.Task[None]]()

    async def react(self, reaction: Reaction, event_id: str | None = None) -> bool:
        """Take one reaction in, exactly once per event id; True when a vote changed."""
        platform, kept = reaction.place.platform, event_id or f"early {_digest(reaction)}"
        try:
            async with self._store.write() as tx:
                now, member = self._clock(), reaction.member
                if event_id and not await inbox.receive(tx, platform, event_id, {}, now, member, done=True):
                    return False
                applied = await self._apply(tx, reaction)
                if applied.early and len(self._early[applied.early]) < _MOST_EARLY:
                    if event_id:
                        await inbox.reopen(tx, platform, event_id, _body(reaction))
                    else:
                        await inbox.receive(tx, platform, kept, _body(reaction), now, member)
                    self._early[applied.early][platform, kept] = None
        except StoreError:
            raise
        except Exception as error:
            if event_id is None:
                raise
            if await self.receive(reaction, event_id):
                await self._record_failure(platform, event_id, error)
            return False
        if applied.early:  # the post may have become known while this was written down
            return await self._process_early(applied.early, platform, kept)
        return self._publish(applied)

    async def receive(self, reaction: Reaction, event_id: str) -> bool:
        """Write the event down; once this returns the platform may be told. False for one known already."""
        async with self._store.write() as tx:
            platform, now = reaction.place.platform, self._clock()
            return await inbox.receive(tx, platform, event_id, _body(reaction), now, reaction.member)

    async def replay(self) -> int:
        """On start: work off what an earlier process wrote down and did not finish; how many that were."""
        await self.purge()
        async with self._store.read() as tx:
            left = await inbox.unfinished(tx)
        for platform, event_id, body in left:
            await self._process(platform, event_id, body)
        return len(left)

    async def settled(self, channel_id: int) -> None:
        """It is known what became of a post in a channel: work off the reactions that were told too early. What fails
        is kept, and tried again with the channel's next post or on the next start."""
        try:
            for platform, event_id in list(self._early.get(channel_id, ())):
                await self._process_early(channel_id, platform, event_id)
        except StoreError as error:
            log.error("Early reactions could not be taken in; they are tried again.", why=str(error))

    def confirmed_late(self, platform: Platform, channel: Channel, post: Post) -> None:
        """A post's id became known late, so that nobody could say whose the reactions on it were: read them soon."""
        if platform.capabilities.reads_reactions:
            task = asyncio.create_task(self._resync_late(platform, channel.place, post))
            self._resyncing.add(task)
            task.add_done_callback(self._resyncing.discard)

    async def wait_for_resyncs(self) -> None:
        """Wait until the reactions are read on every message whose id became known late."""
        await asyncio.gather(*self._resyncing)

    async def stop(self) -> None:
        """Let go of what is under way; on the next start all reactions are read back."""
        under_way = list(self._resyncing)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _resync_late(self, platform: Platform, place: Place, post: Post) -> None:
        """Read the reactions on one message, and try that again where it may help; have it shown what was voted there
        by button."""
        try:
            async with self._store.read() as tx:
                slots = await _paper_slots(tx, post)
                heard = {slot.paper_id: await votes.for_paper(tx, post.channel_id, slot.paper_id) for slot in slots}
            for paper_id, some in heard.items():
                if any(vote.signal in BUTTONS for vote in some):
                    self._refresh_tally(post.channel_id, paper_id)
            for number in range(_TRIES):
                if await self.resync_message(platform, place, post.message or ""):
                    return
                await self._sleep(_FIRST_WAIT_SECONDS * 2.0**number)
            await self.request_resync()
        except Exception:
            log.exception("The reactions on a message could not be read; they are daily.", channel=post.channel_id)

    async def purge(self) -> None:
        """On start and then daily: forget the events that no platform repeats any more."""
        now, more = self._clock(), True
        while more:
            async with self._store.write() as tx:
                more = await inbox.purge(tx, now - _REMEMBERED, now - _GIVEN_UP)

    async def request_resync(self) -> None:
        """Have the reactions read back at the next beat: some may never have been told."""
        self.resync_requests += 1
        async with self._store.write() as tx:
            await metadata.forget(tx, metadata.READ_BACK_AT)

    async def resync_message(self, platform: Platform, place: Place, message: str) -> bool:
        """Compare what stands on one message with the votes on its papers; what can't be read now is so daily. Whether
        it could be read; there is nothing to read on a message that is gone."""
        async with self._store.read() as tx:
            channel = await channels.find(tx, place)
            post = await deliveries.post_by_message(tx, channel.id, message) if channel else None
            by_paper = await _by_paper(tx, channel.id) if channel and post else []
        told: dict[int, _Told] = {}
        for slots in by_paper:
            if channel and post and any(slot.post.id == post.id for slot in slots):
                try:
                    await self._compare(platform, channel, slots, told)
                except Rejected:
                    continue
                except (PlatformError, TimeoutError) as error:
                    why = str(error) or type(error).__name__
                    log.warning("Reactions could not be read back.", channel=channel.id, why=why)
                    return False
        return True

    async def resync(self, platforms: Mapping[str, Platform], since: datetime) -> int:
        """Compare the reactions of posts sent since then with what stands on the platform; how many votes changed.

        Mends what was missed while the bot was away, on platforms that can tell; no workspace waits for another.
        """
        able = [name for name, platform in platforms.items() if platform.capabilities.reads_reactions]
        workspaces: defaultdict[tuple[str, str], list[Channel]] = defaultdict(list)
        async with self._store.read() as tx:
            for channel in await channels.list_all(tx, able):
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
            told: dict[int, _Told] = {}
            for slots in by_paper:
                if not any(slot.post.sent_at and slot.post.sent_at >= since for slot in slots):
                    continue
                try:
                    changed += await self._compare(platform, channel, slots, told)
                    failed = 0
                except StoreError:
                    raise
                except WorkspaceLost as error:
                    async with self._store.write() as tx:
                        await channels.lose_all(tx, channel.place.platform, channel.place.workspace, str(error))
                    return changed
                except AccessLost:
                    break  # the delivery worker finds out for itself, and says so once
                except Rejected as error:  # one that was deleted, which says nothing of the others
                    log.debug("A post's reactions can't be read back.", channel=channel.id, why=str(error))
                except Exception as error:
                    why = str(error) or type(error).__name__
                    log.warning("Reactions could not be read back.", channel=channel.id, why=why)
                    failed += 1
                    if failed == _FAILURES_IN_A_ROW:
                        break
        return changed

    async def _compare(
        self, platform: Platform, channel: Channel, slots: Sequence[_PaperSlot], told: dict[int, _Told]
    ) -> int:
        """Compare what stands on all the messages of one paper with its votes; how many changed. `told` keeps what
        the platform said of each post, for the other papers on it."""
        there = set[tuple[str, str]]()
        for slot in slots:
            if slot.post.id not in told:
                asked_at = self._clock()
                told[slot.post.id] = asked_at, await self._reactions_on(platform, channel, slot.post.message or "")
            pairs = ((member, slot.signal_for(emoji)) for member, emoji in told[slot.post.id][1])
            there.update((member, signal) for member, signal in pairs if signal)
        asked_at = min(told[slot.post.id][0] for slot in slots)
        async with self._store.write() as tx:
            paper_id: str | None = slots[0].paper_id
            if await papers.get(tx, slots[0].paper_id) is None:  # it turned out to be another one since
                paper_id = await papers.resolve(tx, slots[0].paper_id)
            if paper_id is None:
                return 0
            known = {(vote.member, vote.signal) for vote in await votes.for_paper(tx, channel.id, paper_id)}
            by_button = {member for member, signal in known if signal in BUTTONS}
            changed, pressed = 0, False
            for member, signal in sorted(there ^ known):
                if (member, signal) in there or on_message(signal):
                    on = (member, signal) in there
                    changed += await votes.put(tx, Vote(channel.id, paper_id, member, signal, on, asked_at))
                    pressed |= member in by_button
        if pressed:
            self._refresh_tally(channel.id, paper_id)
        return changed

    async def _reactions_on(self, platform: Platform, channel: Channel, message: str) -> list[tuple[str, str]]:
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

    async def _process(self, platform: str, event_id: str, body: Mapping[str, Any]) -> bool:
        try:
            reaction = _REACTION.validate_python(body)
            async with self._store.write() as tx:
                applied = await self._apply(tx, reaction)
                if applied.early and len(self._early[applied.early]) < _MOST_EARLY:
                    self._early[applied.early][platform, event_id] = None
                else:
                    await inbox.finish(tx, platform, event_id)
            return self._publish(applied)
        except Exception as error:
            await self._record_failure(platform, event_id, error)
            return False

    async def _process_early(self, channel_id: int, platform: str, event_id: str) -> bool:
        """Work off a reaction that was told too early; it is kept on while it still is. Whether a vote changed."""
        async with self._store.read() as tx:
            body = await inbox.waiting(tx, platform, event_id)
        self._early[channel_id].pop((platform, event_id), None)
        if not self._early[channel_id]:
            del self._early[channel_id]
        return body is not None and await self._process(platform, event_id, body)

    def _publish(self, applied: _Applied) -> bool:
        """Whether a vote changed, once that is committed."""
        if applied.pressed:
            self._refresh_tally(*applied.pressed)
        return applied.changed

    async def _record_failure(self, platform: str, event_id: str, error: Exception) -> None:
        log.exception("A reaction could not be taken in; it is tried again on the next start.", event_id=event_id)
        async with self._store.write() as tx:
            await inbox.record_failure(tx, platform, event_id, f"{type(error).__name__}: {error}", _TRIES)

    async def _apply(self, tx: AsyncConnection, reaction: Reaction) -> _Applied:
        channel = await channels.find(tx, reaction.place)
        post = await deliveries.post_by_message(tx, channel.id, reaction.message) if channel else None
        if channel is None or post is None:
            if channel and await deliveries.next_post(tx, channel.id, deliveries.UNSETTLED):
                return _Applied(early=channel.id)
            return _Applied()
        slots = await _paper_slots(tx, post)
        said = next(((slot.paper_id, signal) for slot in slots if (signal := slot.signal_for(reaction.emoji))), None)
        if said is None:
            return _Applied()
        paper_id, signal = said
        # A platform's clock ahead of ours must not make a vote that no later word can take back.
        at = min(reaction.at, self._clock())
        changed = await votes.put(tx, Vote(channel.id, paper_id, reaction.member, signal, reaction.on, at))
        value = self._emoji.value(signal)
        if not value:
            return _Applied(changed)
        heard = await votes.for_paper(tx, channel.id, paper_id)
        theirs = {vote.signal for vote in heard if vote.member == reaction.member}
        # The button and the matching emoji are one vote: who takes back the one takes back the other.
        button = VoteSignal.MORE if value > 0 else VoteSignal.LESS
        if not reaction.on and button in theirs:
            changed |= await votes.put(tx, Vote(channel.id, paper_id, reaction.member, button, False, at))
        pressed = changed and not theirs.isdisjoint(BUTTONS)
        return _Applied(changed, (channel.id, paper_id) if pressed else None)


def _digest(reaction: Reaction) -> str:
    """A name for a reaction that its platform gives none, the same however often it is told."""
    return sha256(_REACTION.dump_json(reaction)).hexdigest()


def _body(reaction: Reaction) -> dict[str, Any]:
    return dict(_REACTION.dump_python(reaction, mode="json"))


async def _by_paper(tx: AsyncConnection, channel_id: int) -> list[list[_PaperSlot]]:
    """Where each of a channel's papers stands on its platform: papers that were merged stand in several places."""
    found: defaultdict[str, list[_PaperSlot]] = defaultdict(list)
    listed = await exposures.by_number(tx, channel_id)
    for post in await deliveries.posts_in_channel(tx, channel_id, [PostState.SENT]):
        for slot in await _paper_slots(tx, post, listed) if post.message else ():
            found[slot.paper_id].append(slot)
    return list(found.values())


async def _paper_slots(
    tx: AsyncConnection, post: Post, listed: Mapping[tuple[int, int], str] | None = None
) -> list[_PaperSlot]:
    """The papers that stand on a message. If two messages turned out to show one paper, the paper that both were merged
    into. `listed` are the channel's papers by (post id, number), where the caller has read them already."""
    if post.paper_id:
        return [_PaperSlot(post.paper_id, 0, post)]
    if post.body.get("numbered"):
        names = [(number, line["paper_id"]) for number, line in enumerate(post.body["lines"], 1)]
    else:
        names = [(0, post.body["card"]["paper_id"])] if post.body.get("card") else []
    if names and listed is None:
        listed = await exposures.by_number(tx, post.channel_id, post.id)
    slots = []
    for number, name in names:
        if paper_id := (listed or {}).get((post.id, number)) or await papers.resolve(tx, name):
            slots.append(_PaperSlot(paper_id, number, post))
    return slots
