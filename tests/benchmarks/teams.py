"""Many teams whose bot has been at work for a while: in the store, and in the Slack that is played."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands.registry import COMMANDS
from bot.digests.cards import card
from bot.installations.encryption import TokenCipher
from bot.installations.store_backed import StoredInstallations
from bot.model.codec import dump_message, load_message
from bot.model.messages import Message, Place
from bot.operate.context import index
from bot.platforms.slack.render import posted
from bot.platforms.slack.scopes import SCOPES
from bot.ports.installations import Installation
from bot.settings import Settings
from bot.store import channels, deliveries, delivery_plans, papers, tables, topics, votes
from bot.store.database import Store
from bot.store.delivery_plans import Draft
from bot.store.states import DeliveryKind, PostState
from recommender import Paper
from tests.fakes.slack import Channel, FakeSlack, Member, Workspace
from tests.fakes.slack import Message as Shown

_TOPICS = ("federated learning", "diffusion models", "graph neural networks", "robot learning", "speech recognition")
CARDS = 5
"""A digest's, yesterday's and the next."""
_NEWS, _LIKED, _MEMBERS = 400, 40, 5


@dataclass(frozen=True, slots=True)
class Team:
    """One workspace: its channel as the store knows it and as Slack does, and the cards that stand there."""

    channel_id: int
    room: Channel
    members: tuple[Member, ...]
    cards: tuple[str, ...]


async def settle(settings: Settings, store: Store, slack: FakeSlack, count: int, seed: int = 0) -> list[Team]:
    """So many teams that follow a topic, have voted, and had a digest yesterday; news for the next one is listed."""
    rng, now = random.Random(seed), datetime.now(UTC)
    async with store.write() as tx:
        known = await papers.page(tx, "", 20 * _NEWS)
        rng.shuffle(known)
        # Recorded again, they would stay news of the day on which they were listed first.
        news = tables.papers.c.id.in_([paper.id for paper in known[:_NEWS]])
        await tx.execute(sa.update(tables.papers).where(news).values(listed_on=now.date(), news_at=now))
    await index(store, settings)
    installations = StoredInstallations(store, TokenCipher((), settings.key_file), lambda: now, "slack")
    teams = []
    for number in range(count):
        workspace = _workspace(slack, number)
        await installations.put(_installation(workspace, now))
        async with store.write() as tx:
            teams.append(await _team(tx, workspace, rng.sample(known[_NEWS:], _LIKED), now, rng))
    return teams


async def now_due(store: Store, teams: Sequence[Team]) -> None:
    """Let the next digest of all of them be due now."""
    now = datetime.now(UTC)
    async with store.write() as tx:
        for team in teams:
            await channels.change(tx, team.channel_id, next_due_at=now, next_due_on=now.date())


def _workspace(slack: FakeSlack, number: int) -> Workspace:
    workspace = slack.workspace(f"T{number}", f"team-{number}")
    workspace.scopes = set(SCOPES)
    workspace.channel(f"C{number}", f"papers-{number}")
    for one in range(_MEMBERS):
        workspace.member(f"U{number}X{one}", f"member-{one}", admin=one == 0)
    return workspace


def _installation(workspace: Workspace, now: datetime) -> Installation:
    return Installation(
        workspace.id,
        now,
        workspace.name,
        workspace.bot_user,
        workspace.bot_id,
        next(iter(workspace.members)),
        tuple(sorted(SCOPES)),
        workspace.bot_token,
    )


async def _team(
    tx: AsyncConnection, workspace: Workspace, liked: Sequence[Paper], now: datetime, rng: random.Random
) -> Team:
    [room], members = workspace.channels.values(), tuple(workspace.members.values())
    place = Place("slack", room.id, workspace.id, room.name)
    channel = await channels.add(
        tx,
        place,
        owner=members[0].id,
        hour="09:00",
        days="daily",
        zone="UTC",
        count=CARDS,
        bar=0.5,
        guess=True,
        created_at=now,
    )
    query = rng.choice(_TOPICS)
    await topics.put(tx, channel.id, query, muted=False, alert=False, member=members[0].id, now=now)
    yesterday = now - timedelta(days=1)
    for paper in liked[CARDS:]:
        signal = rng.choice(("said:more", "said:more", "said:less"))
        await votes.put(tx, votes.Vote(channel.id, paper.id, rng.choice(members).id, signal, True, yesterday))
    drafts = [Draft(dump_message(Message(card=card(paper))), paper.id) for paper in liked[:CARDS]]
    await delivery_plans.plan(tx, channel.id, yesterday.date(), DeliveryKind.DIGEST, yesterday, drafts, yesterday)
    for post in await deliveries.posts_in_channel(tx, channel.id):
        ts = workspace.ts()
        await deliveries.move(tx, post, PostState.SENDING)
        sending = replace(post, state=PostState.SENDING)
        await deliveries.move(tx, sending, PostState.SENT, message=ts, sent_at=yesterday)
        shown = posted(load_message(post.body), COMMANDS, post.key)
        room.messages.append(Shown(ts, workspace.bot_user, shown.text, shown.blocks, bot_id=workspace.bot_id))
    return Team(channel.id, room, members, tuple(shown.ts for shown in room.messages))
