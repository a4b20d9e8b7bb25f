"""A store with channels of every kind whose hour has come, drawn by a seed, and copies of it on any database."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app import App, build
from bot.digests.cards import card
from bot.estimator import ChosenEstimator
from bot.model.codec import dump_message
from bot.model.messages import Card, Message, Place, PlaceKind, Style
from bot.model.subscriptions import Content
from bot.paper_index import PaperIndex
from bot.ports.platform import Capabilities
from bot.settings import load
from bot.store import (
    channel_feeds,
    channels,
    contributions,
    delivery_plans,
    links,
    papers,
    pick_log,
    runs,
    subscriptions,
    tables,
    topics,
    votes,
    word_votes,
)
from bot.store.channel_feeds import ChannelFeed
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.delivery_plans import Draft
from bot.store.links import token_hash
from bot.store.pick_log import LoggedPick
from bot.store.states import DeliveryKind, PostState
from bot.store.votes import Vote
from bot.store.word_votes import WordVote
from recommender import Paper, Recommender
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import demo_papers, no_sleep

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
CHAT = FakeChat(
    Capabilities(max_text=4000, lookup=True, reads_reactions=True, threads=True, asides_in_threads=True, numbers=10)
)
POST = FakeChat(Capabilities(max_text=20_000, whole_digests=True, interactive=False), "post")
PLAIN = FakeChat(Capabilities(max_text=4000), "plain")
_ZONES = ("UTC", "Europe/Berlin", "Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago")
_TOPICS = ("language models", "reinforcement learning", '"graph neural network"', "cat:cs.CV", "diffusion", "speech")
_SIGNALS = ("said:more", "said:more", "👍", "🔥", "said:less", "👎", "👀", "said:taught", "said:number")


def app_over(store: Store, index: PaperIndex, rival: str = "") -> App:
    """The bot over a store, with three platforms of different capabilities."""
    settings = load(None, {})
    settings = settings.model_copy(update={"experiment": settings.experiment.model_copy(update={"rival": rival})})
    platforms = {chat.name: chat for chat in (CHAT, POST, PLAIN)}
    return build(settings, store, index, platforms, [], Clock(NOW), no_sleep)


async def index_of(store: Store) -> PaperIndex:
    """The index of a store, in memory."""
    index = PaperIndex(store, Recommender(), None, ChosenEstimator(load(None, {}).taste).applied)
    await index.sync()
    return index


@dataclass(frozen=True, slots=True)
class World:
    """What a seed draws from."""

    rng: random.Random
    old: Sequence[Paper]
    new: Sequence[Paper]

    async def fill(self, store: Store, count: int) -> None:
        """Papers of a week, and so many channels."""
        async with store.write() as tx:
            run = await runs.start(tx, "arxiv", NOW.date(), NOW.date(), NOW)
            await runs.done(tx, run, listed=1, added=1, notes=["A note."], memory={}, now=NOW)
            for day in range(7):
                listed = {paper.id: NOW.date() - timedelta(7 - day) for paper in self.old[day::7]}
                await papers.record(tx, self.old[day::7], NOW - timedelta(7 - day), listed)
        async with store.read() as tx:
            known = [paper.id for paper in await papers.page(tx, "", 1_000)]
        revision, made = 4, list[Channel]()
        for number in range(count):
            async with store.write() as tx:
                made.append(await self._add_channel(tx, number, known, revision, made))
        async with store.write() as tx:
            await self._list_news(tx)

    async def _list_news(self, tx: AsyncConnection) -> None:
        """The news since: some of them withdrawn, popular, copies of others, or old papers under their arXiv id."""
        listed_twice = enumerate([*self.new[:3], *self.old[:4]])
        copies = [replace(paper, id=f"openreview:copy{n}", title=f"Another title, {n}") for n, paper in listed_twice]
        news = [*self.new, *copies]
        news = [replace(paper, upvotes=self.rng.choice((0, 0, 0, 2, 40))) for paper in news]
        news[5] = replace(news[5], withdrawn=True)
        days = (0, 0, 1, 1, -1)
        await papers.record(tx, news, NOW, {paper.id: NOW.date() - timedelta(self.rng.choice(days)) for paper in news})
        # An old paper becomes one with a new one: its votes and posts move.
        merged = replace(self.old[10], doi="10.1000/182", source="A journal")
        await papers.record(tx, [merged, replace(self.old[10], id=self.new[-1].id, title=self.old[10].title)], NOW)

    async def _add_channel(
        self, tx: AsyncConnection, number: int, known: Sequence[str], revision: int, before: Sequence[Channel]
    ) -> Channel:
        rng = self.rng
        by_mail, kind = number % 6 == 5, rng.choice(list(PlaceKind))
        platform = "post" if by_mail else rng.choice(("fake", "fake", "fake", "plain"))
        workspace = "" if by_mail else rng.choice(("W1", "W2", "W3"))
        place = Place(platform, f"c{number}", workspace, f"papers-{number}", kind, rng.random() < 0.3)
        due = NOW - timedelta(minutes=rng.randrange(60), days=rng.choice((0, 0, 0, 2)))
        channel = await channels.add(
            tx,
            place,
            owner="ada",
            hour=rng.choice(("09:00", "12:30")),
            days=rng.choice(("daily", "weekdays", "fridays")),
            zone="Nowhere/Gone" if number == 3 else rng.choice(_ZONES),
            count=rng.choice((1, 3, 5, 8)),
            titles=rng.choice((0, 3, 10)),
            bar=rng.choice((0.0, 0.5, 0.9, 0.999)),
            bar_learned=rng.random() < 0.5,
            guess=rng.random() < 0.7,
            style=rng.choice(list(Style)),
            next_due_at=due,
            next_due_on=due.date(),
            state_reason=rng.choice(("", "", "it was archived")),
            created_at=NOW - timedelta(days=9),
        )
        if by_mail:
            await self._subscribe(tx, channel, before)
        for query in rng.sample(_TOPICS, rng.choice((0, 0, 1, 2))):
            await topics.put(tx, channel.id, query, muted=rng.random() < 0.4, alert=False, member="ada", now=NOW)
        if rng.random() < 0.2:
            await topics.put(tx, channel.id, "the", muted=True, alert=False, member="ada", now=NOW)
        shown = await self._past_digests(tx, channel, known, revision) if number % 4 else []
        await self._votes(tx, channel, shown or known)
        if number % 5 == 2:
            await self._own_feed(tx, channel)
        return channel

    async def _subscribe(self, tx: AsyncConnection, channel: Channel, before: Sequence[Channel]) -> None:
        content, subject = self.rng.choice(list(Content)), ""
        if content is Content.SEARCH:
            subject = self.rng.choice(_TOPICS)
        if content is Content.CHANNEL:
            token = await links.make(tx, self.rng.choice(before).id, "ada", NOW)
            subject = token_hash(token or "")
        await subscriptions.add(
            tx, channel.id, address="sealed", address_hash=str(channel.id), content=content, subject=subject,
            platform="", workspace="", member="", confirmed_at=NOW,
        )  # fmt: skip

    async def _past_digests(
        self, tx: AsyncConnection, channel: Channel, known: Sequence[str], revision: int
    ) -> list[str]:
        """Some digests of the last days, sent or dropped, with their picks. Returns the papers on them."""
        rng, shown = self.rng, list[str]()
        free = rng.sample(known, len(known))
        for day in range(rng.choice((1, 3, 6)), 0, -1):
            at = NOW - timedelta(days=day)
            cards, titles = [free.pop() for _ in range(5)], [free.pop() for _ in range(4)]
            drafts = [Draft(dump_message(Message(card=_card(i))), i) for i in cards]
            drafts.append(Draft(dump_message(Message("Also")), numbered=tuple(titles), glance=rng.random() < 0.7))
            planned = await delivery_plans.plan(
                tx, channel.id, at.date(), DeliveryKind.DIGEST, at, drafts, at, papers_revision=revision
            )
            assert planned
            picks = [LoggedPick(i, fit=rng.random(), guess=rng.random() < 0.1) for i in cards]
            await pick_log.record(tx, {planned.id: pick_log.merged(picks, titles[:2])})
            state = PostState.DROPPED if rng.random() < 0.2 else PostState.SENT
            sent = {"message": tables.posts.c.key, "sent_at": at} if state is PostState.SENT else {}
            is_post = tables.posts.c.delivery_id == planned.id
            await tx.execute(sa.update(tables.posts).where(is_post).values(state=state, **sent))
            shown += [*cards, *titles]
        return shown

    async def _votes(self, tx: AsyncConnection, channel: Channel, among: Sequence[str]) -> None:
        rng = self.rng
        for paper_id in rng.sample(among, min(len(among), rng.choice((0, 2, 12, 30)))):
            for member in rng.sample(("ada", "ben", "cyd"), rng.choice((1, 1, 3))):
                at = NOW - timedelta(hours=rng.randrange(1, 150))
                await votes.put(tx, Vote(channel.id, paper_id, member, rng.choice(_SIGNALS), rng.random() < 0.9, at))
        if rng.random() < 0.4:
            await word_votes.put(tx, WordVote(channel.id, "transformer", "ben", rng.choice((-1, 1)), NOW))

    async def _own_feed(self, tx: AsyncConnection, channel: Channel) -> None:
        """A feed of the channel's own, whose papers only the channel knows."""
        feed = ChannelFeed(channel.id, f"feed example.org ({channel.id})", "https://example.org/feed", NOW)
        await channel_feeds.add(tx, feed)
        for number in range(4):
            paper = replace(
                self.rng.choice(self.old), id=f"own {channel.id} {number}", title=f"Our own {number}", authors=("We",)
            )
            paper_id = await contributions.give(tx, channel, feed.name, paper, NOW - timedelta(hours=number))
            if paper_id and number == 3:
                await votes.put(tx, Vote(channel.id, paper_id, "ada", "said:more", True, NOW))


def _card(paper_id: str) -> Card:
    return card(Paper(paper_id, f"Title of {paper_id}", ""), "a reason")


def world(seed: int) -> World:
    """What this seed draws from."""
    some = demo_papers()
    rng = random.Random(seed)
    rng.shuffle(some)
    return World(rng, some[:160], some[160:220])


async def copy_rows(source: Store, target: Store) -> None:
    """Every row of one store in another, empty one."""
    async with source.read() as from_, target.write() as to:
        for table in tables.metadata.sorted_tables:
            rows: list[dict[str, Any]] = [dict(row._mapping) for row in await from_.execute(sa.select(table))]
            await to.execute(sa.delete(table))
            if rows:
                await to.execute(sa.insert(table), rows)
            if not target.is_sqlite and "id" in table.c and isinstance(table.c.id.type, sa.Integer):
                sequence = sa.func.pg_get_serial_sequence(table.name, "id")
                last = max((row["id"] for row in rows), default=1)
                await to.execute(sa.select(sa.func.setval(sequence, last, bool(rows))))
