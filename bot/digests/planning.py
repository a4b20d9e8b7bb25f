"""Digests as rows: the messages of each, and the transaction that plans those of many channels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import layout
from bot.digests.digest import Digest
from bot.model.messages import PlaceKind
from bot.model.schedule import Hour
from bot.ports.platform import Capabilities
from bot.store import delivery_plans, pick_log
from bot.store.channels import Channel
from bot.store.deliveries import Delivery
from bot.store.delivery_plans import Draft, Plan
from bot.store.states import DeliveryKind


@dataclass(frozen=True, slots=True)
class DigestOrder:
    """Whose digest is wanted, for which of its hours, and what its place is capable of."""

    channel: Channel
    hour: Hour
    can: Capabilities


@dataclass(frozen=True, slots=True)
class PreparedDigest:
    """A digest with its messages, in the channel's style or else as cards, before it is planned. `digest` is what is
    posted of the `composed` one."""

    order: DigestOrder
    composed: Digest
    digest: Digest
    drafts: Sequence[Draft]

    @classmethod
    def of(cls, order: DigestOrder, composed: Digest, free: Collection[str] | None = None) -> PreparedDigest:
        """The digest's messages, of those of its papers that are free, by default of all."""
        channel, can = order.channel, order.can
        digest = composed.of_papers(composed.paper_ids if free is None else free, can.numbers)
        style = layout.choose_style(channel.style, can, len(digest.cards))
        return cls(order, composed, digest, digest.drafts(style, can, forum=channel.place.kind is PlaceKind.FORUM))

    @property
    def paper_ids(self) -> set[str]:
        """The papers that its rows may refer to."""
        return {*self.composed.paper_ids, *self.composed.upvoted}

    def of_free(self, free: Collection[str]) -> PreparedDigest:
        """The digest of those papers that are still free: an alert may have posted one of them meanwhile, and the
        header counts the papers that are left."""
        if all(paper_id in free for paper_id in self.digest.paper_ids):
            return self
        return self.of(self.order, self.composed, free)


async def plan(tx: AsyncConnection, prepared: Sequence[PreparedDigest], now: datetime) -> dict[int, Delivery]:
    """Plan digests of different channels, with a log of their picks. Those of days that have a digest already are left
    out, and those of channels that are gone. By channel id."""
    locked = await delivery_plans.lock_papers(tx, {each.order.channel.id: each.paper_ids for each in prepared})
    final = {
        channel_id: each.of_free(locked[channel_id].free)
        for each in prepared
        if (channel_id := each.order.channel.id) in locked
    }
    plans = [
        Plan(
            channel_id,
            each.order.hour.local_date,
            DeliveryKind.DIGEST,
            each.order.hour.at,
            each.drafts,
            each.digest.quiet,
            each.digest.revision,
        )
        for channel_id, each in final.items()
    ]
    planned = await delivery_plans.plan_many(tx, plans, now, locked)
    picks = {}
    for channel_id, delivery in planned.items():
        digest, existing = final[channel_id].digest, locked[channel_id].existing
        shown_ids = {card.paper_id for card in digest.cards}
        logged_picks = [pick for pick in digest.picked if pick.paper_id in shown_ids]
        upvoted = [paper_id for paper_id in digest.upvoted if paper_id in existing]
        picks[delivery.id] = pick_log.merged(logged_picks, upvoted)
    await pick_log.record(tx, picks)
    return planned
