"""The hours of channels whose local days have no digest yet."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.schedule import Hour, Rule
from bot.store import deliveries
from bot.store.channels import Channel
from bot.store.states import DeliveryKind


async def next_hour(tx: AsyncConnection, channel: Channel, now: datetime) -> Hour:
    """The channel's first hour to come whose local day has no digest yet."""
    return following_hour(channel, now, (await days_with_digest(tx, [channel.id], now))[channel.id])


def following_hour(channel: Channel, now: datetime, taken: Collection[date]) -> Hour:
    """The channel's first hour to come whose local day is not taken."""
    rule = Rule.of(channel.hour, channel.days, channel.zone)
    hour = rule.after(now)
    while hour.local_date in taken:
        hour = rule.after(hour.at)
    return hour


async def days_with_digest(tx: AsyncConnection, channel_ids: Collection[int], now: datetime) -> dict[int, set[date]]:
    """The local days, from yesterday on, for which each channel has a digest or missed one."""
    yesterday = now.date() - timedelta(days=1)
    return await deliveries.days_of(tx, channel_ids, DeliveryKind.DIGEST, yesterday)
