"""Recording reactions: each counts once, however often, however late and in whatever order its events arrive.

An event with an id is processed in the transaction that records its id; then the platform gets its acknowledgement. An
event that could not be processed is kept whole, and tried again at the next start.

A reaction may arrive before the bot knows the id of its message: the platform answers late, or the answer was lost.
Such an early reaction is kept in the inbox, and counts as soon as the post's state is known.
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
from bot.jobs.tasks import cancel_all
from bot.model.messages import SUPER_REACTION_SUFFIX, Place, Reaction
from bot.model.number_emoji import number_of
from bot.ports.platform import AccessLost, Clock, NotAccepted, Platform, PlatformError, Rejected, Sleep, WorkspaceLost
from bot.store import channels, deliveries, exposures, inbox, papers, read_backs, votes
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.deliveries import Post
from bot.store.errors import StoreError
from bot.store.votes import Vote, VoteSignal

log = structlog.get_logger(__name__)
_REACTION = TypeAdapter(Reaction)
_CLOCKS_DIFFER = timedelta(minutes=5)
_TRIES = 5
_WORKSPACES_AT_ONCE = 5
_WORKSPACES_MARKED = 1_000
"""Workspaces whose channels are marked in one transaction."""
_FAILURES_IN_A_ROW = 3
_REMEMBERED = timedelta(days=2)
"""How long an event's id is kept: platforms repeat an event for a day at most."""
_GIVEN_UP = timedelta(days=30)
"""How long an event that could not be processed is kept with its body, so that the operator can look into it."""
_Answer = tuple[datetime, list[tuple[str, str]]]
"""When a platform was asked for a message's reactions, and the (member, emoji) pairs of its answer."""
_MOST_EARLY = 1_000
"""Early reactions kept for one channel. The daily resync finds any others."""
_FIRST_WAIT_SECONDS = 5.0
"""Wait before the reactions on a message are read again after a failure; each further wait is twice as long."""


@dataclass(frozen=True, slots=True)
class _PaperSlot:
    """Where a paper stands: a message that is its card (number 0), or its number on a message of several papers."""

    paper_id: str
    number: int
    post: Post

    def signal_for(self, emoji: str) -> str | None:
        """The signal that an emoji on the message is for this paper; None if it does not refer to the paper."""
        if not is_emoji(emoji):
            return None
        if self.number:
            number = VoteSignal.SUPER_NUMBER if emoji.endswith(SUPER_REACTION_SUFFIX) else VoteSignal.NUMBER
            return number if number_of(emoji) == self.number else None
        return emoji


@dataclass(frozen=True, slots=True)
class _Applied:
    """The result of one reaction: whether a vote changed. `outdated` is the (channel id, paper id) whose button counts
    must be refreshed. `early` is the channel's id if the message may be a post whose id is not known yet."""

    changed: bool = False
    outdated: tuple[int, str] | None = None
    early: int | None = None


@dataclass(frozen=True, slots=True)
class Resync:
    """The result of a resync: how many votes changed, and the channels whose reactions could not all be read."""

    changes: int = 0
    unread: frozenset[int] = frozenset()


class ReactionRecorder:
    """Records reactions, from events and as read back from a platform, which has `timeout` seconds to answer for one
    message and may ask to wait. `refresh_tally` is called with the (channel id, paper id) whose button counts an emoji
    has changed."""

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
        self._early: defaultdict[int, dict[tuple[str, str], None]] = defaultdict(dict)
        self._resyncing = set[asyncio.Task[None]]()

    async def react(self, reaction: Reaction, event_id: str | None = None) -> bool:
        """Record one reaction, exactly once per event id; True when a vote changed."""
        platform, inbox_id = reaction.place.platform, event_id or f"early {_digest(reaction)}"
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
                        await inbox.receive(tx, platform, inbox_id, _body(reaction), now, member)
                    self._early[applied.early][platform, inbox_id] = None
        except StoreError:
            raise
        except Exception as error:
            if event_id is None:
                raise
            if await self.receive(reaction, event_id):
                await self._record_failure(platform, event_id, error)
            return False
        if applied.early:  # the post's id may have become known meanwhile
            return await self._process_early(applied.early, platform, inbox_id)
        return self._publish(applied)

    async def receive(self, reaction: Reaction, event_id: str) -> bool:
        """Record the event to be processed later; once this returns, it may be acknowledged. False for a repeated
        event."""
        async with self._store.write() as tx:
            platform, now = reaction.place.platform, self._clock()
            return await inbox.receive(tx, platform, event_id, _body(reaction), now, reaction.member)

    async def replay(self, *, untried: bool = False) -> int:
        """Process the events that this process or another one recorded and did not finish; how many there were. With
        `untried`, those that failed before are left to the next start.

        Early reactions are among the events. They are processed here when another process delivered their post.
        """
        async with self._store.read() as tx:
            events = await inbox.unfinished(tx, untried=untried)
        for platform, event_id, body in events:
            await self._process(platform, event_id, body)
        return len(events)

    async def settled(self, channel_id: int) -> None:
        """The state of a post in a channel is known now: process the channel's early reactions. One that fails is kept,
        and tried again with the channel's next post or at the next start."""
        try:
            for platform, event_id in list(self._early.get(channel_id, ())):
                await self._process_early(channel_id, platform, event_id)
        except StoreError as error:
            log.error("Early reactions could not be recorded; they are tried again.", why=str(error))

    def confirmed_late(self, platform: Platform, channel: Channel, post: Post) -> None:
        """A post's id became known late, so reactions on it may have been ignored: read them soon."""
        if platform.capabilities.reads_reactions:
            task = asyncio.create_task(self._resync_late(platform, channel.place, post))
            self._resyncing.add(task)
            task.add_done_callback(self._resyncing.discard)

    async def wait_for_resyncs(self) -> None:
        """Wait until the reactions are read on every message whose id became known late."""
        await asyncio.gather(*self._resyncing)

    async def stop(self) -> None:
        """Cancel the running reads; the next day's resync reads these reactions back."""
        await cancel_all(self._resyncing)

    async def _resync_late(self, platform: Platform, place: Place, post: Post) -> None:
        """Read the reactions on one message, with retries, and refresh its button counts."""
        try:
            async with self._store.read() as tx:
                slots = await _paper_slots(tx, post)
                votes_by_paper = {
                    slot.paper_id: await votes.for_paper(tx, post.channel_id, slot.paper_id) for slot in slots
                }
            for paper_id, paper_votes in votes_by_paper.items():
                if any(vote.signal in BUTTONS for vote in paper_votes):
                    self._refresh_tally(post.channel_id, paper_id)
            for number in range(_TRIES):
                if await self.resync_message(platform, place, post.message or ""):
                    return
                await self._sleep(_FIRST_WAIT_SECONDS * 2.0**number)
            async with self._store.write() as tx:
                await read_backs.request_of_channel(tx, post.channel_id, self._clock())
        except Exception:
            log.exception(
                "The reactions on a message could not be read; the daily resync reads them.", channel=post.channel_id
            )

    async def purge(self) -> None:
        """Delete the events that no platform repeats any more."""
        now, has_more = self._clock(), True
        while has_more:
            async with self._store.write() as tx:
                has_more = await inbox.purge(tx, now - _REMEMBERED, now - _GIVEN_UP)

    async def request_resync(self, platform: str, among: Callable[[str], bool] | None = None) -> None:
        """Have the reactions of a platform's channels read back soon, since events may never have arrived: in the
        workspaces for which `among` is true, or in all."""
        async with self._store.read() as tx:
            workspaces = await channels.workspaces(tx, platform)
        wanted = [name for name in workspaces if among is None or among(name)]
        for start in range(0, len(wanted), _WORKSPACES_MARKED):
            async with self._store.write() as tx:
                some = wanted[start : start + _WORKSPACES_MARKED]
                await read_backs.request(tx, platform, some, self._clock())

    async def resync_message(self, platform: Platform, place: Place, message: str) -> bool:
        """Compare the reactions on one message with the votes on its papers; False if they could not be read. Nothing
        is read for a message that is gone."""
        async with self._store.read() as tx:
            channel = await channels.find(tx, place)
            post = await deliveries.post_by_message(tx, channel.id, message) if channel else None
            by_paper = await _by_paper(tx, channel.id, [post]) if channel and post else []
        answers: dict[int, _Answer] = {}
        for slots in by_paper if channel else ():
            assert channel is not None
            try:
                await self._compare(platform, channel, slots, answers)
            except Rejected:
                continue
            except (PlatformError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
                log.warning("Reactions could not be read back.", channel=channel.id, why=reason)
                return False
        return True

    async def resync(self, platform: Platform, since: Mapping[Channel, datetime]) -> Resync:
        """Compare the votes on the posts of channels, sent since a moment of each, with the reactions on the platform.

        This recovers reactions whose events did not arrive, on platforms that can report them. No workspace waits for
        another.
        """
        workspaces: defaultdict[str, list[Channel]] = defaultdict(list)
        for channel in since:
            workspaces[channel.place.workspace].append(channel)
        gate = asyncio.Semaphore(_WORKSPACES_AT_ONCE)

        async def read(some: Sequence[Channel]) -> Resync:
            async with gate:
                return await self._read_workspace(platform, {channel: since[channel] for channel in some})

        outcomes = await asyncio.gather(*map(read, workspaces.values()), return_exceptions=True)
        result = Resync()
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            result = Resync(result.changes + outcome.changes, result.unread | outcome.unread)
        return result

    async def _read_workspace(self, platform: Platform, since: Mapping[Channel, datetime]) -> Resync:
        """Compare the channels of one workspace, one after the other; after some failures in a row a channel is
        skipped."""
        changes, unread = 0, set[int]()
        for channel, moment in since.items():
            failures = 0
            async with self._store.read() as tx:
                by_paper = await _by_paper(tx, channel.id, await deliveries.sent_after(tx, channel.id, moment))
            answers: dict[int, _Answer] = {}
            for slots in by_paper:
                try:
                    changes += await self._compare(platform, channel, slots, answers)
                    failures = 0
                except StoreError:
                    raise
                except WorkspaceLost as error:
                    async with self._store.write() as tx:
                        await channels.lose_all(tx, channel.place.platform, channel.place.workspace, str(error))
                    return Resync(changes, frozenset(unread))
                except AccessLost:
                    break  # the delivery worker finds out, and tells the owner once
                except Rejected as error:  # a deleted message, which tells nothing about the others
                    log.debug("A post's reactions can't be read back.", channel=channel.id, why=str(error))
                except Exception as error:
                    reason = str(error) or type(error).__name__
                    log.warning("Reactions could not be read back.", channel=channel.id, why=reason)
                    unread.add(channel.id)
                    failures += 1
                    if failures == _FAILURES_IN_A_ROW:
                        break
        return Resync(changes, frozenset(unread))

    async def _compare(
        self, platform: Platform, channel: Channel, slots: Sequence[_PaperSlot], answers: dict[int, _Answer]
    ) -> int:
        """Compare the reactions on all messages of one paper with its votes; how many votes changed. `answers` caches
        the platform's answer for each post, for the other papers on it."""
        on_platform = set[tuple[str, str]]()
        for slot in slots:
            if slot.post.id not in answers:
                asked_at = self._clock()
                answers[slot.post.id] = asked_at, await self._reactions_on(platform, channel, slot.post.message or "")
            pairs = ((member, slot.signal_for(emoji)) for member, emoji in answers[slot.post.id][1])
            on_platform.update((member, signal) for member, signal in pairs if signal)
        asked_at = min(answers[slot.post.id][0] for slot in slots)
        async with self._store.write() as tx:
            paper_id: str | None = slots[0].paper_id
            if await papers.get(tx, slots[0].paper_id) is None:  # it turned out to be another one since
                paper_id = await papers.resolve(tx, slots[0].paper_id)
            if paper_id is None:
                return 0
            stored_votes = {(vote.member, vote.signal) for vote in await votes.for_paper(tx, channel.id, paper_id)}
            by_button = {member for member, signal in stored_votes if signal in BUTTONS}
            changes, outdated = 0, False
            for member, signal in sorted(on_platform ^ stored_votes):
                if (member, signal) in on_platform or on_message(signal):
                    on = (member, signal) in on_platform
                    changes += await votes.put(tx, Vote(channel.id, paper_id, member, signal, on, asked_at))
                    outdated |= member in by_button
        if outdated:
            self._refresh_tally(channel.id, paper_id)
        return changes

    async def _reactions_on(self, platform: Platform, channel: Channel, message: str) -> list[tuple[str, str]]:
        """The reactions on a message. If the platform says when to ask again, it is asked again then."""
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
        """Process an early reaction; it is kept if it is still early. Whether a vote changed."""
        async with self._store.read() as tx:
            body = await inbox.waiting(tx, platform, event_id)
        self._early[channel_id].pop((platform, event_id), None)
        if not self._early[channel_id]:
            del self._early[channel_id]
        return body is not None and await self._process(platform, event_id, body)

    def _publish(self, applied: _Applied) -> bool:
        """After the commit: have the button counts refreshed. Whether a vote changed."""
        if applied.outdated:
            self._refresh_tally(*applied.outdated)
        return applied.changed

    async def _record_failure(self, platform: str, event_id: str, error: Exception) -> None:
        log.exception("A reaction could not be recorded; it is tried again at the next start.", event_id=event_id)
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
        vote_on = next(((slot.paper_id, signal) for slot in slots if (signal := slot.signal_for(reaction.emoji))), None)
        if vote_on is None:
            return _Applied()
        paper_id, signal = vote_on
        now = self._clock()
        # The clocks of two processes may differ by minutes. A platform's clock that is further ahead must not make a
        # vote that no later event can take back.
        at = reaction.at if reaction.at <= now + _CLOCKS_DIFFER else now
        changed = await votes.put(tx, Vote(channel.id, paper_id, reaction.member, signal, reaction.on, at))
        value = self._emoji.value(signal)
        if not value:
            return _Applied(changed)
        standing_votes = await votes.for_paper(tx, channel.id, paper_id)
        member_signals = {vote.signal for vote in standing_votes if vote.member == reaction.member}
        # The button and the matching emoji are one vote: taking back one of them takes back both.
        button = VoteSignal.MORE if value > 0 else VoteSignal.LESS
        if not reaction.on and button in member_signals:
            changed |= await votes.put(tx, Vote(channel.id, paper_id, reaction.member, button, False, at))
        outdated = changed and not member_signals.isdisjoint(BUTTONS)
        return _Applied(changed, (channel.id, paper_id) if outdated else None)


def _digest(reaction: Reaction) -> str:
    """An id for a reaction whose event has none, the same each time that the event arrives."""
    return sha256(_REACTION.dump_json(reaction)).hexdigest()


def _body(reaction: Reaction) -> dict[str, Any]:
    return dict(_REACTION.dump_python(reaction, mode="json"))


async def _by_paper(tx: AsyncConnection, channel_id: int, posts: Sequence[Post]) -> list[list[_PaperSlot]]:
    """Where each of the papers on some posts of a channel stands on its platform. A paper that others were merged into
    stands on further posts too."""
    recent_slots = await _slots_by_paper(tx, posts)
    if not recent_slots:
        return []
    others = {post.id: post for post in await deliveries.posts_about(tx, channel_id, list(recent_slots))}
    others |= {post.id: post for post in await deliveries.posts_of_merged(tx, channel_id)}
    every = {post.id: post for post in posts if post.message} | others
    ordered = sorted(every.values(), key=lambda post: (post.delivery_id, post.position))
    return [slots for paper_id, slots in (await _slots_by_paper(tx, ordered)).items() if paper_id in recent_slots]


async def _slots_by_paper(tx: AsyncConnection, posts: Sequence[Post]) -> dict[str, list[_PaperSlot]]:
    slots_by_paper: defaultdict[str, list[_PaperSlot]] = defaultdict(list)
    ids_by_number = await exposures.numbers_on(tx, [post.id for post in posts])
    for post in posts:
        for slot in await _paper_slots(tx, post, ids_by_number) if post.message else ():
            slots_by_paper[slot.paper_id].append(slot)
    return slots_by_paper


async def _paper_slots(
    tx: AsyncConnection, post: Post, ids_by_number: Mapping[tuple[int, int], str] | None = None
) -> list[_PaperSlot]:
    """The papers that stand on a message. If two messages turned out to show one paper, the paper that both were merged
    into. `ids_by_number` are the channel's papers by (post id, number), where the caller has read them already."""
    if post.paper_id:
        return [_PaperSlot(post.paper_id, 0, post)]
    if post.body.get("numbered"):
        entries = [(number, line["paper_id"]) for number, line in enumerate(post.body["lines"], 1)]
    else:
        entries = [(0, post.body["card"]["paper_id"])] if post.body.get("card") else []
    if entries and ids_by_number is None:
        ids_by_number = await exposures.by_number(tx, post.channel_id, post.id)
    slots = []
    for number, entry_id in entries:
        if paper_id := (ids_by_number or {}).get((post.id, number)) or await papers.resolve(tx, entry_id):
            slots.append(_PaperSlot(paper_id, number, post))
    return slots
