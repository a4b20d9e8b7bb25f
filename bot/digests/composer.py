"""Composes digests, the papers that channels get at their hours, for one channel or for many at once.

All reads are made for the whole batch. What belongs to one channel alone runs in a thread, channel after channel, so
that the bot answers meanwhile, and an error there costs no other channel its digest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import card_texts, cards, channel_facts, channel_picks, layout, own_feeds, planning, quiet
from bot.digests.candidates import CandidateReader, DigestCandidates, unseen_of_each, window_of
from bot.digests.card_texts import CardTexts
from bot.digests.channel_facts import ChannelFacts
from bot.digests.digest import Digest
from bot.digests.feedback import EmojiTable
from bot.digests.planning import DigestOrder, PreparedDigest
from bot.digests.quiet import SourcesState
from bot.digests.selection import Selection, matching, pick_options, select
from bot.model.codec import dump_message
from bot.model.messages import Message
from bot.model.schedule import Hour
from bot.model.subscriptions import Content
from bot.paper_index import PaperIndex
from bot.ports.platform import Capabilities
from bot.private_indexes import PrivateIndexes
from bot.store import channels, delivery_plans, exposures
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.deliveries import Delivery
from bot.store.delivery_plans import Draft
from bot.store.errors import StoreError
from bot.store.states import DeliveryKind
from recommender import Baseline, Explanation, Paper, Profile, Recommender, RecommenderError, Standing

log = structlog.get_logger(__name__)
_NO_SOURCES = SourcesState((), None, "")
Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class _Material:
    """What a channel's digest of a local day is made from."""

    facts: ChannelFacts
    day: date
    candidates: DigestCandidates


class DigestComposer:
    """Composes digests.

    `window_days` is how long a paper counts as news for a channel that has had no digest yet. With `neighbours` a new
    channel begins with the likes of its workspace's other channels. `sources` are the names of the sources that are
    switched on: no other one is named as failing.
    """

    def __init__(
        self,
        store: Store,
        paper_index: PaperIndex,
        emoji: EmojiTable,
        window_days: int,
        baseline: Baseline | None = None,
        *,
        neighbours: bool = True,
        sources: Collection[str] | None = None,
        private: PrivateIndexes | None = None,
    ) -> None:
        self._store, self._paper_index, self._emoji, self._baseline = store, paper_index, emoji, baseline
        self._neighbours, self._sources, self._private = neighbours, sources, private
        self._window = timedelta(days=window_days)

    async def compose(self, channel: Channel, now: datetime, day: date | None = None) -> Digest:
        """The digest that a channel would get now. `day` is the local day it is for, today by default."""
        digests = await self.compose_many([(channel, day or now.astimezone(ZoneInfo(channel.zone)).date())], now)
        digest = digests[channel.id]
        if isinstance(digest, Exception):
            raise digest
        return digest

    async def compose_many(
        self, wanted: Sequence[tuple[Channel, date]], now: datetime
    ) -> dict[int, Digest | Exception]:
        """The digests that channels would get now, given with the local days they are for, by channel id; for a channel
        whose digest can't be made, the error."""
        await self._sync()
        failed: dict[int, Exception] = {}
        materials = await self._read(wanted, failed)
        engine = self._paper_index.engine.pinned()
        materials = await self._without_seen(engine, materials)
        await asyncio.to_thread(engine.prepare, _papers_to_learn_from(materials))
        async with self._store.read() as tx:
            all_facts = [material.facts for material in materials.values()]
            new_ids = await own_feeds.new_papers(tx, all_facts, self._window, now) if self._private else {}

        async def choose(material: _Material) -> tuple[_Material, Selection] | Digest:
            return await self._choose(engine, material, new_ids.get(material.facts.channel.id, ()), now)

        chosen = await _for_each(materials, choose, failed)
        digests = {channel_id: made for channel_id, made in chosen.items() if isinstance(made, Digest)}
        selected = {channel_id: made for channel_id, made in chosen.items() if not isinstance(made, Digest)}
        async with self._store.read() as tx:
            selections = [(material.facts.channel, selection) for material, selection in selected.values()]
            texts = await card_texts.read(tx, selections, self._emoji)
            any_quiet = not all(selection.picks for _, selection in selections)
            state = await quiet.read_state(tx, self._sources) if any_quiet else _NO_SOURCES

        async def render(made: tuple[_Material, Selection]) -> Digest:
            # The texts of a digest are converted in a thread: they may be long and full of TeX.
            return await asyncio.to_thread(_digest, *made, texts, state, now)

        digests |= await _for_each(selected, render, failed)
        return {**digests, **failed}

    async def prepare(self, orders: Sequence[DigestOrder], now: datetime) -> dict[int, PreparedDigest | Exception]:
        """The ordered digests with their messages, by channel id; for a channel whose digest can't be made, the
        error."""
        orders_by_channel = {order.channel.id: order for order in orders}
        digests = await self.compose_many([(order.channel, order.hour.local_date) for order in orders], now)
        failed = {channel_id: made for channel_id, made in digests.items() if isinstance(made, Exception)}
        composed = {channel_id: made for channel_id, made in digests.items() if not isinstance(made, Exception)}

        async def lay_out(digest: tuple[int, Digest]) -> PreparedDigest:
            return await asyncio.to_thread(PreparedDigest.of, orders_by_channel[digest[0]], digest[1])

        return {**await _for_each({i: (i, digest) for i, digest in composed.items()}, lay_out, failed), **failed}

    async def plan(self, channel: Channel, hour: Hour, now: datetime, can: Capabilities) -> Delivery | None:
        """Plan the digest of an hour. None when the day has a digest already."""
        prepared = (await self.prepare([DigestOrder(channel, hour, can)], now))[channel.id]
        if isinstance(prepared, Exception):
            raise prepared
        async with self._store.write() as tx:
            return (await planning.plan(tx, [prepared], now)).get(channel.id)

    async def plan_card(
        self, channel: Channel, paper: Paper, kind: DeliveryKind, text: str, now: datetime
    ) -> Delivery | None:
        """Plan one card outside a digest (an alert, a submission). None when the channel has had the paper."""
        async with self._store.read() as tx:
            if await exposures.posted(tx, channel.id, [paper.id]):
                return None
            notes = await card_texts.notes_for(tx, [(channel, [paper.id])], self._emoji)
        card = await asyncio.to_thread(cards.card, paper, note=notes[channel.id].get(paper.id, ""))
        drafts = [Draft(dump_message(Message(text=text, card=card)), paper.id)]
        async with self._store.write() as tx:
            day = now.astimezone(ZoneInfo(channel.zone)).date()
            return await delivery_plans.plan(tx, channel.id, day, kind, now, drafts, now, subject=paper.id)

    async def plan_list(
        self, channel: Channel, listed_papers: Sequence[Paper], kind: DeliveryKind, text: str, now: datetime
    ) -> Delivery | None:
        """Plan one message of numbered papers, at most as many as the platform can number."""
        async with self._store.read() as tx:
            paper_ids = [paper.id for paper in listed_papers]
            notes = (await card_texts.notes_for(tx, [(channel, paper_ids)], self._emoji))[channel.id]
        rendered_cards = await asyncio.to_thread(
            lambda: [cards.card(paper, note=notes.get(paper.id, "")) for paper in listed_papers]
        )
        lines = [layout.line(card) for card in rendered_cards]
        async with self._store.write() as tx:
            day = now.astimezone(ZoneInfo(channel.zone)).date()
            draft = layout.numbered(text, lines, glance=True)
            return await delivery_plans.plan(tx, channel.id, day, kind, now, [draft], now, subject=listed_papers[0].id)

    async def profile(self, tx: AsyncConnection, channel_id: int) -> Profile:
        """What the engine learns the channel's taste from."""
        channel = await channels.get(tx, channel_id)
        return (
            await channel_facts.profile_of(tx, channel, self._emoji, neighbours=self._neighbours)
            if channel
            else Profile()
        )

    async def facts(self, channel: Channel) -> ChannelFacts:
        """What the channel's digest depends on."""
        async with self._store.read() as tx:
            return (await channel_facts.read(tx, [channel], self._emoji, neighbours=self._neighbours))[channel.id]

    async def candidates(self, channel: Channel, day: date) -> DigestCandidates:
        """The papers that the channel's digest of a local day is chosen from."""
        failed: dict[int, Exception] = {}
        materials = await self._read([(channel, day)], failed)
        for error in failed.values():
            raise error
        return (await self._without_seen(self._paper_index.engine, materials))[channel.id].candidates

    async def unseen(self, channel: Channel, paper_ids: Sequence[str]) -> list[str]:
        """Those of the papers that the channel has not had and was not taught, nor under another title."""
        async with self._store.read() as tx:
            known = {channel.id: await exposures.known(tx, channel.id)}
        return list((await unseen_of_each(self._paper_index.engine, {channel.id: paper_ids}, known))[channel.id])

    async def assess(
        self,
        channel: Channel,
        profile: Profile,
        bar: float,
        candidates: DigestCandidates,
        paper_id: str,
        day: date,
        now: datetime,
    ) -> tuple[Explanation, Standing]:
        """Why a candidate would or would not be in the next digest, and its standing among the others."""
        options = pick_options(channel, day, bar, self._baseline)
        return await self._paper_index.read_consistent(
            lambda engine: engine.assess(paper_id, profile, engine.known(candidates.unseen), options, now)
        )

    async def _sync(self) -> None:
        try:
            await self._paper_index.sync()
        except (RecommenderError, OSError) as error:
            # Another process may be writing the index, or the disk may be full: the index is used as it is.
            log.warning("The search index could not be brought up to date for a digest.", why=str(error))

    async def _read(self, wanted: Sequence[tuple[Channel, date]], failed: dict[int, Exception]) -> dict[int, _Material]:
        """The facts of each channel and its candidates, among them papers that it has had."""
        days = {channel.id: day for channel, day in wanted}
        async with self._store.read() as tx:
            channels_ = [channel for channel, _ in wanted]
            each = await channel_facts.read(tx, channels_, self._emoji, neighbours=self._neighbours)
            reader = CandidateReader(tx, self._window, await self._paper_index.revision(tx))

            async def gather(of_channel: ChannelFacts) -> _Material:
                day = days[of_channel.channel.id]
                return _Material(of_channel, day, await reader.recent(of_channel, day))

            return await _for_each(each, gather, failed)

    async def _without_seen(self, engine: Recommender, materials: Mapping[int, _Material]) -> dict[int, _Material]:
        recent = {channel_id: material.candidates.recent for channel_id, material in materials.items()}
        known = {channel_id: material.facts.history.known for channel_id, material in materials.items()}
        unseen = await unseen_of_each(engine, recent, known)
        return {
            channel_id: replace(material, candidates=replace(material.candidates, unseen=unseen[channel_id]))
            for channel_id, material in materials.items()
        }

    async def _choose(
        self, engine: Recommender, material: _Material, new_ids: Sequence[str], now: datetime
    ) -> tuple[_Material, Selection] | Digest:
        """The papers of a channel's digest, or the digest of a subscription to another channel's link. `new_ids` are
        what the channel's own feeds brought."""
        of_channel, candidates, subscription = material.facts, material.candidates, material.facts.subscription
        if subscription and subscription.content is Content.CHANNEL:
            start = now - window_of(of_channel.channel, self._window)
            picks, why_none = await channel_picks.best(self._store, engine, of_channel, start, self._emoji, now)
            origin = layout.OF_CHANNEL
            return Digest(material.day, of_channel.profile, candidates.revision, picks, quiet=why_none, origin=origin)
        if subscription and subscription.content is Content.SEARCH:
            candidates = await asyncio.to_thread(matching, engine, candidates, subscription.subject)
        options = pick_options(of_channel.channel, material.day, of_channel.bar(material.day), self._baseline)
        own = own_feeds.NOTHING
        if self._private and new_ids:
            own_options = replace(options, baseline=None)
            own = await own_feeds.recommend(self._store, self._private, of_channel, new_ids, own_options, now)
        selection = await asyncio.to_thread(select, engine, of_channel, candidates, options, own, now)
        return replace(material, candidates=candidates), selection


def _papers_to_learn_from(materials: Mapping[int, _Material]) -> set[str]:
    paper_ids = {paper_id for material in materials.values() for paper_id in material.candidates.unseen}
    for material in materials.values():
        paper_ids.update(vote.paper_id for vote in material.facts.profile.feedback)
    return paper_ids


def _digest(material: _Material, selection: Selection, texts: CardTexts, state: SourcesState, now: datetime) -> Digest:
    of_channel, day, candidates = material.facts, material.day, material.candidates
    channel, profile, picks = of_channel.channel, of_channel.profile, selection.picks
    if not picks:
        why_none = quiet.reason_of_digest(of_channel, candidates, selection.too_high, state, day)
        return Digest(day, profile, candidates.revision, quiet=why_none, upvoted=selection.upvoted)
    return Digest(
        day,
        profile,
        candidates.revision,
        card_texts.cards_of(channel, profile, picks, texts, now),
        card_texts.titles_of(selection, texts),
        picked=selection.logged(profile),
        upvoted=selection.upvoted,
        from_neighbours=selection.from_neighbours,
        origin=layout.MOST_UPVOTED if selection.by_upvotes else "",
    )


async def _for_each(
    given: Mapping[int, Given], make: Callable[[Given], Awaitable[Made]], failed: dict[int, Exception]
) -> dict[int, Made]:
    """What is made for each channel. Where that fails, the error is noted."""
    made: dict[int, Made] = {}
    for channel_id, each in given.items():
        try:
            made[channel_id] = await make(each)
        except StoreError:
            raise
        except Exception as error:
            failed[channel_id] = error
    return made
