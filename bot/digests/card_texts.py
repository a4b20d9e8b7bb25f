"""The cards of digests: the facts of papers and the notes on them, read for many channels at once, and what makes cards
of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import cards, feedback
from bot.digests.feedback import EmojiTable
from bot.digests.selection import Selection
from bot.model.messages import Card, Line
from bot.model.text import cut, plain_text
from bot.store import exposures, papers, votes
from bot.store.channels import Channel
from bot.store.votes import Vote
from recommender import Paper, Pick, Profile


@dataclass(frozen=True, slots=True)
class CardTexts:
    """What the cards and titles of several channels are made of: the papers and their titles by id, and the notes on
    papers by channel id and paper id."""

    papers: Mapping[str, Paper]
    titles: Mapping[str, str]
    notes: Mapping[int, Mapping[str, str]]


async def read(tx: AsyncConnection, selections: Sequence[tuple[Channel, Selection]], emoji: EmojiTable) -> CardTexts:
    """What the cards and titles of each channel's selection are made of."""
    paper_ids = {paper_id for _, selection in selections for paper_id in selection.paper_ids}
    papers_by_id = await papers.get_many(tx, paper_ids)
    picked = [(channel, {pick.paper_id for pick in selection.picks}) for channel, selection in selections]
    notes = await notes_for(tx, picked, emoji)
    return CardTexts(papers_by_id, {paper.id: paper.title for paper in papers_by_id.values()}, notes)


def titles_of(selection: Selection, texts: CardTexts) -> tuple[Line, ...]:
    """The titles below the cards."""
    return tuple(cards.line(texts.papers[i]) for i in dict.fromkeys(selection.titles) if i in texts.papers)


def cards_of(
    channel: Channel, profile: Profile, picks: Sequence[Pick], texts: CardTexts, now: datetime
) -> tuple[Card, ...]:
    """The cards of a channel's picks, each with its reason."""
    zone, notes = ZoneInfo(channel.zone), texts.notes.get(channel.id, {})
    liked_on = {vote.paper_id: vote.at.astimezone(zone) for vote in profile.feedback if vote.value > 0}
    rendered_cards = []
    for pick in picks:
        why = cards.why_line(pick.reasons, texts.titles, liked_on, now.astimezone(zone).date())
        if pick.guess:
            why = "a guess: tell me with 👍 or 👎"
        elif not why and profile.has_taste:
            why = "no close match: the best of the rest today"
        paper = texts.papers.get(pick.paper_id)
        if paper is not None:  # else it was merged into another paper after it was picked
            rendered_cards.append(cards.card(paper, why, guess=pick.guess, note=notes.get(paper.id, "")))
    return tuple(rendered_cards)


async def notes_for(
    tx: AsyncConnection, wanted: Sequence[tuple[Channel, Collection[str]]], emoji: EmojiTable
) -> dict[int, dict[str, str]]:
    """Notes on the papers of each channel that other channels of its workspace have had: where, and how many likes. By
    channel id and paper id."""
    places = {(channel.place.platform, channel.place.workspace) for channel, _ in wanted}
    in_workspaces = {
        (channel.place.platform, channel.place.workspace, paper_id) for channel, ids in wanted for paper_id in ids
    }
    shown: dict[tuple[str, str], list[tuple[str, int, str, bool]]] = {place: [] for place in places}
    for platform, workspace, paper_id, channel_id, name, by_title in await exposures.shown_in_public(tx, in_workspaces):
        shown[platform, workspace].append((paper_id, channel_id, name, by_title))
    seen_in = {(channel_id, paper_id) for seen in shown.values() for paper_id, channel_id, *_ in seen}
    votes_on: dict[tuple[int, str], list[Vote]] = {}
    for vote in await votes.on_papers_in(tx, seen_in) if seen_in else ():
        votes_on.setdefault((vote.channel_id, vote.paper_id), []).append(vote)
    likes = {key: feedback.tally(given, emoji)[0] for key, given in votes_on.items()}
    notes: dict[int, dict[str, str]] = {}
    for channel, paper_ids in wanted:
        of_channel = notes.setdefault(channel.id, {})
        for paper_id, channel_id, name, by_title in shown[channel.place.platform, channel.place.workspace]:
            liked = likes.get((channel_id, paper_id), 0)
            if paper_id in paper_ids and channel_id != channel.id and (liked or not by_title):
                place = f"#{cut(plain_text(name), 60)}" if name else "another channel"
                of_channel[paper_id] = f"already in {place}" + (f", {liked} 👍" if liked else "")
    return notes
