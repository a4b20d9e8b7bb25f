"""Completions of a line that is being typed."""

from __future__ import annotations

import asyncio

from bot.commands.context import Command, Services
from bot.commands.names import SEARCH
from bot.model.messages import Place
from bot.model.text import plain_text
from bot.ports.platform import capabilities_in
from bot.store import channels, papers, topics
from recommender import Completion

_QUERIES = 5
_TITLES = 25
_LEAST_TYPED = 3
"""The number of characters from which on titles are offered."""


async def _values(services: Services, place: Place, command: Command, argument: str) -> list[str]:
    """The arguments of a command that complete one: its own values, else the words that its usage lists."""
    if command.values is None:
        return [choice for choice in command.choices if choice.startswith(argument.casefold())]
    async with services.store.read() as tx:
        channel = await channels.find(tx, place)
    can = capabilities_in(services.platforms[place.platform], place)
    return list(command.values(channel, can, argument)) if channel else []


async def suggestions(services: Services, place: Place, line: str) -> list[str]:
    """Whole lines, each once: commands and their values, the channel's topics, queries with their last word completed,
    then titles."""
    text = line.lstrip()
    first, space, argument = text.partition(" ")
    name = first.casefold()
    lines = [] if space else [command_name for command_name in services.commands if command_name.startswith(name)]
    command = services.commands.get(name) if space else None
    completes_queries = command is None or command.completes_queries
    completes_titles = command is None or command.completes_titles or command.takes_paper
    prefix, query = (f"{name} ", argument) if command else ("", text)
    lines += [prefix + value for value in await _values(services, place, command, query)] if command else []
    if command is None or command.completes_topics:
        async with services.store.read() as tx:
            channel = await channels.find(tx, place)
            topic_queries = [topic.query for topic in await topics.for_channel(tx, channel.id)] if channel else []
        lines += [prefix + topic for topic in topic_queries if topic.casefold().startswith(query.casefold())]
    if len(query) < _LEAST_TYPED or not (completes_queries or completes_titles):
        return list(dict.fromkeys(lines))
    engine = services.paper_index.engine
    completion = await asyncio.to_thread(engine.complete, query, _QUERIES, _TITLES)
    async with services.store.read() as tx:
        channel = await channels.find(tx, place)
    private_engine = await services.private.engine(channel.id) if channel else None
    private_completion = (
        await asyncio.to_thread(private_engine.complete, query, _QUERIES, _TITLES) if private_engine else Completion()
    )
    if completes_queries:
        lines += [prefix + completed for completed in (*completion.queries, *private_completion.queries)]
    if completes_titles:
        # If no title begins like this, perhaps because of a misspelling, the hits of a search are offered.
        ids = completion.paper_ids or [hit.paper_id for hit in await asyncio.to_thread(engine.search, query, _TITLES)]
        async with services.store.read() as tx:
            titled_papers = await papers.get_many(tx, [*private_completion.paper_ids, *ids])
        lines += [f"{prefix or f'{SEARCH} '}{plain_text(paper.title)}" for paper in titled_papers.values()]
    return list(dict.fromkeys(lines))
