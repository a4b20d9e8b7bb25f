"""The outlook of a paper in a channel: when it was posted, whether it comes next, and if not, why."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import feedback
from bot.digests.candidates import DigestCandidates
from bot.model.text import count, cut, day_name, plain_text
from bot.reports.channel_view import ChannelView
from bot.store import deliveries, exposures, papers, pick_log, votes
from bot.store.states import DeliveryKind
from recommender import Paper, Standing

_TWIN = "It is the same work under another title that this channel had or is about to have; no work comes twice."


async def past(view: ChannelView, paper: Paper, candidates: DigestCandidates) -> str:
    """When the channel had the paper, or why it will not come; "" for a candidate of the next digest."""
    async with view.store.read() as tx:
        if shown_here := await _past(tx, view, paper):
            return shown_here
        if paper.id in candidates.unseen:
            return ""
        return _TWIN if paper.id in candidates.recent else await _passed_over(tx, view, paper)


async def future(view: ChannelView, standing: Standing) -> str:
    """A sentence on where a candidate stands in the next digest."""
    async with view.store.read() as tx:
        twin = await papers.get(tx, standing.twin) if standing.twin else None
    return next_digest(standing, view.channel.count, twin.title if twin else "")


def next_digest(standing: Standing, max_cards: int, twin: str = "") -> str:
    """A sentence on where a candidate stands in the next digest of at most `max_cards` cards. `twin` is the title of a
    pick that is nearly the same paper."""
    if standing.picked:
        return "It is in the next digest as it would be now."
    if twin:
        return f"It is new, but the next digest has nearly the same in “{cut(plain_text(twin), 100)}”."
    if standing.below:
        return "It is new, but below the bar, so the next digest leaves it out."
    ahead = standing.place - 1
    return (
        f"It is new, but {ahead:,} of the {count(standing.among, 'new paper')} rank higher, and a digest has "
        f"{count(max_cards, 'card')}."
    )


async def _past(tx: AsyncConnection, view: ChannelView, paper: Paper) -> str:
    """When the channel had the paper, or that it was taught; "" for any other paper."""
    shown_papers = {exposure.paper_id: exposure for exposure in await exposures.for_channel(tx, view.channel.id)}
    if paper.id in shown_papers:
        at = shown_papers[paper.id].at.astimezone(view.zone)
        likes, dislikes = feedback.tally(await votes.for_paper(tx, view.channel.id, paper.id), view.emoji)
        votes_text = ", ".join(f"{number} {mark}" for number, mark in ((likes, "👍"), (dislikes, "👎")) if number)
        day = day_name(at.date(), view.today)
        shown_how = "listed by its title" if shown_papers[paper.id].glance else "posted"
        return f"It was {shown_how} here {day}{f', {votes_text}' if votes_text else ''}; no paper comes twice."
    if paper.id in await exposures.posted(tx, view.channel.id, [paper.id]):
        return "It is on its way here."
    if paper.id in await votes.taught(tx, view.channel.id):
        return "It was taught here, so the channel knows it and no digest brings it."
    return ""


async def _passed_over(tx: AsyncConnection, view: ChannelView, paper: Paper) -> str:
    """Why a paper that was not posted here will not come."""
    revision = await papers.news_revision(tx, paper.id)
    if revision is None:
        return f"No source has listed it, so no digest brings it; `/papers submit {paper.id}` does."
    past_digests = [
        delivery
        for delivery in await deliveries.for_channel(tx, view.channel.id)
        if delivery.kind is DeliveryKind.DIGEST
    ]
    missed_digest = next((delivery for delivery in past_digests if delivery.papers_revision >= revision), None)
    if missed_digest is None:
        return "It was listed longer ago than digests look back."
    day = f"the digest of {missed_digest.local_date.day} {missed_digest.local_date:%B}"
    if missed_digest.reason:
        return f"It could have come with {day}, which brought nothing: {missed_digest.reason}"
    picks = [
        pick
        for pick in await pick_log.for_channel(tx, view.channel.id)
        if pick.place and pick.day == missed_digest.local_date
    ]
    return f"It could have come with {day}, which brought {count(len(picks), 'other paper')}."
