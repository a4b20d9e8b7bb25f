"""The papers that a message is about: what was posted as that message, or what its text links to."""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands import bibliography
from bot.commands.context import Services, error_reply
from bot.digests import cards
from bot.model.messages import Action, Line, Place, Reply
from bot.model.text import cut, plain_text
from bot.store import channels, contributions, deliveries, papers
from bot.store.deliveries import Post

_MOST = 10
_LONGEST = 20_000
"""Characters of a message that are read for links."""
_LABEL = 60


async def papers_in(services: Services, place: Place, message: str, text: str) -> tuple[Line, ...]:
    """The papers that a message at a place is about, ten at most; none where nobody can tell."""
    async with services.store.read() as tx:
        channel = await channels.find(tx, place)
        post = await deliveries.post_by_message(tx, channel.id, message) if channel else None
        named = await _of_post(tx, post) if post else []
    if not named:
        read = await asyncio.to_thread(bibliography.read, text[:_LONGEST])
        named = [paper.id for paper in read.papers]
    async with services.store.read() as tx:
        here = channel.id if channel else None
        ids = list(dict.fromkeys([await contributions.resolve(tx, name, here) or name for name in named]))[:_MOST]
        found = await papers.get_many(tx, ids)
    return tuple(cards.line(found[i]) if i in found else Line(i, cut(plain_text(i), _LABEL)) for i in ids)


def which(verb: str, lines: tuple[Line, ...]) -> Reply:
    """What is answered where a message is about no paper, or about several."""
    if not lines:
        return error_reply(
            "I see no paper in this message. It works on my cards, and on any message with a link to a paper, "
            "as https://arxiv.org/abs/1602.05629."
        )
    actions = [Action(cut(f"{n}. {line.title}", _LABEL), verb, line.paper_id) for n, line in enumerate(lines, 1)]
    return Reply("Which paper do you mean?", lines=lines, actions=tuple(actions))


async def _of_post(tx: AsyncConnection, post: Post) -> list[str]:
    """The papers of a card or a list; of a digest's header, those of its cards."""
    return _named(post) or [i for one in await deliveries.posts_of_delivery(tx, post.delivery_id) for i in _named(one)]


def _named(post: Post) -> list[str]:
    shown = [post.body.get("card"), *(post.body.get("lines") or ())]
    return [str(one["paper_id"]) for one in shown if one]
