"""Planning deliveries: a delivery and its posts become rows first, and are sent later."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import channels, exposures, metadata
from bot.store.deliveries import Delivery, delivery_of
from bot.store.sets import is_any
from bot.store.states import DeliveryKind, DeliveryState, PostState
from bot.store.tables import deliveries, numbers, papers, posts


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be planned. `body` is JSON. A card has a `paper_id`; a message of several papers has the `numbered`
    ones. If it is `threaded`, it goes in the thread of the delivery's first message. With `glance`, its numbered papers
    are further titles, and no picks."""

    body: dict[str, Any]
    paper_id: str | None = None
    numbered: tuple[str, ...] = ()
    threaded: bool = False
    glance: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A delivery to be planned. `papers_revision` is the papers table's revision at which its papers were picked; the
    other values are those of `Delivery`."""

    channel_id: int
    local_date: date
    kind: DeliveryKind
    due_at: datetime
    drafts: Sequence[Draft]
    reason: str = ""
    papers_revision: int = 0
    subject: str = ""

    @property
    def key(self) -> tuple[int, date, str, str]:
        """The values of which a channel has one delivery."""
        return self.channel_id, self.local_date, self.kind, self.subject

    @property
    def paper_ids(self) -> list[str]:
        """The papers on its messages."""
        ids = (paper_id for draft in self.drafts for paper_id in (draft.paper_id, *draft.numbered) if paper_id)
        return list(dict.fromkeys(ids))


@dataclass(frozen=True, slots=True)
class LockedPapers:
    """Of papers that may be planned for a channel, the ids of those that exist, of those that it has had or will have
    (`posted`), and of those whose posts were dropped."""

    existing: frozenset[str]
    posted: frozenset[str]
    dropped: frozenset[str]

    @property
    def free(self) -> frozenset[str]:
        """The papers that may be planned."""
        return self.existing - self.posted


_INSERT_DELIVERIES = sa.insert(deliveries).returning(deliveries)
_INSERT_POSTS = sa.insert(posts).returning(posts.c.id, sort_by_parameter_order=True)


async def plan(
    tx: AsyncConnection,
    channel_id: int,
    local_date: date,
    kind: DeliveryKind,
    due_at: datetime,
    drafts: Sequence[Draft],
    now: datetime,
    reason: str = "",
    papers_revision: int = 0,
    subject: str = "",
) -> Delivery | None:
    """Plan one delivery, as `plan_many` does; None when the channel had it already, or is gone."""
    wanted = Plan(channel_id, local_date, kind, due_at, drafts, reason, papers_revision, subject)
    locked = await lock_papers(tx, {channel_id: wanted.paper_ids})
    return (await plan_many(tx, [wanted], now, locked)).get(channel_id)


async def plan_many(
    tx: AsyncConnection, plans: Sequence[Plan], now: datetime, locked: Mapping[int, LockedPapers]
) -> dict[int, Delivery]:
    """Plan the deliveries of several channels with their posts, one for each. Those of channels that had this kind on
    that day already, or are gone, are left out. A channel may have several alerts and submissions on one day, each with
    another paper as its `subject`. `locked` is the result of `lock_papers` in this transaction.

    A paper that the channel has had, or will have, is left out: the delivery that was planned first keeps it. A paper
    that was merged into another one since it was picked is left out too. Its number stays, and means no paper.
    """
    had = await _had(tx, [plan for plan in plans if plan.channel_id in locked])
    plans = [plan for plan in plans if plan.channel_id in locked and plan.key not in had]
    if not plans:
        return {}
    rows = [_delivery_row(plan, DeliveryState.PLANNED, now) for plan in plans]
    inserted = await tx.execute(_INSERT_DELIVERIES, rows)
    planned = {row.channel_id: delivery_of(row) for row in inserted}
    for plan in plans:
        await _delete_dropped(tx, plan.channel_id, locked[plan.channel_id].dropped.intersection(plan.paper_ids))
    # No other store, and not this one after a restore, makes the same keys.
    store_prefix = f"pb{(await metadata.store_id(tx))[:6]}"
    posts_, numbered = [], []
    for plan in plans:
        delivery_id, free = planned[plan.channel_id].id, set(locked[plan.channel_id].free)
        position = 0
        for draft in plan.drafts:
            if draft.paper_id:
                if draft.paper_id not in free:
                    continue
                free.remove(draft.paper_id)
            # At most 25 characters, for platforms that bound it, and never used twice by this store.
            key = f"{store_prefix}.{delivery_id}-{position}"
            posts_.append(_post_row(plan.channel_id, delivery_id, draft, position, key, now))
            listed = []
            for paper_id in draft.numbered:
                listed.append(paper_id if paper_id in free else None)
                free.discard(paper_id)
            numbered.append(listed)
            position += 1
    if posts_:
        post_ids = (await tx.execute(_INSERT_POSTS, posts_)).scalars().all()
        number_rows = [
            {"post_id": post_id, "number": number, "channel_id": row["channel_id"], "paper_id": paper_id}
            for post_id, row, listed in zip(post_ids, posts_, numbered, strict=True)
            for number, paper_id in enumerate(listed, 1)
        ]
        if number_rows:
            await tx.execute(sa.insert(numbers), number_rows)
    return planned


async def lock_papers(tx: AsyncConnection, wanted: Mapping[int, Collection[str]]) -> dict[int, LockedPapers]:
    """The given papers of each channel, locked until commit together with the channels; channels that are gone are left
    out. Channels are locked before papers, and each in the order of their ids, so that no two transactions that plan
    wait for each other."""
    there = await channels.locked(tx, wanted)
    paper_ids = sorted({paper_id for channel_id in there for paper_id in wanted[channel_id]})
    query = sa.select(papers.c.id).where(is_any(tx, papers.c.id, paper_ids)).order_by(papers.c.id)
    existing = frozenset((await tx.execute(query.with_for_update(read=True, key_share=True))).scalars())
    pairs = [(channel_id, paper_id) for channel_id in there for paper_id in wanted[channel_id]]
    on_posts = await exposures.among(tx, pairs)
    return {
        channel_id: LockedPapers(
            existing.intersection(wanted[channel_id]),
            frozenset(paper_id for paper_id, dropped in on_posts.get(channel_id, {}).items() if not dropped),
            frozenset(paper_id for paper_id, dropped in on_posts.get(channel_id, {}).items() if dropped),
        )
        for channel_id in there
    }


async def record_missed(
    tx: AsyncConnection,
    channel_id: int,
    local_date: date,
    kind: DeliveryKind,
    due_at: datetime,
    reason: str,
    now: datetime,
    papers_revision: int = 0,
) -> bool:
    """Record that an hour passed without a delivery, and the reason; False when that day had one. `papers_revision` is
    the papers table's revision up to which the channel may have had the papers nevertheless."""
    missed = Plan(channel_id, local_date, kind, due_at, (), reason, papers_revision)
    return bool(await record_all_missed(tx, [missed], now))


async def record_all_missed(tx: AsyncConnection, plans: Sequence[Plan], now: datetime) -> list[Plan]:
    """Record hours that passed without a delivery, and their reasons; those of days that had one are left out. Returns
    those that were recorded."""
    there = await channels.locked(tx, {plan.channel_id for plan in plans})
    had = await _had(tx, plans)
    missed = [plan for plan in plans if plan.channel_id in there and plan.key not in had]
    if missed:
        await tx.execute(sa.insert(deliveries), [_delivery_row(plan, DeliveryState.MISSED, now) for plan in missed])
    return missed


async def _had(tx: AsyncConnection, plans: Sequence[Plan]) -> set[tuple[int, date, str, str]]:
    """Of the keys of these plans, those that have a delivery."""
    columns = deliveries.c.channel_id, deliveries.c.local_date, deliveries.c.kind, deliveries.c.subject
    rows = await tx.execute(
        sa.select(*columns).where(
            is_any(tx, deliveries.c.channel_id, {plan.channel_id for plan in plans}),
            deliveries.c.local_date.in_({plan.local_date for plan in plans}),
            deliveries.c.kind.in_({plan.kind for plan in plans}),
        )
    )
    return {tuple(row) for row in rows}


async def _delete_dropped(tx: AsyncConnection, channel_id: int, paper_ids: Collection[str]) -> None:
    """Delete the dropped posts of papers that come again."""
    if paper_ids:
        dropped = sa.and_(posts.c.channel_id == channel_id, posts.c.state == PostState.DROPPED)
        await tx.execute(sa.delete(posts).where(dropped, posts.c.paper_id.in_(paper_ids)))
        on_dropped = numbers.c.post_id.in_(sa.select(posts.c.id).where(dropped))
        await tx.execute(sa.delete(numbers).where(on_dropped, numbers.c.paper_id.in_(paper_ids)))


def _delivery_row(plan: Plan, state: DeliveryState, now: datetime) -> dict[str, Any]:
    return {
        "channel_id": plan.channel_id,
        "local_date": plan.local_date,
        "kind": plan.kind,
        "subject": plan.subject,
        "due_at": plan.due_at,
        "state": state,
        "reason": plan.reason,
        "planned_at": now,
        "papers_revision": plan.papers_revision,
    }


def _post_row(
    channel_id: int, delivery_id: int, draft: Draft, position: int, key: str, now: datetime
) -> dict[str, Any]:
    return {
        "delivery_id": delivery_id,
        "channel_id": channel_id,
        "paper_id": draft.paper_id,
        "position": position,
        "key": key,
        "state": PostState.PLANNED,
        "reason": "",
        "body": draft.body,
        "attempts": 0,
        "planned_at": now,
        "not_before": now,
        "threaded": draft.threaded,
        "glance": draft.glance,
    }
