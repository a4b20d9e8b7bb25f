"""Private papers: papers that a member gave to a channel, in BibTeX, and that no source has listed.

The channel to which it was given sees a private paper; if the channel is public, all of its workspace does. It is never
merged with a paper of a source: once a source lists it, the source's paper replaces it (see `papers.record`).
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
"""Private papers that one channel may be given, so that members can't fill the disk."""
PREFIX = papers.PRIVATE_PREFIX


async def give(tx: AsyncConnection, channel: Channel, member: str, paper: Paper, now: datetime) -> str | None:
    """Store a private paper that a member gives to a channel. Returns its id. If the channel sees it already, the
    stored facts stay.

    An unknown paper is not stored if it has no title, or if the channel has MOST_IN_A_CHANNEL already: then None.
    """
    stored_id = await _named(tx, identities(paper), channel.id)
    given = sa.select(sa.func.count()).select_from(contributions).where(contributions.c.channel_id == channel.id)
    if not (stored_id or paper.title) or (await tx.execute(given)).scalar_one() >= MOST_IN_A_CHANNEL:
        return stored_id
    private = _private(paper)
    if stored_id is None:
        row = papers.columns_of(private) | {"private": True, "revision": 0}
        await tx.execute(insert_new(tx, paper_rows).values(row))
        names = [{"name": name, "paper_id": private.id} for name in papers.names_of(private)]
        await tx.execute(insert_new(tx, contributed_names), names)
    paper_id = stored_id or private.id
    row = {"paper_id": paper_id, "channel_id": channel.id, "member": member, "at": now}
    await tx.execute(insert_new(tx, contributions).values(row))
    return paper_id


async def resolve(tx: AsyncConnection, text: str, channel_id: int | None) -> str | None:
    """The id of the paper that an id, a link, a DOI or a whole title means in a channel: a paper of a source, else a
    private paper that the channel may see. Without a channel, only papers of sources."""
    paper_id = await papers.resolve(tx, text)
    return paper_id or (await _named(tx, papers.names_meant(text), channel_id) if channel_id is not None else None)


async def same_as(tx: AsyncConnection, paper: Paper, channel_id: int) -> str | None:
    """The id of the stored paper that is the same as this one: one of a source, else a private one the channel sees."""
    return await papers.same_as(tx, paper) or await _named(tx, identities(paper), channel_id)


async def _named(tx: AsyncConnection, names: Sequence[str], channel_id: int) -> str | None:
    """The id of the private paper that the channel may see and that has the first of these names. A paper that was
    given to this channel comes before one of another channel."""
    rows = await tx.execute(
        sa.select(contributed_names.c.name, contributed_names.c.paper_id)
        .join(contributions, contributions.c.paper_id == contributed_names.c.paper_id)
        .where(
            contributed_names.c.name.in_(list(map(clean_name, names))),
            contributions.c.channel_id.in_(visible_from(channel_id)),
        )
        .order_by(contributions.c.channel_id != channel_id, contributions.c.at, contributed_names.c.paper_id)
    )
    ids_by_name: dict[str, str] = {}
    for row in rows:
        ids_by_name.setdefault(row.name, row.paper_id)
    return next((ids_by_name[name] for name in map(clean_name, names) if name in ids_by_name), None)


async def visible_ids(tx: AsyncConnection, channel_id: int) -> set[str]:
    """The ids of the private papers that a channel may see."""
    given = sa.select(contributions.c.paper_id).where(contributions.c.channel_id.in_(visible_from(channel_id)))
    return set((await tx.execute(given)).scalars())


async def given_to(tx: AsyncConnection, channel_id: int) -> list[Paper]:
    """The private papers that members gave to this channel itself, in the order of their ids."""
    given = sa.select(contributions.c.paper_id).where(contributions.c.channel_id == channel_id)
    rows = await tx.execute(sa.select(paper_rows).where(paper_rows.c.id.in_(given)).order_by(paper_rows.c.id))
    return [papers.paper_of(row) for row in rows]


async def delete_orphans(tx: AsyncConnection) -> int:
    """Delete the private papers that no longer have a contribution, with their votes and picks. Returns their number.
    Messages that show them stay, but lose their text."""
    orphans = sa.select(paper_rows.c.id).where(
        paper_rows.c.private, ~sa.exists().where(contributions.c.paper_id == paper_rows.c.id)
    )
    orphan_ids = list((await tx.execute(orphans)).scalars())
    for paper_id in orphan_ids:
        for table in (votes, saved, choices):
            await tx.execute(sa.delete(table).where(table.c.paper_id == paper_id))
        of_paper, is_planned = posts.c.paper_id == paper_id, posts.c.state == PostState.PLANNED
        dropped = {"state": PostState.DROPPED, "reason": WITHDRAWN}
        await tx.execute(sa.update(posts).where(of_paper, is_planned).values(dropped))
        is_settled = posts.c.state.in_([PostState.SENT, PostState.FAILED, PostState.DROPPED])
        await tx.execute(sa.update(posts).where(of_paper, is_settled).values(body={}))
        await tx.execute(sa.update(posts).where(of_paper).values(paper_id=None))
        await tx.execute(sa.update(numbers).where(numbers.c.paper_id == paper_id).values(paper_id=None))
        await tx.execute(sa.delete(paper_rows).where(paper_rows.c.id == paper_id))
    return len(orphan_ids)


def _private(paper: Paper) -> Paper:
    """The paper under a random id, which tells nothing of it and can't be guessed. The member's link is kept only if
    there is neither an arXiv id nor a DOI."""
    arxiv = arxiv_id(paper.id)
    url = f"https://arxiv.org/abs/{arxiv}" if arxiv else "" if paper.doi else paper.url
    # The id comes last: cleaning gives a paper the id that its link or DOI names.
    return replace(papers.clean(replace(paper, url=url)), id=PREFIX + token_hex(12))
