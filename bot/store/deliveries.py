"""Deliveries and their posts. They are planned as rows first, then each post is sent once; `states` has the states."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.sets import by_channel, is_any
from bot.store.states import POST_MOVES, ChannelState, DeliveryKind, DeliveryState, ImpossibleMove, PostState
from bot.store.tables import channels, deliveries, numbers, papers, posts


@dataclass(frozen=True, slots=True)
class Delivery:
    """A digest, alert or submission of a channel. `subject` is the id of the paper that an alert or a submission begins
    with, "" for a digest."""

    id: int
    channel_id: int
    local_date: date
    kind: DeliveryKind
    subject: str
    due_at: datetime
    state: DeliveryState
    reason: str
    planned_at: datetime
    papers_revision: int


@dataclass(frozen=True, slots=True)
class Post:
    """A message of a delivery. `message` is its id on the platform, once that is known.

    While it is not known whether it was posted, `sending_at` is the first moment at which it may have been, and
    `tried_at` the time at which the last try to send it began.
    """

    id: int
    delivery_id: int
    channel_id: int
    paper_id: str | None
    position: int
    key: str
    state: PostState
    reason: str
    body: dict[str, Any]
    attempts: int
    message: str | None
    planned_at: datetime
    not_before: datetime
    sending_at: datetime | None
    sent_at: datetime | None
    threaded: bool
    glance: bool
    tried_at: datetime | None


WITHDRAWN = "Whoever gave this paper has taken it back."
"""The reason of a dropped card whose private paper was deleted."""
UNSETTLED = (PostState.SENDING, PostState.UNCERTAIN)
"""The states of a post that may have been posted, under an id that is not known yet."""

_BY_MESSAGE = sa.select(posts).where(
    posts.c.channel_id == sa.bindparam("channel"), posts.c.message == sa.bindparam("message")
)
_NEXT = (
    sa.select(posts)
    .where(posts.c.channel_id == sa.bindparam("channel"), posts.c.state.in_(sa.bindparam("states", expanding=True)))
    .order_by(posts.c.delivery_id, posts.c.position)
    .limit(1)
)


async def days_of(
    tx: AsyncConnection, channel_ids: Collection[int], kind: DeliveryKind, since: date
) -> dict[int, set[date]]:
    """The local days, from one on, for which each channel has a delivery of this kind."""
    of_kind = deliveries.c.kind == kind, deliveries.c.local_date >= since
    query = sa.select(deliveries.c.channel_id, deliveries.c.local_date).where(*of_kind)
    rows = await tx.execute(query.where(is_any(tx, deliveries.c.channel_id, channel_ids)))
    return {channel_id: set(days) for channel_id, days in by_channel(channel_ids, rows, _local_date).items()}


async def clear_missed(tx: AsyncConnection, channel_id: int, now: datetime) -> None:
    """Delete the missed digests that a clock ahead of time recorded: their hours are still to come."""
    await tx.execute(
        sa.delete(deliveries).where(
            deliveries.c.channel_id == channel_id,
            deliveries.c.state == DeliveryState.MISSED,
            deliveries.c.due_at > now,
        )
    )


async def find(
    tx: AsyncConnection, channel_id: int, local_date: date, kind: DeliveryKind, subject: str = ""
) -> Delivery | None:
    """The channel's delivery of this kind, and about this subject, on this local day."""
    row = (
        await tx.execute(
            sa.select(deliveries).where(
                deliveries.c.channel_id == channel_id,
                deliveries.c.local_date == local_date,
                deliveries.c.kind == kind,
                deliveries.c.subject == subject,
            )
        )
    ).one_or_none()
    return delivery_of(row) if row else None


async def for_channel(tx: AsyncConnection, channel_id: int) -> list[Delivery]:
    """Every delivery of a channel, the oldest first."""
    rows = await tx.execute(
        sa.select(deliveries).where(deliveries.c.channel_id == channel_id).order_by(deliveries.c.due_at)
    )
    return [delivery_of(row) for row in rows]


async def days(tx: AsyncConnection, channel_id: int, limit: int, offset: int = 0) -> list[date]:
    """The local days on which a channel had any delivery, the latest first."""
    query = sa.select(deliveries.c.local_date).distinct().where(deliveries.c.channel_id == channel_id)
    rows = await tx.execute(query.order_by(deliveries.c.local_date.desc()).limit(limit).offset(offset))
    return list(rows.scalars())


async def on_days(tx: AsyncConnection, channel_id: int, local_days: Collection[date]) -> list[Delivery]:
    """The deliveries of a channel on some local days, the oldest first."""
    of_days = deliveries.c.channel_id == channel_id, deliveries.c.local_date.in_(local_days)
    rows = await tx.execute(sa.select(deliveries).where(*of_days).order_by(deliveries.c.due_at, deliveries.c.id))
    return [delivery_of(row) for row in rows]


async def latest(tx: AsyncConnection, channel_id: int, kind: DeliveryKind) -> Delivery | None:
    """The channel's last delivery of this kind that was planned, or may have been given before a restore."""
    return (await latest_of_each(tx, [channel_id], kind)).get(channel_id)


async def latest_of_each(tx: AsyncConnection, channel_ids: Collection[int], kind: DeliveryKind) -> dict[int, Delivery]:
    """The last delivery of this kind, as `latest` gives it, of those of the channels that have one, by channel id."""
    last = (
        sa.select(sa.func.max(deliveries.c.id))
        .where(
            is_any(tx, deliveries.c.channel_id, channel_ids),
            deliveries.c.kind == kind,
            sa.or_(deliveries.c.state == DeliveryState.PLANNED, deliveries.c.papers_revision > 0),
        )
        .group_by(deliveries.c.channel_id)
    )
    rows = await tx.execute(sa.select(deliveries).where(deliveries.c.id.in_(last)))
    return {row.channel_id: delivery_of(row) for row in rows}


async def get_many(tx: AsyncConnection, delivery_ids: Collection[int]) -> list[Delivery]:
    """The deliveries with these ids."""
    rows = await tx.execute(sa.select(deliveries).where(deliveries.c.id.in_(delivery_ids)))
    return [delivery_of(row) for row in rows]


async def count_cards(tx: AsyncConnection, delivery_id: int) -> int:
    """The number of planned cards of a delivery whose papers are not withdrawn."""
    is_card = posts.c.delivery_id == delivery_id, posts.c.state == PostState.PLANNED, ~papers.c.withdrawn
    cards = sa.select(sa.func.count()).select_from(posts).join(papers, papers.c.id == posts.c.paper_id)
    return int((await tx.execute(cards.where(*is_card))).scalar_one())


async def first_post(tx: AsyncConnection, delivery_id: int) -> Post:
    """The first message of a delivery: threaded messages go in its thread."""
    first = sa.select(posts).where(posts.c.delivery_id == delivery_id).order_by(posts.c.position).limit(1)
    return _post((await tx.execute(first)).one())


async def posts_of_delivery(tx: AsyncConnection, delivery_id: int) -> list[Post]:
    """The messages of a delivery, in their order."""
    query = sa.select(posts).where(posts.c.delivery_id == delivery_id).order_by(posts.c.position)
    return [_post(row) for row in await tx.execute(query)]


async def posts_of_deliveries(tx: AsyncConnection, delivery_ids: Collection[int]) -> list[Post]:
    """The messages of several deliveries, in the order in which they appear."""
    query = sa.select(posts).where(posts.c.delivery_id.in_(delivery_ids))
    return [_post(row) for row in await tx.execute(query.order_by(posts.c.delivery_id, posts.c.position))]


async def posts_in_channel(
    tx: AsyncConnection, channel_id: int, states: Sequence[PostState] | None = None
) -> list[Post]:
    """The posts of a channel, in the order in which they appear."""
    query = sa.select(posts).where(posts.c.channel_id == channel_id).order_by(posts.c.delivery_id, posts.c.position)
    if states is not None:
        query = query.where(posts.c.state.in_(states))
    return [_post(row) for row in await tx.execute(query)]


async def sent_after(tx: AsyncConnection, channel_id: int, moment: datetime) -> list[Post]:
    """The posts of a channel that were sent after a moment, in the order in which they appear."""
    query = sa.select(posts).where(
        posts.c.channel_id == channel_id, posts.c.state == PostState.SENT, posts.c.sent_at > moment
    )
    return [_post(row) for row in await tx.execute(query.order_by(posts.c.delivery_id, posts.c.position))]


async def sent_before(
    tx: AsyncConnection, moment: datetime, after: tuple[datetime, int], limit: int
) -> list[tuple[datetime, int, dict[str, Any]]]:
    """(time, id, body) of the posts that were to be sent before a moment, and were, from the one `after` this time and
    id on."""
    beyond = sa.or_(posts.c.not_before > after[0], sa.and_(posts.c.not_before == after[0], posts.c.id > after[1]))
    query = (
        sa.select(posts.c.not_before, posts.c.id, posts.c.body)
        # The first two conditions name the range of the index.
        .where(posts.c.state == PostState.SENT, posts.c.not_before >= after[0], posts.c.not_before < moment, beyond)
        .order_by(posts.c.not_before, posts.c.id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in await tx.execute(query)]


async def put_bodies(tx: AsyncConnection, bodies: Mapping[int, dict[str, Any]]) -> None:
    """Replace the bodies of some sent posts, by id."""
    change = sa.update(posts).where(posts.c.id == sa.bindparam("post"), posts.c.state == PostState.SENT)
    rows = [{"post": post_id, "new": body} for post_id, body in bodies.items()]
    await tx.execute(change.values(body=sa.bindparam("new", type_=posts.c.body.type)), rows)


async def next_post(tx: AsyncConnection, channel_id: int, states: Sequence[PostState]) -> Post | None:
    """The first of a channel's posts in these states, in the order in which they appear."""
    row = (await tx.execute(_NEXT, {"channel": channel_id, "states": states})).one_or_none()
    return _post(row) if row else None


async def message_before(tx: AsyncConnection, post: Post) -> str:
    """The id of the last message that was posted in the channel before this post, "" where there is none. A channel's
    posts are sent in their order."""
    earlier = sa.or_(
        posts.c.delivery_id < post.delivery_id,
        sa.and_(posts.c.delivery_id == post.delivery_id, posts.c.position < post.position),
    )
    query = (
        sa.select(posts.c.message)
        .where(
            posts.c.channel_id == post.channel_id,
            posts.c.state == PostState.SENT,
            posts.c.message.is_not(None),
            earlier,
        )
        .order_by(posts.c.delivery_id.desc(), posts.c.position.desc())
        .limit(1)
    )
    return (await tx.execute(query)).scalar_one_or_none() or ""


async def post_by_message(tx: AsyncConnection, channel_id: int, message: str) -> Post | None:
    """The post that became this message on the platform."""
    row = (await tx.execute(_BY_MESSAGE, {"channel": channel_id, "message": message})).one_or_none()
    return _post(row) if row else None


async def posts_about(tx: AsyncConnection, channel_id: int, paper_ids: Collection[str]) -> list[Post]:
    """The messages in a channel that show any of these papers, on a card or by number."""
    by_number = sa.select(numbers.c.post_id).where(
        numbers.c.channel_id == channel_id, numbers.c.paper_id.in_(paper_ids)
    )
    about = sa.or_(posts.c.paper_id.in_(paper_ids), posts.c.id.in_(by_number))
    is_posted = (posts.c.channel_id == channel_id, posts.c.state == PostState.SENT, posts.c.message.is_not(None))
    query = sa.select(posts).where(*is_posted, about).order_by(posts.c.delivery_id, posts.c.position)
    return [_post(row) for row in await tx.execute(query)]


async def posts_of_merged(tx: AsyncConnection, channel_id: int) -> list[Post]:
    """The messages in a channel with a paper that was merged into another one which stands there too, or is gone: the
    text alone names it."""
    card = sa.type_coerce(posts.c.body, sa.JSON)[("card", "paper_id")].as_string()
    is_unnumbered = sa.exists().where(
        numbers.c.post_id == posts.c.id, numbers.c.channel_id == channel_id, numbers.c.paper_id.is_(None)
    )
    query = sa.select(posts).where(
        posts.c.channel_id == channel_id,
        posts.c.state == PostState.SENT,
        posts.c.paper_id.is_(None),
        posts.c.message.is_not(None),
        sa.or_(is_unnumbered, card.is_not(None)),
    )
    return [_post(row) for row in await tx.execute(query.order_by(posts.c.delivery_id, posts.c.position))]


async def channels_to_deliver(
    tx: AsyncConnection,
    now: datetime,
    platforms: Sequence[str],
    states: Sequence[PostState],
    among: Collection[int] | None = None,
    kinds: Collection[DeliveryKind] | None = None,
) -> list[tuple[int, str, str]]:
    """(id, platform, workspace) of channels that are not lost and have posts in these states whose time has come: of
    all channels, or `among` some; posts of all deliveries, or of some `kinds`."""
    query = (
        sa.select(posts.c.channel_id, channels.c.platform, channels.c.workspace)
        .distinct()
        .join(channels, channels.c.id == posts.c.channel_id)
        .where(
            posts.c.state.in_(states),
            posts.c.not_before <= now,
            channels.c.state != ChannelState.LOST,
            channels.c.platform.in_(platforms),
        )
        .order_by(posts.c.channel_id)
    )
    if among is not None:
        query = query.where(posts.c.channel_id.in_(among))
    if kinds is not None:
        query = query.join(deliveries, deliveries.c.id == posts.c.delivery_id).where(deliveries.c.kind.in_(kinds))
    return [(row[0], row[1], row[2]) for row in await tx.execute(query)]


async def move(tx: AsyncConnection, post: Post, to: PostState, **values: Any) -> bool:
    """Move a post to a state; False if another process moved it meanwhile. Raises ImpossibleMove."""
    return bool((await tx.execute(move_statement(post, to, **values))).rowcount)


def move_statement(post: Post, to: PostState, **values: Any) -> sa.Update:
    """The statement that moves a post to a state. It changes no row if another process moved the post meanwhile.

    Raises ImpossibleMove for a move the state machine does not have.
    """
    if to not in POST_MOVES[post.state]:
        raise ImpossibleMove(f"post {post.id}: {post.state} -> {to}")
    # One process may have tried the post again while another one still waits for an answer to its own try.
    is_same_try = posts.c.tried_at.is_not_distinct_from(post.tried_at)
    is_unmoved = posts.c.id == post.id, posts.c.state == post.state, is_same_try
    return sa.update(posts).where(*is_unmoved).values(state=to, **values)


async def withdraw_if_forgotten(tx: AsyncConnection, post_id: int) -> None:
    """Delete the text of a card whose private paper was deleted while the post was uncertain. If it was not posted, it
    never will be."""
    forgotten = posts.c.id == post_id, posts.c.paper_id.is_(None)
    dropped = {"state": PostState.DROPPED, "reason": WITHDRAWN}
    await tx.execute(sa.update(posts).where(*forgotten, posts.c.state == PostState.PLANNED).values(dropped))
    await tx.execute(sa.update(posts).where(*forgotten, posts.c.state.not_in(UNSETTLED)).values(body={}))


def postpone(post: Post, until: datetime) -> sa.Update:
    """The statement that leaves a post in its state until then, unless another process moved it meanwhile."""
    return sa.update(posts).where(posts.c.id == post.id, posts.c.state == post.state).values(not_before=until)


async def drop_waiting(tx: AsyncConnection, channel_id: int, reason: str, before: datetime | None = None) -> None:
    """Drop the planned posts of a channel, or those planned before a moment. Their papers may come again."""
    waiting = [posts.c.channel_id == channel_id, posts.c.state == PostState.PLANNED]
    if before is not None:
        waiting.append(posts.c.planned_at < before)
    await tx.execute(sa.update(posts).where(*waiting).values(state=PostState.DROPPED, reason=reason))


async def give_up_all(tx: AsyncConnection, reason: str) -> int:
    """Mark every unfinished post as failed, since it may have been posted. Returns their number. Their papers count as
    shown."""
    unfinished = (PostState.PLANNED, *UNSETTLED)
    result = await tx.execute(
        sa.update(posts).where(posts.c.state.in_(unfinished)).values(state=PostState.FAILED, reason=reason)
    )
    return int(result.rowcount)


async def set_missed_revision(tx: AsyncConnection, since: datetime, papers_revision: int) -> None:
    """Set the papers revision of the deliveries that were recorded as missed since then, but may have been posted."""
    await tx.execute(
        sa.update(deliveries)
        .where(
            deliveries.c.state == DeliveryState.MISSED,
            deliveries.c.papers_revision > 0,
            deliveries.c.planned_at >= since,
        )
        .values(papers_revision=papers_revision)
    )


def _local_date(row: Any) -> date:
    day: date = row.local_date
    return day


def delivery_of(row: Any) -> Delivery:
    """The delivery of a row."""
    return Delivery(
        row.id,
        row.channel_id,
        row.local_date,
        DeliveryKind(row.kind),
        row.subject,
        row.due_at,
        DeliveryState(row.state),
        row.reason,
        row.planned_at,
        row.papers_revision,
    )


def _post(row: Any) -> Post:
    return Post(
        row.id,
        row.delivery_id,
        row.channel_id,
        row.paper_id,
        row.position,
        row.key,
        PostState(row.state),
        row.reason,
        row.body,
        row.attempts,
        row.message,
        row.planned_at,
        row.not_before,
        row.sending_at,
        row.sent_at,
        row.threaded,
        row.glance,
        row.tried_at,
    )
