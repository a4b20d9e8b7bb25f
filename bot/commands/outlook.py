"""What becomes of a paper in a channel: when it was here, whether it comes next, and if not, what it lacks."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands.context import CommandContext
from bot.digests import feedback
from bot.digests.composer import DIGEST, Candidates
from bot.model.text import count, cut, day_name, plain_text
from bot.store import deliveries, exposures, papers, pick_log, votes
from recommender import Paper, Standing

_TWIN = "This channel has had the same work under another title, and no work comes twice."


async def past(ctx: CommandContext, paper: Paper, candidates: Candidates) -> str:
    """When the channel had the paper, or why it will not come; "" for a candidate of the next digest."""
    async with ctx.services.store.read() as tx:
        if shown_here := await _past(tx, ctx, paper):
            return shown_here
        if paper.id in candidates.unseen:
            return ""
        return _TWIN if paper.id in candidates.recent else await _passed_over(tx, ctx, paper)


async def future(ctx: CommandContext, standing: Standing) -> str:
    """How a paper that waits stands with the next digest."""
    async with ctx.services.store.read() as tx:
        twin = await papers.get(tx, standing.twin) if standing.twin else None
    return next_digest(standing, ctx.channel.count, twin.title if twin else "")


def next_digest(standing: Standing, most: int, twin: str = "") -> str:
    """How a paper that is new here stands with the next digest, of at most `most` cards; `twin` is the title of a pick
    that is nearly the same paper."""
    if standing.picked:
        return "It is in the next digest as it would be now."
    if twin:
        return f"It is new, but the next digest has nearly the same in “{cut(plain_text(twin), 100)}”."
    if standing.below:
        return "It is new, but below the bar, so the next digest leaves it out."
    ahead = standing.place - 1
    return (
        f"It is new, but {ahead:,} of the {count(standing.among, 'new paper')} rank higher, and a digest has "
        f"{count(most, 'card')}."
    )


async def _past(tx: AsyncConnection, ctx: CommandContext, paper: Paper) -> str:
    """When the channel had the paper, "" when it has not."""
    seen = {one.paper_id: one for one in await exposures.for_channel(tx, ctx.channel.id)}
    if paper.id in seen:
        at = seen[paper.id].at.astimezone(ctx.zone)
        likes, dislikes = feedback.tally(await votes.for_paper(tx, ctx.channel.id, paper.id), ctx.services.emoji)
        said = ", ".join(f"{many} {mark}" for many, mark in ((likes, "👍"), (dislikes, "👎")) if many)
        day = day_name(at.date(), ctx.now.astimezone(ctx.zone).date())
        how = "listed by its title" if seen[paper.id].glance else "posted"
        return f"It was {how} here {day}{f', {said}' if said else ''}; no paper comes twice."
    if paper.id in await exposures.posted(tx, ctx.channel.id, [paper.id]):
        return "It is on its way here."
    return ""


async def _passed_over(tx: AsyncConnection, ctx: CommandContext, paper: Paper) -> str:
    """Why a paper that was not here will not come."""
    revision = await papers.news_revision(tx, paper.id)
    if revision is None:
        return f"No source has listed it, so no digest brings it; `/papers submit {paper.id}` does."
    had = [one for one in await deliveries.for_channel(tx, ctx.channel.id) if one.kind == DIGEST]
    brought = next((one for one in had if one.papers_revision >= revision), None)
    if brought is None:
        return "It was listed longer ago than digests look back."
    day = f"the digest of {brought.local_date.day} {brought.local_date:%B}"
    if brought.reason:
        return f"It could have come with {day}, which brought nothing: {brought.reason}"
    made = [
        one for one in await pick_log.for_channel(tx, ctx.channel.id) if one.place and one.day == brought.local_date
    ]
    return f"It could have come with {day}, which brought {count(len(made), 'other paper')}."
