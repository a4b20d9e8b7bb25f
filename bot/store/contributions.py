"""Private papers: those that a member gave to a channel, in BibTeX, and that no source has listed.

A private paper is seen in the channel it was given to, and, where that is public, in all of its workspace. It is never
merged with a paper of a source: once a source lists it, the source's facts take its place (see `papers.record`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from secrets import token_hex

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import papers
from bot.store.channels import Channel, visible_from
from bot.store.deliveries import WITHDRAWN
from bot.store.states import PostState
from bot.store.tables import (
    choices,
    clean_name,
    contributed_names,
    contributions,
    insert_new,
    numbers,
    posts,
    saved,
    votes,
)
from bot.store.tables import papers as paper_rows
from recommender.paper import Paper, arxiv_id, identities

MOST_IN_A_CHANNEL = 2_000
"""Private papers that one channel may be given: what members write never fills the disk."""
PREFIX = papers.PRIVATE_PREFIX


async def give(tx: AsyncConnection, channel: Channel, member: str, paper: Paper, now: datetime) -> str | None:
    """Keep what a member says of a paper that no source has listed; its id here. What was said of it first stands.

    None for a paper without a title that nobody knows, and when the channel was given MOST_IN_A_CHANNEL already.
    """
    known = await _named(tx, identities(paper), channel.id)
    mine = sa.select(sa.func.count()).select_from(contributions).where(contributions.c.channel_id == channel.id)
    if not (known or paper.title) or (await tx.execute(mine)).scalar_one() >= MOST_IN_A_CHANNEL:
        return known
    private = _private(paper)
    if known is None:
        row = papers.columns_of(private) | {"private": True, "revision": 0}
        await tx.execute(insert_new(tx, paper_rows).values(row))
        names = [{"name": name, "paper_id": private.id} for name in map(clean_name, identities(private))]
        await tx.execute(insert_new(tx, contributed_names), names)
    given = {"paper_id": known or private.id, "channel_id": channel.id, "member": member, "at": now}
    await tx.execute(insert_new(tx, contributions).values(given))
    return known or private.id


async def resolve(tx: AsyncConnection, text: str, channel_id: int | None) -> str | None:
    """The id of the paper that a person in a channel means by an id, a link, a DOI or a whole title: one of the
    sources, else a private one that the channel, if there is one, may see."""
    found = await papers.resolve(tx, text)
    return found or (await _named(tx, papers.names_meant(text), channel_id) if channel_id is not None else None)


async def same_as(tx: AsyncConnection, paper: Paper, channel_id: int) -> str | None:
    """The id of the paper that a person in a channel describes: one of the sources, else a private one."""
    return await papers.same_as(tx, paper) or await _named(tx, identities(paper), channel_id)


async def _named(tx: AsyncConnection, names: Sequence[str], channel_id: int) -> str | None:
    """The private paper with the first of these names that the channel may see; its own before another's."""
    rows = await tx.execute(
        sa.select(contributed_names.c.name, contributed_names.c.paper_id)
        .join(contributions, contributions.c.paper_id == contributed_names.c.paper_id)
        .where(
            contributed_names.c.name.in_(list(map(clean_name, names))),
            contributions.c.channel_id.in_(visible_from(channel_id)),
        )
        .order_by(contributions.c.channel_id != channel_id, contributions.c.at, contributed_names.c.paper_id)
    )
    known: dict[str, str] = {}
    for row in rows:
        known.setdefault(row.name, row.paper_id)
    return next((known[name] for name in map(clean_name, names) if name in known), None)


async def visible_ids(tx: AsyncConnection, channel_id: int) -> set[str]:
    """The ids of the private papers that a channel may see."""
    given = sa.select(contributions.c.paper_id).where(contributions.c.channel_id.in_(visible_from(channel_id)))
    return set((await tx.execute(given)).scalars())


async def given_to(tx: AsyncConnection, channel_id: int) -> list[Paper]:
    """The private papers that members gave to this very channel, by id."""
    given = sa.select(contributions.c.paper_id).where(contributions.c.channel_id == channel_id)
    rows = await tx.execute(sa.select(paper_rows).where(paper_rows.c.id.in_(given)).order_by(paper_rows.c.id))
    return [papers.paper_of(row) for row in rows]


async def voted_on(tx: AsyncConnection, channel_id: int) -> dict[str, Paper]:
    """The private papers with votes in a channel, by id."""
    theirs = sa.select(votes.c.paper_id).where(votes.c.channel_id == channel_id)
    rows = await tx.execute(sa.select(paper_rows).where(paper_rows.c.private, paper_rows.c.id.in_(theirs)))
    return {row.id: papers.paper_of(row) for row in rows}


async def delete_orphans(tx: AsyncConnection) -> int:
    """Delete the private papers that no member gives any more, with all that hangs on them; how many those were. The
    messages that show them keep their place, and lose their words."""
    orphans = sa.select(paper_rows.c.id).where(
        paper_rows.c.private, ~sa.exists().where(contributions.c.paper_id == paper_rows.c.id)
    )
    gone = list((await tx.execute(orphans)).scalars())
    for paper_id in gone:
        for table in (votes, saved, choices):
            await tx.execute(sa.delete(table).where(table.c.paper_id == paper_id))
        shown, waits = posts.c.paper_id == paper_id, posts.c.state == PostState.PLANNED
        dropped = {"state": PostState.DROPPED, "reason": WITHDRAWN}
        await tx.execute(sa.update(posts).where(shown, waits).values(dropped))
        settled = posts.c.state.in_([PostState.SENT, PostState.FAILED, PostState.DROPPED])
        await tx.execute(sa.update(posts).where(shown, settled).values(body={}))
        await tx.execute(sa.update(posts).where(shown).values(paper_id=None))
        await tx.execute(sa.update(numbers).where(numbers.c.paper_id == paper_id).values(paper_id=None))
        await tx.execute(sa.delete(paper_rows).where(paper_rows.c.id == paper_id))
    return len(gone)


def _private(paper: Paper) -> Paper:
    """The paper under an id of its own, which says nothing of it and which nobody can guess. A link that the member
    wrote stands only where there is neither an arXiv id nor a DOI."""
    arxiv = arxiv_id(paper.id)
    url = f"https://arxiv.org/abs/{arxiv}" if arxiv else "" if paper.doi else paper.url
    # The id comes last: cleaning gives a paper the id that its link or DOI names.
    return replace(papers.clean(replace(paper, url=url)), id=PREFIX + token_hex(12))
