"""How good the picks were: stats, week by week, beside what the most upvoted list would have brought.

Only what was shown can be liked. So nothing is claimed of a paper that the most upvoted list had and nobody here saw.
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
    """How many picks were liked, week by week, beside what is known of the most upvoted papers of those days."""
    async with ctx.services.store.read() as tx:
        heard = feedback.standing(await votes.for_channel(tx, ctx.channel.id), ctx.services.emoji)
        seen = {one.paper_id for one in await exposures.for_channel(tx, ctx.channel.id)}
        made = await pick_log.for_channel(tx, ctx.channel.id)
    if not any(one.place and one.paper_id in seen for one in made):
        return Reply("No digest has been posted here yet, so there is nothing to count.")
    tally: Counter[str] = Counter()
    for said in heard:
        tally[said.paper_id] += 1 if said.value > 0 else -1
    liked = {said.paper_id for said in heard if said.value > 0}
    disliked = {paper_id for paper_id, sum_ in tally.items() if sum_ < 0}
    weeks: defaultdict[date, list[LoggedPick]] = defaultdict(list)
    for one in made:
        assert one.day is not None, "what stands in the store has its day"
        weeks[one.day - timedelta(days=one.day.weekday())].append(one)
    rows = ["Picks that at least one member liked:"]
    for monday in sorted(weeks)[-_WEEKS:]:
        rows.append(f"• week of {monday.day} {monday:%b}: {Record.of(weeks[monday], seen, liked, disliked).line}")
    whole = Record.of(made, seen, liked, disliked)
    return Reply("\n".join([*rows, f"In all: {whole.line}.", *whole.beside]))


@dataclass(frozen=True, slots=True)
class Record:
    """What became of some days' choices, each paper counted once. `listed` papers stood on the most upvoted list, of
    which `met` were shown here and `met_liked` liked; of the `liked` picks `missed` were not on that list."""

    posted: int
    liked: int
    disliked: int
    listed: int
    met: int
    met_liked: int
    missed: int

    @classmethod
    def of(
        cls, made: Sequence[LoggedPick], seen: Collection[str], liked: Collection[str], disliked: Collection[str]
    ) -> Record:
        """The record of some choices, given which papers were seen, liked by anybody, and disliked by most."""
        picks = {one.paper_id for one in made if one.place} & set(seen)
        listed = {one.paper_id for one in made if one.upvoted}
        met, good = listed & set(seen), picks & set(liked)
        return cls(
            len(picks),
            len(good),
            len(picks & set(disliked)),
            len(listed),
            len(met),
            len(met & set(liked)),
            len(good - listed),
        )

    @property
    def line(self) -> str:
        """A week in a line."""
        if not self.posted:
            return "none posted"
        text = f"{self.liked} of {self.posted} liked ({self.liked / self.posted:.0%}), {self.disliked} disliked"
        return f"{text}; of the most upvoted {self.met_liked} of {self.met} shown here" if self.met else text

    @property
    def beside(self) -> list[str]:
        """What can be said of the most upvoted list of the same days, and what can't; nothing where it was empty."""
        if not self.listed:
            return []
        unseen = self.listed - self.met
        text = f"The most upvoted list of these days had {count(self.listed, 'paper')}; {self.met:,} came here too"
        text += f", {self.met_liked:,} of them liked." if self.met else "."
        if unseen:
            text += (
                f" The other {unseen:,} nobody here has seen, so it would have brought between {self.met_liked:,} and"
                f" {self.met_liked + unseen:,} liked papers."
            )
        if self.liked:
            text += f" It lacked {self.missed:,} of the {count(self.liked, 'pick')} you liked."
        return [text]
