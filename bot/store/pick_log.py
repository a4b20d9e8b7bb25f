"""The picks of each digest, with their scores at that time, and the most upvoted papers for comparison."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.sets import by_channel, is_any
from bot.store.tables import choices, deliveries


@dataclass(frozen=True, slots=True)
class LoggedPick:
    """A paper that was picked (`place` among the cards, from 1), or that was among the most upvoted candidates
    (`upvoted`, from 1), or both. `fit` is the share of random papers it beat when it was picked, None before there was
    a taste. `team` is the ranker that picked it, if two shared the digest. `day` is the digest's local day, None before
    it is planned."""

    paper_id: str
    place: int | None = None
    fit: float | None = None
    guess: bool = False
    team: str = ""
    upvoted: int | None = None
    day: date | None = None


def merged(picked: Sequence[LoggedPick], upvoted: Sequence[str]) -> list[LoggedPick]:
    """The picks with their places, and the most upvoted papers, best first. Each paper comes once."""
    picks = {pick.paper_id: replace(pick, place=place) for place, pick in enumerate(picked, 1)}
    for place, paper_id in enumerate(upvoted, 1):
        picks[paper_id] = replace(picks.get(paper_id, LoggedPick(paper_id)), upvoted=place)
    return list(picks.values())


async def record(tx: AsyncConnection, picks_by_delivery: Mapping[int, Sequence[LoggedPick]]) -> None:
    """Log the picks of deliveries that are being planned, by delivery id."""
    rows = [
        {
            "delivery_id": delivery_id,
            "paper_id": pick.paper_id,
            "place": pick.place,
            "fit": pick.fit,
            "guess": pick.guess,
            "team": pick.team or None,
            "upvoted": pick.upvoted,
        }
        for delivery_id, picks in picks_by_delivery.items()
        for pick in picks
    ]
    if rows:
        await tx.execute(sa.insert(choices), rows)


async def for_channel(tx: AsyncConnection, channel_id: int) -> list[LoggedPick]:
    """The logged picks of a channel's digests, the oldest first."""
    return (await for_channels(tx, [channel_id]))[channel_id]


async def for_channels(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[int, list[LoggedPick]]:
    """The logged picks of each channel's digests, the oldest first."""
    return by_channel(channel_ids, await tx.execute(_of_channels(tx, channel_ids)), _pick)


async def surely_picked(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[int, list[LoggedPick]]:
    """Of the logged picks of each channel, those that its taste chose and was sure of, the oldest first."""
    sure = choices.c.place.is_not(None), choices.c.fit.is_not(None), ~choices.c.guess
    return by_channel(channel_ids, await tx.execute(_of_channels(tx, channel_ids).where(*sure)), _pick)


def _of_channels(tx: AsyncConnection, channel_ids: Collection[int]) -> sa.Select[Any]:
    return (
        sa.select(deliveries.c.channel_id, deliveries.c.local_date, choices)
        .join(deliveries, deliveries.c.id == choices.c.delivery_id)
        .where(is_any(tx, deliveries.c.channel_id, channel_ids))
        .order_by(deliveries.c.local_date, choices.c.delivery_id, choices.c.place, choices.c.paper_id)
    )


def _pick(row: Any) -> LoggedPick:
    return LoggedPick(row.paper_id, row.place, row.fit, row.guess, row.team or "", row.upvoted, row.local_date)
