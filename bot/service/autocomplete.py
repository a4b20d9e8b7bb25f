"""What may be meant by a line typed so far."""

from __future__ import annotations

import asyncio

from bot.commands.context import Services
from bot.commands.parser import FOR_ANY_OTHER_LINE
from bot.commands.registry import COMMANDS
from bot.model.messages import Place
from bot.model.text import plain_text
from bot.store import channels, papers, topics
from recommender import Completion

_QUERIES = 5
_TITLES = 25
_LEAST_TYPED = 3
"""Characters from which on titles are offered."""


async def suggestions(services: Services, place: Place, line: str) -> list[str]:
    """Whole lines, each once: verbs, the topics of the channel there, queries with their last word completed, then
    titles."""
    typed = line.lstrip()
    first, space, rest = typed.partition(" ")
    named = first.casefold()
    lines = [] if space else [name for name in COMMANDS if name.startswith(named)]
    command = COMMANDS.get(named) if space else None
    verb, wanted = (f"{named} ", rest) if command else ("", typed)
    if command is None or command.completes_topics:
        async with services.store.read() as tx:
            channel = await channels.find(tx, place)
            followed = [topic.query for topic in await topics.for_channel(tx, channel.id)] if channel else []
        lines += [verb + query for query in followed if query.casefold().startswith(wanted.casefold())]
    if len(wanted) < _LEAST_TYPED or not (command is None or command.completes_queries or command.completes_titles):
        return list(dict.fromkeys(lines))
    engine = services.paper_index.engine
    meant = await asyncio.to_thread(engine.complete, wanted, _QUERIES, _TITLES)
    async with services.store.read() as tx:
        channel = await channels.find(tx, place)
    own = await services.private.engine(channel.id) if channel else None
    theirs = await asyncio.to_thread(own.complete, wanted, _QUERIES, _TITLES) if own else Completion()
    if command is None or command.completes_queries:
        lines += [verb + query for query in (*meant.queries, *theirs.queries)]
    if command is None or command.completes_titles:
        # A slip in a word that is complete already: what a search makes of it.
        ids = meant.paper_ids or [hit.paper_id for hit in await asyncio.to_thread(engine.search, wanted, _TITLES)]
        async with services.store.read() as tx:
            found = await papers.get_many(tx, [*theirs.paper_ids, *ids])
        lines += [f"{verb or f'{FOR_ANY_OTHER_LINE} '}{plain_text(paper.title)}" for paper in found.values()]
    return list(dict.fromkeys(lines))
