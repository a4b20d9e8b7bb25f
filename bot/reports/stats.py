"""How a channel's picks were liked, as numbers: week by week and in all, beside the most upvoted list.

Only papers that were shown can be liked. So nothing is claimed about a paper on the most upvoted list that nobody here
saw.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import feedback
from bot.digests.feedback import EmojiTable
from bot.store import exposures, pick_log, votes
from bot.store.pick_log import LoggedPick

_WEEKS = 8


@dataclass(frozen=True, slots=True)
class Record:
    """The outcome of some days' picks; each paper counts once.

    `upvoted` papers were on the most upvoted list. Of these, `upvoted_shown` were shown here, and `upvoted_liked` were
    liked. `liked_only_here` counts the liked picks that were not on that list, `picked_too` the picks that were.
    """

    posted: int
    liked: int
    disliked: int
    upvoted: int
    upvoted_shown: int
    upvoted_liked: int
    liked_only_here: int
    picked_too: int = 0

    @classmethod
    def of(
        cls,
        logged_picks: Sequence[LoggedPick],
        seen_ids: Collection[str],
        liked: Collection[str],
        disliked: Collection[str],
    ) -> Record:
        """The record of some logged picks. `liked` are papers with a like; `disliked` have more dislikes than likes."""
        picks = {pick.paper_id for pick in logged_picks if pick.place} & set(seen_ids)
        upvoted_ids = {pick.paper_id for pick in logged_picks if pick.upvoted}
        shown_ids, liked_picks = upvoted_ids & set(seen_ids), picks & set(liked)
        return cls(
            len(picks),
            len(liked_picks),
            len(picks & set(disliked)),
            len(upvoted_ids),
            len(shown_ids),
            len(shown_ids & set(liked)),
            len(liked_picks - upvoted_ids),
            len(picks & upvoted_ids),
        )


@dataclass(frozen=True, slots=True)
class Week:
    """The record of one week, by the local days of its digests. `monday` is its first day."""

    monday: date
    record: Record


@dataclass(frozen=True, slots=True)
class Stats:
    """The records of a channel's last weeks that had a digest (eight at most, the latest last), and of all its days."""

    weeks: tuple[Week, ...]
    total: Record


async def of_channel(tx: AsyncConnection, channel_id: int, emoji: EmojiTable) -> Stats | None:
    """The stats of a channel, None if no digest has been posted there."""
    standing_votes = feedback.standing_votes(await votes.for_channel(tx, channel_id), emoji)
    seen_ids = {exposure.paper_id for exposure in await exposures.for_channel(tx, channel_id)}
    logged_picks = await pick_log.for_channel(tx, channel_id)
    if not any(pick.place and pick.paper_id in seen_ids for pick in logged_picks):
        return None
    tally: Counter[str] = Counter()
    for vote in standing_votes:
        tally[vote.paper_id] += 1 if vote.value > 0 else -1
    liked = {vote.paper_id for vote in standing_votes if vote.value > 0}
    disliked = {paper_id for paper_id, balance in tally.items() if balance < 0}
    picks_by_week: defaultdict[date, list[LoggedPick]] = defaultdict(list)
    for pick in logged_picks:
        assert pick.day is not None, "a stored pick has its day"
        picks_by_week[pick.day - timedelta(days=pick.day.weekday())].append(pick)
    weeks = tuple(
        Week(monday, Record.of(picks_by_week[monday], seen_ids, liked, disliked))
        for monday in sorted(picks_by_week)[-_WEEKS:]
    )
    return Stats(weeks, Record.of(logged_picks, seen_ids, liked, disliked))
