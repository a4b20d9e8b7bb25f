"""The papers of a period, with the nearest earlier and later periods that have any."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import quiet
from bot.store import listings
from recommender import Paper


class Period(StrEnum):
    """A kind of period: a day, a week from Monday to Sunday, or a calendar month."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Span:
    """A period: its kind, its first and its last day."""

    period: Period
    since: date
    until: date

    @classmethod
    def around(cls, period: Period, day: date) -> Span:
        """The period of a kind that a day is in. Its days are within those that `date` has."""
        if period is Period.DAY:
            return cls(period, day, day)
        if period is Period.WEEK:
            monday = date.fromordinal(max(1, day.toordinal() - day.weekday()))
            return cls(period, monday, date.fromordinal(min(date.max.toordinal(), monday.toordinal() + 6)))
        first = day.replace(day=1)
        after = date.fromordinal(min(date.max.toordinal(), first.toordinal() + 31))
        return cls(period, first, after.replace(day=1) - timedelta(days=1) if after.month != first.month else date.max)


@dataclass(frozen=True, slots=True)
class ListingPage:
    """A page of a period's papers, the most upvoted first. `total` is their number in the whole period.

    `earlier` and `later` are the nearest periods that have papers. `quiet` says why the period has none; "" if it has.
    """

    span: Span
    papers: tuple[Paper, ...]
    total: int
    earlier: Span | None
    later: Span | None
    quiet: str = ""


async def page_of(
    tx: AsyncConnection,
    span: Span,
    today: date,
    *,
    limit: int,
    offset: int = 0,
    sources: Collection[str] | None = None,
    category: str = "",
) -> ListingPage:
    """A page of the papers of a period. East of UTC it is tomorrow already, so papers may be listed for tomorrow.
    `sources` are the names of the sources that are switched on. With a `category`, as "cs.LG", only the papers of a day
    that are in it count."""
    around = await listings.surroundings(tx, span.since, span.until, today + timedelta(days=1))
    total = around.count
    if category and total:
        total = await listings.count_in(tx, span.since, category)
        papers = await listings.listed_in(tx, span.since, category, limit, offset) if total else []
    else:
        papers = await listings.listed(tx, span.since, span.until, limit, offset) if total else []
    return ListingPage(
        span,
        tuple(papers),
        total,
        Span.around(span.period, around.earlier) if around.earlier else None,
        Span.around(span.period, around.later) if around.later else None,
        "" if around.count else await quiet.reason_of_span(tx, span.since, span.until, today, sources),
    )


async def latest(tx: AsyncConnection, period: Period, today: date) -> Span:
    """The last period of a kind that has papers; the one of today if the store has none."""
    return Span.around(period, await listings.last_day(tx, today + timedelta(days=1)) or today)
