"""Completions of a line that is being typed."""

from __future__ import annotations

import asyncio

from bot.commands.context import Services
from bot.commands.parser import FOR_ANY_OTHER_LINE
from bot.model.commands import Commands
from bot.model.messages import Place
from bot.model.text import plain_text
from bot.store import channels, papers, topics
from recommender import Completion

_QUERIES = 5
_TITLES = 25
_LEAST_TYPED = 3
"""The number of characters from which on titles are offered."""


async def suggestions(services: Services, commands: Commands, place: Place, line: str) -> list[str]:
    """Whole lines, each once: commands, the channel's topics, queries with their last word completed, then titles."""
    typed = line.lstrip()
    first, space, rest = typed.partition(" ")
    named = first.casefold()
    lines = [] if space else [name for name in commands if name.startswith(named)]
    command = commands.get(named) if space else None
    prefix, wanted = (f"{named} ", rest) if command else ("", typed)
    if command is None or command.completes_topics:
        async with services.store.read() as tx:
            channel = await channels.find(tx, place)
            followed = [topic.query for topic in await topics.for_channel(tx, channel.id)] if channel else []
        lines += [prefix + query for query in followed if query.casefold().startswith(wanted.casefold())]
    if len(wanted) < _LEAST_TYPED or not (command is None or command.completes_queries or command.completes_titles):
        return list(dict.fromkeys(lines))
    engine = services.paper_index.engine
    completion = await asyncio.to_thread(engine.complete, wanted, _QUERIES, _TITLES)
    async with services.store.read() as tx:
        channel = await channels.find(tx, place)
    private_engine = await services.private.engine(channel.id) if channel else None
    private_completion = (
        await asyncio.to_thread(private_engine.complete, wanted, _QUERIES, _TITLES) if private_engine else Completion()
    )
    if command is None or command.completes_queries:
        lines += [prefix + query for query in (*completion.queries, *private_completion.queries)]
    if command is None or command.completes_titles:
        # No title begins like this, perhaps because of a misspelling: offer the hits of a search.
        ids = completion.paper_ids or [hit.paper_id for hit in await asyncio.to_thread(engine.search, wanted, _TITLES)]
        async with services.store.read() as tx:
            titled = await papers.get_many(tx, [*private_completion.paper_ids, *ids])
        lines += [f"{prefix or f'{FOR_ANY_OTHER_LINE} '}{plain_text(paper.title)}" for paper in titled.values()]
    return list(dict.fromkeys(lines))
