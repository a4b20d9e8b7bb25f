"""Members: all that is known of one, and how it is forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.values import Kind
from bot.store.tables import channels, saved, topics, votes


async def forget(tx: AsyncConnection, platform: str, workspace: str, member: str) -> int:
    """Delete every trace of a member: votes, saved papers, their direct conversation; their topics and channels stay
    the team's, without the name. How many rows went."""
    there = (channels.c.platform == platform, channels.c.workspace == workspace)
    theirs = sa.select(channels.c.id).where(*there)
    gone = 0
    for statement in (
        sa.delete(votes).where(votes.c.member == member, votes.c.channel_id.in_(theirs)),
        sa.delete(saved).where(saved.c.platform == platform, saved.c.workspace == workspace, saved.c.member == member),
        sa.delete(channels).where(*there, channels.c.kind == Kind.DIRECT, channels.c.owner == member),
    ):
        gone += (await tx.execute(statement)).rowcount
    await tx.execute(
        sa.update(topics).where(topics.c.member == member, topics.c.channel_id.in_(theirs)).values(member="")
    )
    await tx.execute(sa.update(channels).where(*there, channels.c.owner == member).values(owner=""))
    return gone
