"""One paper as the readers of a channel may know it: its facts, where the team had it, and why it fits."""

from __future__ import annotations

from dataclasses import dataclass

from bot.reports import search_lines, why
from bot.reports.channel_view import ChannelView
from bot.reports.search_lines import Sighting
from bot.reports.why import Why
from bot.store import contributions, papers
from recommender import Paper


@dataclass(frozen=True, slots=True)
class ChannelPaper:
    """A paper, when the channels that the readers may know of got it, and why it fits the channel or does not. A
    `private` paper is no source's: only members gave it."""

    paper: Paper
    private: bool
    sightings: tuple[Sighting, ...]
    why: Why


async def resolve(view: ChannelView, name: str) -> str | None:
    """The id of the paper that an id, a link, a DOI or a whole title names in a channel: that of a source, else of a
    private paper that the channel may see. None if there is none."""
    async with view.store.read() as tx:
        visible_ids = await contributions.visible_ids(tx, view.channel.id)
        return name if name in visible_ids else await contributions.resolve(tx, name, view.channel.id)


async def report_on(view: ChannelView, paper_id: str) -> ChannelPaper | None:
    """The report on a paper that `resolve` named; None if it is gone."""
    async with view.store.read() as tx:
        paper = await papers.get(tx, paper_id)
        if paper is None:
            return None
        sightings = await search_lines.sightings(tx, view.channel.id, [paper_id], view.emoji)
        is_private = paper_id in await contributions.visible_ids(tx, view.channel.id)
    return ChannelPaper(paper, is_private, tuple(sightings.get(paper_id, ())), await why.of_paper(view, paper))
