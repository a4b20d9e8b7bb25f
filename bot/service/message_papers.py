"""The papers that a message is about: those of the bot's post, or those that the text links to."""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands import bibliography
from bot.commands.context import Services, error_reply
from bot.digests import cards
from bot.model.codec import load_message
from bot.model.messages import Action, Line, Place, Reply
from bot.model.text import cut, plain_text
from bot.store import channels, contributions, deliveries, papers
from bot.store.deliveries import Post

_MOST = 10
_LONGEST = 20_000
"""Characters of a message that are read for links."""
_LABEL = 60


async def papers_in(services: Services, place: Place, message: str, text: str) -> tuple[Line, ...]:
    """The papers that a message is about, ten at most; none if no paper is known."""
    async with services.store.read() as tx:
        channel = await channels.find(tx, place)
        post = await deliveries.post_by_message(tx, channel.id, message) if channel else None
        names = await _of_post(tx, post) if post else []
    if not names:
        references = await asyncio.to_thread(bibliography.read, text[:_LONGEST])
        names = [paper.id for paper in references.papers]
    async with services.store.read() as tx:
        channel_id = channel.id if channel else None
        ids = list(dict.fromkeys([await contributions.resolve(tx, name, channel_id) or name for name in names]))[:_MOST]
        stored = await papers.get_many(tx, ids)
    return tuple(cards.line(stored[i]) if i in stored else Line(i, cut(plain_text(i), _LABEL)) for i in ids)


def ask_which(command: str, lines: tuple[Line, ...]) -> Reply:
    """The reply where a message is about no paper, or about several."""
    if not lines:
        return error_reply(
            "I see no paper in this message. It works on my cards, and on any message with a link to a paper, "
            "as https://arxiv.org/abs/1602.05629."
        )
    actions = [Action(cut(f"{n}. {line.title}", _LABEL), command, line.paper_id) for n, line in enumerate(lines, 1)]
    return Reply("Which paper do you mean?", lines=lines, actions=tuple(actions))


async def _of_post(tx: AsyncConnection, post: Post) -> list[str]:
    """The papers of a card or a list; for a digest's header, the papers of its cards."""
    return _named(post) or [
        paper_id
        for digest_post in await deliveries.posts_of_delivery(tx, post.delivery_id)
        for paper_id in _named(digest_post)
    ]


def _named(post: Post) -> list[str]:
    message = load_message(post.body)
    return [entry.paper_id for entry in (message.card, *message.lines) if entry]
