"""Everything that is stored about a member: counted, exported and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import PlaceKind
from bot.store import forgotten, inbox, installations
from bot.store.contributions import delete_orphans
from bot.store.forgotten import Forgotten
from bot.store.subscriptions import asked_by
from bot.store.tables import (
    channels,
    contributions,
    corrections,
    links,
    saved,
    subscriptions,
    topics,
    votes,
)
from bot.store.tables import installations as installation_rows


@dataclass(frozen=True, slots=True)
class MemberData:
    """What is stored about a member: numbers of rows, and the channels that the member invited the bot to."""

    votes: int
    word_votes: int
    saved: int
    private_papers: int
    conversations: int
    topics: int
    subscriptions: int
    owned: tuple[str, ...]

    @property
    def entries(self) -> int:
        """The rows that `forget` deletes, without those of the inbox."""
        return self.votes + self.word_votes + self.saved + self.conversations + self.subscriptions


async def data_of(tx: AsyncConnection, platform: str, workspace: str | None, member: str) -> MemberData:
    """What is stored about a member, in all workspaces if none is given."""
    rows = _rows_of(platform, workspace, member)

    async def counted(table: sa.Table) -> int:
        return int((await tx.execute(sa.select(sa.func.count()).select_from(table).where(*rows[table]))).scalar_one())

    conversations = rows[channels]
    owned = await tx.execute(
        sa.select(channels.c.name, channels.c.address)
        .where(*_within(channels, platform, workspace), channels.c.owner == member, ~sa.and_(*conversations))
        .order_by(channels.c.id)
    )
    return MemberData(
        votes=await counted(votes),
        word_votes=await counted(corrections),
        saved=await counted(saved),
        private_papers=await counted(contributions),
        conversations=await counted(channels),
        topics=await counted(topics),
        subscriptions=await counted(subscriptions),
        owned=tuple(row.name or row.address for row in owned),
    )


async def rows_of(
    tx: AsyncConnection, platform: str, workspace: str | None, member: str
) -> list[tuple[str, dict[str, Any]]]:
    """Every row about a member with the name of its kind, in all workspaces if none is given."""
    rows = _rows_of(platform, workspace, member)
    kinds = {
        channels: "conversation",
        topics: "topic",
        links: "link",
        votes: "vote",
        corrections: "correction",
        saved: "saved",
        contributions: "contribution",
        subscriptions: "subscription",
    }
    found = []
    for table, kind in kinds.items():
        # An encrypted address tells nobody anything.
        columns = [column for column in table.c if not column.name.startswith("address") or table is channels]
        result = await tx.execute(sa.select(*columns).where(*rows[table]).order_by(*table.primary_key))
        found += [(kind, dict(row._mapping)) for row in result]
    owned = sa.select(channels).where(
        *_within(channels, platform, workspace), channels.c.owner == member, ~sa.and_(*rows[channels])
    )
    found += [("invited", dict(row._mapping)) for row in await tx.execute(owned.order_by(channels.c.id))]
    return found


def _within(table: sa.Table, platform: str, workspace: str | None) -> list[sa.ColumnElement[bool]]:
    return [table.c.platform == platform, *([] if workspace is None else [table.c.workspace == workspace])]


def _rows_of(platform: str, workspace: str | None, member: str) -> dict[sa.Table, tuple[sa.ColumnElement[bool], ...]]:
    """The conditions that select a member's rows, by table. Of the channels these are direct conversations."""
    in_workspace = _within(channels, platform, workspace)
    channel_ids = sa.select(channels.c.id).where(*in_workspace)
    by_channel = {
        table: (table.c.member == member, table.c.channel_id.in_(channel_ids))
        for table in (votes, corrections, topics, contributions)
    }
    return by_channel | {
        subscriptions: tuple(asked_by(platform, workspace, member)),
        links: (links.c.made_by == member, links.c.channel_id.in_(channel_ids)),
        saved: (*_within(saved, platform, workspace), saved.c.member == member),
        channels: (
            *in_workspace,
            channels.c.kind == PlaceKind.DIRECT,
            sa.or_(channels.c.owner == member, channels.c.address == member),
        ),
    }


async def forget(tx: AsyncConnection, platform: str, workspace: str | None, member: str, now: datetime) -> int:
    """Delete every trace of a member: votes on papers and words, private papers that only they gave, saved papers,
    their direct conversation, their subscriptions by mail, and events that name them. Their topics, links and channels
    stay, without the name.

    Without a workspace, the member with this id is deleted in all of them. Returns the number of deleted rows. That
    the member was forgotten is remembered as a hash, for backups that are restored.
    """
    deleted, renamed = await _delete(tx, platform, workspace, member)
    if deleted or renamed:
        await forgotten.record(tx, platform, workspace, member, now)
    return deleted


async def forget_again(tx: AsyncConnection, known: Sequence[Forgotten], made_at: datetime | None) -> int:
    """Delete what was forgotten since a backup was made, in the store that was restored from it, and remember it.
    `known` is what the store that it replaces remembered. Returns how many members, subscriptions and workspaces were
    deleted. If the backup does not say when it was made, all that was ever forgotten is deleted."""
    await forgotten.put(tx, known)
    later = [each for each in await forgotten.every(tx) if made_at is None or each.at >= made_at]
    deleted = 0
    for platform, workspace, member in await _everybody(tx) if later else []:
        if any(each.matches(platform, workspace, member) for each in later):
            await _delete(tx, platform, workspace, member)
            deleted += 1
    for platform, workspace in await _workspaces(tx) if later else []:
        if any(each.workspace == workspace and each.matches(platform, workspace, "") for each in later):
            await installations.delete_rows(tx, platform, workspace)
            deleted += 1
    return deleted


async def _everybody(tx: AsyncConnection) -> list[tuple[str, str, str]]:
    """Everybody about whom anything is stored: (platform, workspace, member). The address of a direct conversation
    stands for its member, or for a mail subscription."""
    place = channels.c.platform, channels.c.workspace
    by_channel = [
        sa.select(*place, column).join(channels, channels.c.id == table.c.channel_id)
        for table, column in (
            (votes, votes.c.member),
            (corrections, corrections.c.member),
            (topics, topics.c.member),
            (contributions, contributions.c.member),
            (links, links.c.made_by),
        )
    ]
    by_place = [sa.select(table.c.platform, table.c.workspace, table.c.member) for table in (saved, subscriptions)]
    named = [
        *by_channel,
        *by_place,
        sa.select(*place, channels.c.owner),
        sa.select(*place, channels.c.address).where(channels.c.kind == PlaceKind.DIRECT),
        sa.select(installation_rows.c.platform, installation_rows.c.workspace, installation_rows.c.installer),
    ]
    rows = (await tx.execute(sa.union(*named))).all()
    return sorted((row[0], row[1], row[2]) for row in rows if row[2])


async def _workspaces(tx: AsyncConnection) -> list[tuple[str, str]]:
    """Every workspace of which anything is stored."""
    kinds = (sa.select(table.c.platform, table.c.workspace) for table in (channels, installation_rows, saved))
    return sorted((row[0], row[1]) for row in await tx.execute(sa.union(*kinds)))


async def _delete(tx: AsyncConnection, platform: str, workspace: str | None, member: str) -> tuple[int, int]:
    """Delete every trace of a member. Returns the number of deleted rows, and of those that lost the member's name."""
    rows = _rows_of(platform, workspace, member)
    of_subscriptions = sa.select(subscriptions.c.channel_id).where(*rows[subscriptions])
    deleted = (await tx.execute(sa.delete(channels).where(channels.c.id.in_(of_subscriptions)))).rowcount
    for table in (votes, corrections, saved, channels):
        deleted += (await tx.execute(sa.delete(table).where(*rows[table]))).rowcount
    # Contributions are not counted: each has a vote, which is counted already.
    await tx.execute(sa.delete(contributions).where(*rows[contributions]))
    await delete_orphans(tx)
    deleted += await inbox.forget(tx, platform, member)
    in_workspace = _within(channels, platform, workspace)
    installed = *_within(installation_rows, platform, workspace), installation_rows.c.installer == member
    unnamed = [
        sa.update(topics).where(*rows[topics]).values(member=""),
        sa.update(links).where(*rows[links]).values(made_by=""),
        sa.update(channels).where(*in_workspace, channels.c.owner == member).values(owner=""),
        sa.update(installation_rows).where(*installed).values(installer=""),
    ]
    return deleted, sum([(await tx.execute(statement)).rowcount for statement in unnamed])
