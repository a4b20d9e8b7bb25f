"""What a channel got, day by day: the papers of its digests with their reasons and likes, its alerts and submissions,
and why a day was quiet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import feedback
from bot.model.codec import load_message
from bot.model.messages import Card, Line
from bot.reports import search_lines
from bot.reports.channel_view import ChannelView
from bot.reports.search_lines import Sighting
from bot.store import deliveries, exposures, papers, votes
from bot.store.deliveries import Delivery, Post
from bot.store.states import DeliveryKind, DeliveryState, PostState
from recommender import Paper

_ON_ITS_WAY = "It is on its way."
_NOT_POSTED = "It could not be posted."
_NO_PAPERS = "It brought no papers."


@dataclass(frozen=True, slots=True)
class PostedPaper:
    """A paper that a channel got, with the reason that stood on it (`why`), and how many members like and dislike it.

    `by_title` papers were only listed below a digest's picks. `elsewhere` are the other channels that had the paper, as
    far as the readers of this channel may know them.
    """

    paper: Paper
    why: str = ""
    guess: bool = False
    by_title: bool = False
    likes: int = 0
    dislikes: int = 0
    elsewhere: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True)
class PostedDelivery:
    """One digest, alert or submission. `quiet` says why it has no papers; "" if it has some."""

    kind: DeliveryKind
    papers: tuple[PostedPaper, ...]
    quiet: str = ""

    @property
    def picks(self) -> tuple[PostedPaper, ...]:
        """The papers that were picked."""
        return tuple(posted for posted in self.papers if not posted.by_title or self.kind is not DeliveryKind.DIGEST)

    @property
    def titles(self) -> tuple[PostedPaper, ...]:
        """The papers that were listed below the picks of a digest."""
        return tuple(posted for posted in self.papers if posted.by_title and self.kind is DeliveryKind.DIGEST)


@dataclass(frozen=True, slots=True)
class PostedDay:
    """What a channel got on one local day: its digest first."""

    day: date
    deliveries: tuple[PostedDelivery, ...]


@dataclass(frozen=True, slots=True)
class PostedDays:
    """Some days of a channel, the latest first. `has_more` says whether there are earlier ones."""

    days: tuple[PostedDay, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """A paper on a message, as it was posted."""

    paper_id: str
    why: str
    guess: bool
    by_title: bool


async def of_channel(tx: AsyncConnection, view: ChannelView, limit: int, offset: int = 0) -> PostedDays:
    """The days of a channel from the place `offset` on, at most `limit`. Only messages that were posted count."""
    local_days = await deliveries.days(tx, view.channel.id, limit + 1, offset)
    planned = await deliveries.on_days(tx, view.channel.id, local_days[:limit])
    posts = await deliveries.posts_of_deliveries(tx, [delivery.id for delivery in planned])
    sent = [post for post in posts if post.state is PostState.SENT]
    ids_by_number = await exposures.numbers_on(tx, [post.id for post in sent])
    entries = {
        delivery.id: [
            entry for post in sent if post.delivery_id == delivery.id for entry in _entries(post, ids_by_number)
        ]
        for delivery in planned
    }
    posted = await _posted(tx, view, [entry for each in entries.values() for entry in each])
    days: dict[date, list[PostedDelivery]] = {day: [] for day in local_days[:limit]}
    for delivery in planned:
        listed = tuple(posted[entry] for entry in entries[delivery.id] if entry in posted)
        of_delivery = [post for post in posts if post.delivery_id == delivery.id]
        quiet = "" if listed else _quiet(delivery, of_delivery)
        days[delivery.local_date].append(PostedDelivery(delivery.kind, listed, quiet))
    return PostedDays(
        tuple(PostedDay(day, tuple(sorted(each, key=_digests_first))) for day, each in days.items()),
        len(local_days) > limit,
    )


def _entries(post: Post, ids_by_number: Mapping[tuple[int, int], str]) -> list[_Entry]:
    """The papers on a message, under the ids that they have now. A paper whose row is gone is left out."""
    try:
        message = load_message(post.body)
    except ValidationError:
        return []
    if message.card:
        return [_of_card(post.paper_id, message.card)] if post.paper_id else []
    shown: list[Card | Line] = [*message.cards, *message.lines]
    numbered = [(ids_by_number.get((post.id, number)), entry) for number, entry in enumerate(shown, 1)]
    return [
        _of_card(paper_id, entry) if isinstance(entry, Card) else _Entry(paper_id, entry.note, False, post.glance)
        for paper_id, entry in numbered
        if paper_id
    ]


def _of_card(paper_id: str, card: Card) -> _Entry:
    return _Entry(paper_id, card.why, card.guess, False)


async def _posted(tx: AsyncConnection, view: ChannelView, entries: Sequence[_Entry]) -> dict[_Entry, PostedPaper]:
    ids = list(dict.fromkeys(entry.paper_id for entry in entries))
    papers_by_id = await papers.get_many(tx, ids)
    votes_by_paper = await votes.for_papers(tx, view.channel.id, ids)
    sightings = await search_lines.sightings(tx, view.channel.id, ids, view.emoji)
    posted = {}
    for entry in entries:
        if paper := papers_by_id.get(entry.paper_id):
            likes, dislikes = feedback.tally(votes_by_paper.get(paper.id, []), view.emoji)
            elsewhere = tuple(each for each in sightings.get(paper.id, ()) if each.channel_id != view.channel.id)
            posted[entry] = PostedPaper(
                paper, entry.why, entry.guess, entry.by_title, likes, dislikes, first_of_each(elsewhere)
            )
    return posted


def first_of_each(sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """The first sighting in each channel."""
    first: dict[int, Sighting] = {}
    for sighting in sightings:
        first.setdefault(sighting.channel_id, sighting)
    return tuple(first.values())


def _quiet(delivery: Delivery, posts: Sequence[Post]) -> str:
    """Why a delivery has no papers to show."""
    if delivery.state is DeliveryState.MISSED:
        return f"Missed: {delivery.reason}" if delivery.reason else _NOT_POSTED
    if delivery.reason:
        return f"{delivery.reason[:1].upper()}{delivery.reason[1:]}"
    states = {post.state for post in posts}
    if states & {PostState.PLANNED, PostState.SENDING, PostState.UNCERTAIN}:
        return _ON_ITS_WAY
    return _NO_PAPERS if PostState.SENT in states else _NOT_POSTED


def _digests_first(delivery: PostedDelivery) -> bool:
    return delivery.kind is not DeliveryKind.DIGEST
