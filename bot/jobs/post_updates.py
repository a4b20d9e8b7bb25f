"""A planned post as its papers are now.

Between planning and sending a source may withdraw a paper, change its title, or turn out to list it under another id.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import layout
from bot.digests.past_messages import with_papers
from bot.model.codec import dump_message, load_message
from bot.model.messages import Message
from bot.model.text import count
from bot.store import deliveries, exposures, metadata, papers
from bot.store.deliveries import Delivery, Post
from bot.store.states import DeliveryKind
from recommender import Paper

WITHDRAWN = "its paper has been withdrawn meanwhile"
"""The reason of a dropped card whose paper was withdrawn."""
_COUNT = re.compile(r"^\d+ papers?\b")


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of the papers that a post shows since it was planned.

    `papers` are those that changed, by the number of their line or card, or under 0 for that of a single card. `cards`
    is the number of cards that a digest's header announces and that will come, None for any other post.
    """

    delivery: Delivery
    papers: dict[int, Paper]
    cards: int | None = None

    @property
    def drops(self) -> bool:
        """Whether the post is a card of a withdrawn paper that no member asked for."""
        card_paper = self.papers.get(0)
        return card_paper is not None and card_paper.withdrawn and self.delivery.kind is not DeliveryKind.SUBMISSION


async def since_planning(tx: AsyncConnection, posts: Sequence[Post]) -> dict[int, Changes]:
    """What has changed for posts that are still to be sent, by post id. Most often it is nothing, and one look at the
    revision of the papers tells that."""
    if not posts:
        return {}
    revision = await metadata.revision(tx)
    by_id = {each.id: each for each in await deliveries.get_many(tx, {post.delivery_id for post in posts})}
    outdated = [post for post in posts if by_id[post.delivery_id].papers_revision != revision]
    return {post.id: await _since(tx, post, by_id[post.delivery_id]) for post in outdated}


async def _since(tx: AsyncConnection, post: Post, delivery: Delivery) -> Changes:
    paper_ids = {0: post.paper_id} if post.paper_id else {}
    if not paper_ids and (post.body.get("lines") or post.body.get("cards")):
        paper_ids = {
            n: paper_id for (_, n), paper_id in (await exposures.by_number(tx, post.channel_id, post.id)).items()
        }
    if paper_ids:
        # The row of a paper that another one was merged into may be older than the delivery.
        revision = delivery.papers_revision if _shown(post.body).items() >= paper_ids.items() else -1
        changed = await papers.changed_among(tx, list(paper_ids.values()), revision)
        return Changes(delivery, {n: changed[i] for n, i in paper_ids.items() if i in changed})
    is_header = post.position == 0 and delivery.kind is DeliveryKind.DIGEST
    return Changes(delivery, {}, await deliveries.count_cards(tx, delivery.id) if is_header else None)


def _shown(body: Mapping[str, Any]) -> dict[int, str]:
    """The ids in a post's text, by the numbers of its lines or cards; that of a single card is under 0."""
    entries = [body.get("card"), *(body.get("lines") or body.get("cards") or ())]
    return {n: str(entry.get("paper_id")) for n, entry in enumerate(entries) if isinstance(entry, Mapping)}


async def applied(post: Post, changes: Changes) -> Post:
    """The post with these changes in its text. A post whose text can't be read is left as it is."""
    if not changes.papers and changes.cards is None:
        return post
    try:
        message = load_message(post.body)
    except ValidationError:
        return post
    # The texts of papers may be full of TeX, so they are converted in a thread.
    updated = await asyncio.to_thread(_updated, message, changes)
    return post if updated == message else replace(post, body=dump_message(updated))


def _updated(message: Message, changes: Changes) -> Message:
    if changes.cards is not None:
        return replace(message, text=_header(message.text, changes.cards, changes.delivery.local_date))
    return with_papers(message, changes.papers)


def _header(text: str, card_count: int, day: date) -> str:
    """A digest's header with the number of its cards; a header that names none stays as it is."""
    if card_count or not _COUNT.match(text):
        return _COUNT.sub(count(card_count, "paper"), text)
    return layout.nothing_new(day, "what was picked has been withdrawn meanwhile.")
