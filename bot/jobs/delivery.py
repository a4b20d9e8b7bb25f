"""The delivery worker: sends planned posts to their platforms, each exactly once, and recovers after a crash.

A post is marked `sending` and committed before the request leaves, and `sent` after its id has come back. A crash in
between leaves a row that says so: nothing is sent again before the platform was asked (see `store.states`).

One process at a time delivers to a channel: the one that holds its lease (see `store.leases`). So a post that is
`sending` when a process begins with a channel was left behind by one that died, or that lost its lease.

A request whose answer never came may still be carried out, and the platform may show the message later still. So a
post counts as lost only when it was looked for, and not found, at least `RetryPolicy.settled_after` after the last try
to send it began.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.contextvars import bind_contextvars, unbind_contextvars

from bot import metrics
from bot.jobs import post_updates
from bot.jobs.post_updates import Changes
from bot.jobs.reactions import ReactionRecorder
from bot.jobs.tasks import cancel_all
from bot.model.codec import load_message
from bot.model.messages import PlaceKind
from bot.ports.platform import (
    AccessLost,
    Clock,
    NotAccepted,
    Paced,
    Platform,
    Rejected,
    WorkspaceLost,
)
from bot.store import channels, deliveries
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.deliveries import Post
from bot.store.leases import Leases, channel_lease, channel_leases
from bot.store.papers import PRIVATE_PREFIX
from bot.store.states import POST_MOVES, ChannelState, DeliveryKind, PostState

log = structlog.get_logger(__name__)
_FIRST_WAIT_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 900.0
_LONGER_EACH_TIME = 0.5
"""The wait before the next lookup of a post, as a share of the time since the last attempt to send it."""
_LATE_SECONDS = 5.0
"""Seconds after which the answer to a send counts as late: the reactions on that message are then read back."""
_LONG_AGO_SECONDS = 86_400.0
"""Longer than any chat platform knows the key of a message."""
_CHANNELS_AT_ONCE = 10
"""Channels of one workspace that are delivered to at a time; no workspace waits for another."""
_STEPS_AT_ONCE_ON_SQLITE, _STEPS_AT_ONCE = 1, 10
"""Transactions of deliveries at a time. With more of them, a digest for hundreds of channels would keep members who
ask or vote waiting."""
_UNDER_WAY = (PostState.PLANNED, PostState.SENDING, PostState.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one post is tried. `attempts`: sends that the platform may refuse for now. `timeout`:
    seconds for one send. `grace`: how late a post may be sent.

    A refusal that says when to try again uses up no attempt. `margin` is how many seconds after `timeout` a message may
    still appear.
    """

    attempts: int = 5
    timeout: float = 30.0
    grace: timedelta = timedelta(hours=12)
    margin: float = 90.0

    @property
    def settled_after(self) -> float:
        """Seconds after the start of a send after which a message that is not there will not appear any more."""
        return self.timeout + self.margin


@dataclass(frozen=True, slots=True)
class _Tries:
    """When the first and the last send began that may have posted a message, and the last send before that. In seconds
    of the steady clock."""

    first: float
    last: float
    before: float = 0.0


class _Next(Enum):
    """What to do after a step with a post."""

    GO_ON = auto()  # with the next post: this one has come to its end
    LOOK_AGAIN = auto()  # there is more to do now, perhaps with the same post
    STOP = auto()  # the later posts of the channel wait


class DeliveryWorker:
    """Sends the posts that are planned in the store, over the given platforms (by name).

    `clock` is the time of day, which may be set while the bot runs. `seconds` only runs forward: it
    measures how long ago a send of this process began.
    """

    def __init__(
        self,
        store: Store,
        platforms: Mapping[str, Platform],
        clock: Clock,
        retry_policy: RetryPolicy,
        leases: Leases,
        seconds: Callable[[], float] = time.monotonic,
        reactions: ReactionRecorder | None = None,
    ) -> None:
        self.platforms, self._leases, self._reactions = platforms, leases, reactions
        self._store, self._clock, self._policy, self._seconds = store, clock, retry_policy, seconds
        self._tries: dict[int, _Tries] = {}
        self._busy: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gates: defaultdict[tuple[str, str], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(_CHANNELS_AT_ONCE)
        )
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._steps = asyncio.Semaphore(_STEPS_AT_ONCE_ON_SQLITE if store.is_sqlite else _STEPS_AT_ONCE)
        self._is_finishing = False

    async def waiting(self, among: Collection[int] | None = None) -> list[tuple[int, str, str]]:
        """(id, platform, workspace) of the channels with posts whose time has come; of all, or `among` some."""
        async with self._store.read() as tx:
            return await deliveries.channels_to_deliver(tx, self._clock(), list(self.platforms), _UNDER_WAY, among)

    async def due(self) -> list[str]:
        """The ids of the channels with posts whose time has come."""
        return [str(channel_id) for channel_id, _, _ in await self.waiting()]

    async def due_at_once(self) -> list[str]:
        """Those of them with papers that a member submitted, or that a topic asked to be alerted of."""
        kinds = DeliveryKind.SUBMISSION, DeliveryKind.ALERT
        names = list(self.platforms)
        async with self._store.read() as tx:
            rows = await deliveries.channels_to_deliver(tx, self._clock(), names, _UNDER_WAY, kinds=kinds)
        return [str(channel_id) for channel_id, _, _ in rows]

    async def begin(self, among: Collection[int] | None = None) -> None:
        """Start delivery to every channel that has due posts and no delivery running, without waiting for any. With
        `among`, only to some channels."""
        for channel_id, platform, workspace in await self.waiting(among):
            if channel_id not in self._under_way:
                delivery = self._deliver_one(channel_id, self._gates[platform, workspace])
                self._under_way[channel_id] = asyncio.create_task(delivery)

    async def deliver_all(self) -> None:
        """Deliver every channel's posts whose time has come, and wait until that is done, and until the reactions on
        posts that were confirmed late are read."""
        await asyncio.gather(*self._under_way.values())
        await self.begin()
        await asyncio.gather(*self._under_way.values())
        if self._reactions:
            await self._reactions.wait_for_resyncs()

    async def deliver_channels(self, channel_ids: Sequence[int]) -> None:
        """Deliver the posts of these channels whose time has come, and wait until that is done. A channel of another
        process is left to that one."""
        async with self._leases.holding(*channel_leases(channel_ids)):
            await self.begin(channel_ids)
            under_way = (self._under_way.get(channel_id) for channel_id in channel_ids)
            await asyncio.gather(*filter(None, under_way))

    async def finish(self) -> None:
        """Begin no further send, and return once those under way have ended."""
        self._is_finishing = True
        await asyncio.gather(*self._under_way.values())

    async def stop(self) -> None:
        """Cancel the running deliveries. A post that was being sent is looked up at the next start."""
        await cancel_all(self._under_way.values())

    async def _deliver_one(self, channel_id: int, gate: asyncio.Semaphore) -> None:
        try:
            async with gate:
                await self.deliver(channel_id)
        except Exception:
            log.exception("A channel's delivery failed; it is tried again.")
        finally:
            del self._under_way[channel_id]

    async def deliver(self, channel_id: int) -> None:
        """Deliver one channel's posts in their order, until one has to wait. A channel that another process delivers to
        is left to that one."""
        async with self._busy[channel_id], self._leases.holding(channel_lease(channel_id)) as held:
            while held and await self._deliver_waiting(channel_id):
                pass

    async def _deliver_waiting(self, channel_id: int) -> bool:
        """Move the posts on that wait in a channel now. Whether to look for more.

        The key of a post stands in the log lines of its steps, also in those of the platform. The message on the
        platform carries the same key.
        """
        bind_contextvars(channel=channel_id)
        unbind_contextvars("post", "paper")
        async with self._steps, self._store.read() as tx:
            channel = await channels.get(tx, channel_id)
            posts = await deliveries.posts_in_channel(tx, channel_id, _UNDER_WAY)
            changes = await post_updates.since_planning(tx, [post for post in posts if post.state is PostState.PLANNED])
        if channel is None or channel.state is ChannelState.LOST:
            return False
        for post in posts:
            if self._is_finishing:
                return False
            bind_contextvars(post=post.key, paper=post.paper_id)
            outcome = await self._step(channel, post, changes.get(post.id))
            if outcome is not _Next.GO_ON:
                return outcome is _Next.LOOK_AGAIN
        return False

    async def _step(self, channel: Channel, post: Post, changes: Changes | None) -> _Next:
        """Move a post one state on."""
        platform, now = self.platforms[channel.place.platform], self._clock()
        if post.state is PostState.SENDING:
            # This process holds the channel's lease and its lock: whoever began this send is gone.
            return await self._move(post, PostState.UNCERTAIN, reason="the bot stopped while sending")
        if post.not_before > now:
            return _Next.STOP
        if post.state is PostState.UNCERTAIN:
            return await self._resolve_uncertain(platform, channel, post)
        if now - post.planned_at > self._policy.grace:
            return await self._move(post, PostState.DROPPED, reason="too late to be news")
        if changes and changes.drops:
            return await self._move(post, PostState.DROPPED, reason=post_updates.WITHDRAWN)
        current = await post_updates.applied(post, changes) if changes else post
        return await self._send(platform, channel, current, is_rewritten=current is not post)

    async def _send(self, platform: Platform, channel: Channel, post: Post, *, is_rewritten: bool = False) -> _Next:
        """Send a post. An uncertain post is sent again only if its key makes that safe. The text of a rewritten one is
        stored first."""
        try:
            message = load_message(post.body)
        except ValidationError:
            log.error("The stored text of a post can't be read.")
            final = PostState.DROPPED if post.state is PostState.PLANNED else PostState.FAILED
            return await self._move(post, final, reason="its text can't be read")
        previous, begun_at = post, self._clock()
        # If an earlier send may have posted the message, the time of that first send is kept.
        first_begun_at = previous.sending_at if previous.state is PostState.UNCERTAIN else None
        attempts, first_at = post.attempts + 1, first_begun_at or begun_at
        begun: dict[str, object] = {"attempts": attempts, "sending_at": first_at, "tried_at": begun_at}
        if is_rewritten:
            begun["body"] = post.body
        if isinstance(platform, Paced):
            await platform.turn(channel.place)
        if self._is_finishing or not self._may_send(channel):
            return _Next.STOP
        if await self._move(post, PostState.SENDING, **begun) is _Next.STOP:
            return _Next.STOP
        post = replace(post, state=PostState.SENDING, attempts=attempts, sending_at=first_at, tried_at=begun_at)
        tries, now = self._tries.get(post.id), self._seconds()
        self._tries[post.id] = _Tries(tries.first, now, tries.last) if tries and first_begun_at else _Tries(now, now)
        # In a forum all messages of a day stand in one forum post; a message that can't go there opens no post of its
        # own.
        in_forum = channel.place.kind is PlaceKind.FORUM
        if post.threaded:
            async with self._steps, self._store.read() as tx:
                message = replace(message, thread=await _thread(tx, post))
            if not message.thread and in_forum:
                return await self._move(post, PostState.FAILED, reason="the day's post in the forum was refused")
        if not self._may_send(channel):  # the process was paused since it marked the post
            await self._not_sent(previous, post, "another process delivers to this channel")
            return _Next.STOP
        try:
            async with asyncio.timeout(platform.capabilities.send_seconds or self._policy.timeout):
                message_id = await platform.send(channel.place, message, post.key)
        except NotAccepted as error:
            return await self._reschedule(previous, post, str(error), error.retry_after)
        except Rejected as error:
            log.warning("A post was refused.", why=str(error))
            if previous.state is PostState.UNCERTAIN:  # an earlier send may have posted it
                return await self._reschedule(previous, post, str(error), 0.0)
            if message.thread and not in_forum:  # the thread may be gone while the channel is still there
                return await self._not_sent(previous, post, str(error), threaded=False)
            return await self._move(post, PostState.FAILED, reason=str(error))
        except AccessLost as error:
            await self._not_sent(previous, post, str(error))
            await self._mark_lost(platform, channel, error)
            return _Next.STOP
        except Exception as error:
            # After a time-out, a broken connection or an unexpected error, the message may or may not be posted.
            log.warning(
                "A post is uncertain: it is looked up, and the later posts of its channel wait.", why=_reason(error)
            )
            # The first time, look the post up at once. From the second attempt on, wait first (with back-off).
            wait = timedelta(seconds=self._wait(post) if post.attempts > 1 else 0.0)
            return await self._move(post, PostState.UNCERTAIN, reason=_reason(error), not_before=self._clock() + wait)
        late = previous.state is PostState.UNCERTAIN or self._ages(post)[1] > _LATE_SECONDS
        return await self._sent(platform, channel, post, message_id, self._clock(), late=late)

    async def _resolve_uncertain(self, platform: Platform, channel: Channel, post: Post) -> _Next:
        """Find out whether an uncertain post was posted, before any later post is sent."""
        tried_at, now = post.sending_at or post.planned_at, self._clock()
        too_late = now - post.planned_at > self._policy.grace
        first, last = self._ages(post)
        safe = first < _same_key_safe_for(platform, channel, post) and post.attempts < self._policy.attempts
        forgotten = post.paper_id is None and _is_private(post)
        if safe and not too_late and not forgotten:
            return await self._send(platform, channel, post)
        if not platform.capabilities.lookup:
            return await self._move(post, PostState.FAILED, reason="may have been posted, and can't be looked up")
        async with self._store.read() as tx:
            thread, previous = await _thread(tx, post), await deliveries.message_before(tx, post)
        try:
            async with asyncio.timeout(self._policy.timeout):
                message = await platform.find(channel.place, post.key, thread=thread, after=previous)
        except AccessLost as error:
            await self._mark_lost(platform, channel, error)
            return _Next.STOP
        except Exception as error:
            log.warning("An uncertain post can't be looked up yet.", why=_reason(error))
            retry_after = error.retry_after if isinstance(error, NotAccepted) else 0.0
            if too_late and not retry_after:  # the posts of later days wait behind this one
                reason = "may have been posted; nobody could say in time"
                return await self._move(post, PostState.FAILED, reason=reason)
            return await self._look_again(post, retry_after or min(_lookup_wait(last), _LONGEST_WAIT_SECONDS))
        seconds_left = self._policy.settled_after - last
        if message is None and seconds_left > 0:
            return await self._look_again(post, max(min(_lookup_wait(last), seconds_left), 1.0))
        if message is None:
            return await self._again(post, "looked for until it could not arrive any more, and not there")
        return await self._sent(platform, channel, post, message, tried_at, late=True)

    async def _sent(
        self, platform: Platform, channel: Channel, post: Post, message: str, at: datetime, *, late: bool
    ) -> _Next:
        """Record that a post stands on the platform as this message. If that was learned late, members may have reacted
        to it before its id was known, so that their reactions are still to be read."""
        outcome = await self._move(post, PostState.SENT, message=message, sent_at=at, reason="")
        if outcome is _Next.STOP:
            return outcome
        if late and self._reactions:
            self._reactions.confirmed_late(platform, channel, replace(post, state=PostState.SENT, message=message))
        if channel.state is ChannelState.ACTIVE and channel.state_reason:  # the channel was lost, and is back
            async with self._store.write() as tx:
                await channels.change_from(tx, channel.id, ChannelState.ACTIVE, state_reason="")
            return _Next.LOOK_AGAIN
        return outcome

    async def _look_again(self, post: Post, seconds: float) -> _Next:
        """Look an uncertain post up again in so many seconds; the later posts of its channel wait until then."""
        async with self._steps:
            await self._store.change(deliveries.postpone(post, self._clock() + timedelta(seconds=seconds)))
        return _Next.STOP

    async def _again(self, post: Post, reason: str) -> _Next:
        """Send a post again that surely was not posted, up to the number of attempts."""
        if post.attempts >= self._policy.attempts:
            return await self._give_up(post, reason)
        return await self._move(post, PostState.PLANNED, reason=reason, sending_at=None, tried_at=None)

    async def _reschedule(self, previous: Post, post: Post, reason: str, retry_after: float) -> _Next:
        """Try a post again later that the platform refused for now; the later posts of its channel wait. `retry_after`:
        the seconds that the platform named, 0 if it named none."""
        if not retry_after and post.attempts >= self._policy.attempts and previous.state is PostState.PLANNED:
            return await self._give_up(post, reason)
        later = self._clock() + timedelta(seconds=retry_after or self._wait(post))
        attempts = previous.attempts if retry_after else post.attempts
        await self._not_sent(previous, post, reason, not_before=later, attempts=attempts)
        return _Next.STOP

    async def _not_sent(self, previous: Post, post: Post, reason: str, **values: object) -> _Next:
        """This send surely posted nothing: the post gets back the state it had before. An earlier send of an uncertain
        post may still have posted it."""
        if previous.state is PostState.UNCERTAIN:
            tries = self._tries[post.id]
            self._tries[post.id] = _Tries(tries.first, tries.before)
            return await self._move(post, PostState.UNCERTAIN, reason=reason, tried_at=previous.tried_at, **values)
        return await self._move(post, PostState.PLANNED, reason=reason, sending_at=None, tried_at=None, **values)

    def _ages(self, post: Post) -> tuple[float, float]:
        """How many seconds ago the first and the last send of an uncertain post began.

        The sends of this process are measured by the steady clock. That clock stands still while the machine sleeps,
        and the platform may forget a key meanwhile: for the first send the longer of both clocks' times counts. The age
        of an earlier process's sends is not known, since the clock may have been set meanwhile: its first send counts
        as long ago, and its last one as begun when this process first read the post.
        """
        now = self._seconds()
        tries = self._tries.setdefault(post.id, _Tries(now - _LONG_AGO_SECONDS, now))
        by_wall = (self._clock() - post.sending_at).total_seconds() if post.sending_at else 0.0
        return max(now - tries.first, by_wall), now - tries.last

    async def _give_up(self, post: Post, reason: str) -> _Next:
        log.warning("A post has failed after its last attempt.", tries=post.attempts, why=reason)
        return await self._move(post, PostState.FAILED, reason=reason)

    @staticmethod
    def _wait(post: Post) -> float:
        return min(_FIRST_WAIT_SECONDS * 2.0 ** (post.attempts - 1), _LONGEST_WAIT_SECONDS)

    async def _mark_lost(self, platform: Platform, channel: Channel, error: AccessLost) -> None:
        reason, everywhere = str(error), isinstance(error, WorkspaceLost)
        scope = "all channels of a workspace" if everywhere else "a channel"
        log.warning(f"The bot has lost access to {scope}.", why=reason)
        async with self._store.write() as tx:
            now_lost = await channels.change_from(
                tx, channel.id, channel.state, state=ChannelState.LOST, state_reason=reason
            )
            if everywhere:
                await channels.lose_all(tx, channel.place.platform, channel.place.workspace, reason)
        owner_knows = channel.state is ChannelState.ACTIVE and channel.state_reason
        if now_lost and channel.owner and not everywhere and not owner_knows:
            name = channel.place.name or channel.place.address
            text = (
                f"I can no longer post in {name} ({reason}). Its settings and votes are kept: "
                "give me access again, and it goes on."
            )
            try:
                async with asyncio.timeout(self._policy.timeout):
                    await platform.tell(channel.place, channel.owner, text)
            except Exception as error:
                log.warning("The channel's owner could not be told.", why=_reason(error))

    def _may_send(self, channel: Channel) -> bool:
        """Whether this process surely holds the channel until a send that begins now has ended."""
        return self._leases.may_send(channel_lease(channel.id))

    async def _move(self, post: Post, to: PostState, **values: object) -> _Next:
        """Move a post to a state. STOP if another process moved it meanwhile."""
        async with self._steps:
            if to not in deliveries.UNSETTLED and _is_private(post):
                async with self._store.write() as tx:
                    if moved := await deliveries.move(tx, post, to, **values):
                        await deliveries.withdraw_if_forgotten(tx, post.id)
            else:
                moved = bool(await self._store.change(deliveries.move_statement(post, to, **values)))
        if moved and not POST_MOVES[to]:
            metrics.POSTS.labels(to).inc()
        if to not in deliveries.UNSETTLED:
            self._tries.pop(post.id, None)
            if self._reactions:
                await self._reactions.settled(post.channel_id)
        if not moved:
            return _Next.STOP
        return _Next.LOOK_AGAIN if POST_MOVES[to] else _Next.GO_ON


def _is_private(post: Post) -> bool:
    """Whether a post is the card of a private paper, which its member may take back at any moment."""
    card = post.body.get("card")
    return isinstance(card, dict) and str(card.get("paper_id")).startswith(PRIVATE_PREFIX)


async def _thread(tx: AsyncConnection, post: Post) -> str:
    """The message in whose thread a post goes; "" for the channel itself, also if that message was never posted.

    Posts are sent in their order, so the state of the first message is final before the next one is sent.
    """
    return (await deliveries.first_post(tx, post.delivery_id)).message or "" if post.threaded else ""


def _same_key_safe_for(platform: Platform, channel: Channel, post: Post) -> float:
    """Seconds for which sending a post's key again makes no second message: 0 for a message that opens a forum post,
    since platforms ignore its key."""
    opens_forum_post = channel.place.kind is PlaceKind.FORUM and not post.threaded
    return 0.0 if opens_forum_post else platform.capabilities.idempotent_for


def _lookup_wait(seconds: float) -> float:
    """Seconds to wait before the next lookup of a post whose last send began so many seconds ago."""
    return max(_FIRST_WAIT_SECONDS, seconds * _LONGER_EACH_TIME)


def _reason(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
