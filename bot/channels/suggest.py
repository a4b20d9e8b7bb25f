"""What may be meant by a line typed so far."""

from __future__ import annotations

import asyncio

from bot.channels import cards
from bot.channels.conversation import Tools
from bot.channels.values import Place
from bot.channels.vocabulary import VERBS
from bot.store import channels, papers, topics

_TITLES = 25
_LEAST_TYPED = 3
"""Characters from which on titles are offered."""


async def suggestions(tools: Tools, place: Place, line: str) -> list[str]:
    """Whole lines, each once: verbs, the topics of the channel there, then titles."""
    typed = line.lstrip().casefold()
    first, space, rest = typed.partition(" ")
    lines = [name for name in VERBS if name.startswith(typed)] if not space else []
    async with tools.store.read() as tx:
        channel = await channels.find(tx, place)
        followed = [topic.query for topic in await topics.of(tx, channel.id)] if channel else []
    verb = f"{first} " if space and first in ("search", "unsubscribe") else ""
    start = rest if verb else typed
    lines += [verb + query for query in followed if query.casefold().startswith(start)]
    spoken = VERBS.get(first) if space else None
    wanted = rest if spoken else typed
    if len(wanted) >= _LEAST_TYPED and (spoken is None or spoken.paper):
        found = await asyncio.to_thread(tools.library.engine.search, wanted, _TITLES)
        async with tools.store.read() as tx:
            named = await papers.get_many(tx, [hit.paper_id for hit in found])
        lines += [f"{first if spoken else 'search'} {cards.inert(paper.title)}" for paper in named.values()]
    return list(dict.fromkeys(lines))
