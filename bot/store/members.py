"""Deletes everything that is stored about a member."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import PlaceKind
from bot.store import inbox
from bot.store.contributions import delete_orphans
from bot.store.tables import channels, contributions, corrections, installations, saved, topics, votes


async def forget(tx: AsyncConnection, platform: str, workspace: str | None, member: str) -> int:
    """Delete every trace of a member: votes on papers and words, private papers that only they gave, saved papers,
    their direct conversation, and events that name them. Their topics and channels stay, without the name.

    Without a workspace, the member with this id is deleted in all of them. Returns the number of deleted rows.
    """

    def within(table: sa.Table) -> list[sa.ColumnElement[bool]]:
        return [table.c.platform == platform, *([] if workspace is None else [table.c.workspace == workspace])]

    in_workspace = within(channels)
    channel_ids = sa.select(channels.c.id).where(*in_workspace)
    deleted = 0
    for statement in (
        sa.delete(votes).where(votes.c.member == member, votes.c.channel_id.in_(channel_ids)),
        sa.delete(corrections).where(corrections.c.member == member, corrections.c.channel_id.in_(channel_ids)),
        sa.delete(saved).where(*within(saved), saved.c.member == member),
        sa.delete(channels).where(
            *in_workspace,
            channels.c.kind == PlaceKind.DIRECT,
            sa.or_(channels.c.owner == member, channels.c.address == member),
        ),
    ):
        deleted += (await tx.execute(statement)).rowcount
    # Contributions are not counted: each has a vote, which is counted already.
    by_member = contributions.c.member == member, contributions.c.channel_id.in_(channel_ids)
    await tx.execute(sa.delete(contributions).where(*by_member))
    await delete_orphans(tx)
    deleted += await inbox.forget(tx, platform, member)
    await tx.execute(
        sa.update(topics).where(topics.c.member == member, topics.c.channel_id.in_(channel_ids)).values(member="")
    )
    await tx.execute(sa.update(channels).where(*in_workspace, channels.c.owner == member).values(owner=""))
    await tx.execute(
        sa.update(installations).where(*within(installations), installations.c.installer == member).values(installer="")
    )
    return deleted
