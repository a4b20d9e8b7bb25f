"""The command stats: how many picks were liked, week by week, compared with a list of the most upvoted papers.

Only papers that were shown can be liked. So nothing is claimed about a paper on the most upvoted list that nobody here
saw.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.commands.context import CommandContext
from bot.digests import feedback
from bot.model.messages import Reply
from bot.model.text import count
from bot.store import exposures, pick_log, votes
from bot.store.pick_log import LoggedPick

_WEEKS = 8


async def stats(ctx: CommandContext, argument: str) -> Reply:
    """How many picks were liked in each week, and how the most upvoted papers of those days did."""
    async with ctx.services.store.read() as tx:
        standing_votes = feedback.standing_votes(await votes.for_channel(tx, ctx.channel.id), ctx.services.emoji)
        seen_ids = {exposure.paper_id for exposure in await exposures.for_channel(tx, ctx.channel.id)}
        logged_picks = await pick_log.for_channel(tx, ctx.channel.id)
    if not any(pick.place and pick.paper_id in seen_ids for pick in logged_picks):
        return Reply("No digest has been posted here yet, so there is nothing to count.")
    tally: Counter[str] = Counter()
    for vote in standing_votes:
        tally[vote.paper_id] += 1 if vote.value > 0 else -1
    liked = {vote.paper_id for vote in standing_votes if vote.value > 0}
    disliked = {paper_id for paper_id, balance in tally.items() if balance < 0}
    weeks: defaultdict[date, list[LoggedPick]] = defaultdict(list)
    for pick in logged_picks:
        assert pick.day is not None, "a stored pick has its day"
        weeks[pick.day - timedelta(days=pick.day.weekday())].append(pick)
    rows = ["Picks that at least one member liked:"]
    for monday in sorted(weeks)[-_WEEKS:]:
        rows.append(f"• week of {monday.day} {monday:%b}: {Record.of(weeks[monday], seen_ids, liked, disliked).line}")
    record = Record.of(logged_picks, seen_ids, liked, disliked)
    return Reply("\n".join([*rows, f"In all: {record.line}.", *record.beside]))


@dataclass(frozen=True, slots=True)
class Record:
    """The outcome of some days' picks; each paper counts once.

    `upvoted` papers were on the most upvoted list. Of these, `upvoted_shown` were shown here, and `upvoted_liked` were
    liked. `liked_only_here` counts the liked picks that were not on that list.
    """

    posted: int
    liked: int
    disliked: int
    upvoted: int
    upvoted_shown: int
    upvoted_liked: int
    liked_only_here: int

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
        )

    @property
    def line(self) -> str:
        """The record as one line."""
        if not self.posted:
            return "none posted"
        text = f"{self.liked} of {self.posted} liked ({self.liked / self.posted:.0%}), {self.disliked} disliked"
        if self.upvoted_shown:
            text += f"; of the most upvoted {self.upvoted_liked} of {self.upvoted_shown} shown here"
        return text

    @property
    def beside(self) -> list[str]:
        """Sentences about the most upvoted list of the same days; none if the list was empty."""
        if not self.upvoted:
            return []
        shown, liked, not_shown = self.upvoted_shown, self.upvoted_liked, self.upvoted - self.upvoted_shown
        text = f"The most upvoted list of these days had {count(self.upvoted, 'paper')}; {shown:,} came here too"
        text += f", {liked:,} of them liked." if shown else "."
        if not_shown:
            text += (
                f" The other {not_shown:,} nobody here has seen, so it would have brought between {liked:,} and"
                f" {liked + not_shown:,} liked papers."
            )
        if self.liked:
            text += f" It lacked {self.liked_only_here:,} of the {count(self.liked, 'pick')} you liked."
        return [text]
