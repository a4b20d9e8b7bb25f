"""The digest: the papers that a channel gets at its hour, or one line that says why there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import cards, channel_picks, feedback, layout, own_feeds, quiet
from bot.digests.feedback import EmojiTable
from bot.digests.selection import pick_options, upvoted_first
from bot.model.codec import dump_message
from bot.model.messages import Card, Line, Message, PlaceKind, Style
from bot.model.schedule import Hour, Rule
from bot.model.subscriptions import Content
from bot.model.text import count, cut, plain_text
from bot.paper_index import PaperIndex
from bot.ports.platform import Capabilities
from bot.private_indexes import PrivateIndexes
from bot.store import deliveries, exposures, papers, pick_log, runs, subscriptions, topics, votes
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.deliveries import Delivery, Draft
from bot.store.pick_log import LoggedPick
from bot.store.states import DeliveryKind
from recommender import Baseline, Explanation, Paper, Pick, PickOptions, Profile, RecommenderError, Standing
from recommender.learning.threshold import PickOutcome, learned_threshold
from recommender.paper import arxiv_id

log = structlog.get_logger(__name__)
_LONGEST_LOOK_BACK = timedelta(days=30)
_NEIGHBOURS_UNTIL = 100
"""With so many votes of its own, a channel gives its neighbours' votes a tenth of their weight: they are not read
any more."""
_OVERLAP = timedelta(hours=1)
"""A post that another channel was just being sent while a digest was made is found by the next one."""
_ALL_HERE = "all that was listed has been here already."


@dataclass(frozen=True, slots=True)
class DigestCandidates:
    """The papers that a channel's next digest is chosen from, as of one `revision` of the papers.

    `recent` are the papers listed since the channel's last digest, each with its upvotes. `unseen` are those of them
    that the channel has not had under any title.
    """

    revision: int
    recent: Mapping[str, int]
    unseen: tuple[str, ...]

    def most_upvoted(self, limit: int) -> tuple[str, ...]:
        """The most upvoted of the unseen papers, best first. Papers without an upvote are left out."""
        ids = [paper_id for paper_id in self.unseen if self.recent[paper_id]]
        return tuple(sorted(ids, key=lambda paper_id: (-self.recent[paper_id], paper_id))[:limit])


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest before it is planned.

    `day` is the local day it is for, `profile` and `revision` are the feedback and the revision of the papers that it
    was made from. `titles` stand below the `cards`; `quiet` says why there are no cards. `picked` is logged for each
    card. `upvoted` are the papers that a list of the most upvoted would bring instead. `from_neighbours` says that the
    likes of other channels took part, `origin` says in words where the papers of a subscription come from.
    """

    day: date
    profile: Profile
    revision: int
    cards: tuple[Card, ...] = ()
    titles: tuple[Line, ...] = ()
    quiet: str = ""
    picked: tuple[LoggedPick, ...] = ()
    upvoted: tuple[str, ...] = ()
    from_neighbours: bool = False
    origin: str = ""

    def header(self, style: Style = Style.CARDS, *, tucked: bool = False, answer: bool = False) -> str:
        """The text above the papers, or the line that says why there are none. `tucked` says that the titles are in the
        thread of this message. In an `answer` to a member only the cards' buttons count, and reactions do not."""
        if not self.cards:
            return layout.nothing_new(self.day, self.quiet)
        start, profile = f"{count(len(self.cards), 'paper')} {layout.for_day(self.day)}", self.profile
        react = f"{'Vote' if answer else 'React'} with 👍 or 👎"
        if style is Style.COMPACT:
            react = "React with the number of each you like, as 1️⃣"
        thread_note = self._where(style, len(self.titles) if tucked else 0)
        if profile.votes:
            votes_, members = count(profile.votes, "vote"), count(profile.members, "member")
            instruction = f" {react}." if style is Style.COMPACT else ""
            return f"{start}, learned from {votes_} by {members}{thread_note}.{instruction}"
        neighbours_note = ", after what your other channels like" if self.from_neighbours else ""
        basis = ", after this channel's topics" if profile.topics else neighbours_note
        return f"{start}{basis}{thread_note}. {react}: tomorrow's follow your taste."

    def drafts(self, style: Style, can: Capabilities, *, forum: bool = False) -> list[Draft]:
        """The digest's messages in their order. In a forum they all stand in the thread of the day's post."""
        if can.whole_digests:
            return layout.letter(self.day, self.cards, self.profile, self.origin)
        if forum and style is Style.THREAD:
            style = Style.CARDS
        tucked = not forum and layout.list_in_thread(style, can)
        header = self.header(style, tucked=tucked)
        posts = layout.render_posts(header, self.cards, style, threaded=forum or style is Style.THREAD)
        return [*posts, layout.list_post(self.titles, threaded=forum or tucked)] if self.titles else posts

    @staticmethod
    def _where(style: Style, tucked: int) -> str:
        """The words that tell what is in the thread of the header, or ""."""
        titles_text = count(tucked, "more title")
        if style is Style.THREAD:
            # A platform may name the thread after the header's first sentence.
            return f". All in the thread{f', with {titles_text}' if tucked else ''}"
        return f", and {titles_text} in the thread" if tucked else ""


class DigestComposer:
    """Composes digests and plans their posts.

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

    async def profile(self, tx: AsyncConnection, channel_id: int) -> Profile:
        """What the engine learns the channel's taste from."""
        votes_ = await feedback.of_channel(tx, channel_id, self._emoji)
        profile = Profile(tuple(votes_), tuple(topic.line for topic in await topics.for_channel(tx, channel_id)))
        if self._neighbours and profile.votes < _NEIGHBOURS_UNTIL:
            return replace(profile, neighbours=tuple(await feedback.of_neighbours(tx, channel_id, self._emoji)))
        return profile

    async def compose(self, channel: Channel, now: datetime, day: date | None = None) -> Digest:
        """The digest that a channel would get now. `day` is the local day it is for, today by default."""
        zone = ZoneInfo(channel.zone)
        day = day or now.astimezone(zone).date()
        try:
            await self._paper_index.sync()
        except (RecommenderError, OSError) as error:
            # Another process may be writing the index, or the disk may be full: the index is used as it is.
            log.warning("The search index could not be brought up to date for a digest.", why=str(error))
        async with self._store.read() as tx:
            profile = await self.profile(tx, channel.id)
            bar = await self.bar(tx, channel, profile, day)
            subscription = await subscriptions.of_channel(tx, channel.id)
        candidates = await self.candidates(channel, day)
        if subscription and subscription.content is Content.CHANNEL:
            return await self._picks_of_channel(channel, subscription.subject, candidates.revision, profile, day, now)
        if subscription and subscription.content is Content.SEARCH:
            candidates = await self._matching(candidates, subscription.subject)
        revision, unseen = candidates.revision, candidates.unseen
        options = pick_options(channel, day, bar, self._baseline)
        recommendation = await self._paper_index.read_consistent(
            lambda engine: engine.recommend(profile, engine.known(unseen), options, channel.titles, now)
        )
        own = own_feeds.NOTHING
        if self._private:
            own_options = replace(options, baseline=None)
            own = await own_feeds.recommend(
                self._store, self._private, channel, profile, own_options, self._window, now
            )
        picks, title_ids = own_feeds.join(recommendation, own, channel.count, channel.titles)
        upvoted = candidates.most_upvoted(channel.count)
        is_trending = subscription and subscription.content is Content.TRENDING and not profile.has_taste
        if is_trending and upvoted:
            picks = upvoted_first(upvoted, picks, channel.count)
        logged_picks = tuple(
            LoggedPick(p.paper_id, fit=p.percentile if profile.has_taste else None, guess=p.guess, team=p.arm)
            for p in picks
        )
        async with self._store.read() as tx:
            if not picks:
                too_high = bar if recommendation.lower_bar_would_help else None
                reason = await self._quiet_reason(tx, channel, candidates, too_high, day)
                return Digest(day, profile, revision, quiet=reason, upvoted=upvoted)
            titles = tuple(map(cards.line, (await papers.get_many(tx, title_ids)).values()))
        rendered_cards = tuple(await self._cards(channel, profile, picks, now))
        return Digest(
            day,
            profile,
            revision,
            rendered_cards,
            titles,
            picked=logged_picks,
            upvoted=upvoted,
            from_neighbours=recommendation.from_neighbours,
            origin=layout.MOST_UPVOTED if is_trending and upvoted else "",
        )

    async def _matching(self, candidates: DigestCandidates, query: str) -> DigestCandidates:
        """The candidates that match a query."""

        def matching() -> tuple[str, ...]:
            engine = self._paper_index.engine
            return tuple(hit.paper_id for hit in engine.matching(query, engine.known(candidates.unseen)))

        unseen = await asyncio.to_thread(matching)
        return replace(candidates, recent={i: candidates.recent[i] for i in unseen}, unseen=unseen)

    async def _picks_of_channel(
        self, channel: Channel, secret_hash: str, revision: int, profile: Profile, day: date, now: datetime
    ) -> Digest:
        """The digest of a subscription to another channel's link: what that channel was shown since the last one."""
        async with self._store.read() as tx:
            last_digest = await deliveries.latest(tx, channel.id, DeliveryKind.DIGEST)
            moment = last_digest.planned_at - _OVERLAP if last_digest else now - self._window_of(channel)
            picks, why_none = await channel_picks.since(tx, secret_hash, channel.id, moment, self._emoji)
        if profile.votes:
            ids, everything = [card.paper_id for card in picks], PickOptions(len(picks))
            own_ranking = await self._paper_index.read_consistent(
                lambda engine: engine.recommend(profile, engine.known(ids), everything, 0, now)
            )
            ranks = {pick.paper_id: rank for rank, pick in enumerate(own_ranking.picks)}
            picks.sort(key=lambda card: ranks.get(card.paper_id, len(picks)))
        cards_ = tuple(picks[: channel.count])
        return Digest(day, profile, revision, cards_, quiet=why_none, origin=layout.OF_CHANNEL)

    def _window_of(self, channel: Channel) -> timedelta:
        """How long a paper counts as news for a first digest: at least as long as the schedule's days lie apart."""
        return max(self._window, Rule.of(channel.hour, channel.days, channel.zone).longest_gap)

    async def candidates(self, channel: Channel, day: date) -> DigestCandidates:
        """The papers that the channel's digest of a local day is chosen from."""
        async with self._store.read() as tx:
            last_digest = await deliveries.latest(tx, channel.id, DeliveryKind.DIGEST)
            # Papers that the index has not taken in yet are for the digest after this one.
            revision = max(await self._paper_index.revision(tx), last_digest.papers_revision if last_digest else 0)
            recent = await self._recent(tx, channel, day, last_digest)
        return DigestCandidates(revision, recent, tuple(await self.unseen(channel, list(recent))))

    async def unseen(self, channel: Channel, paper_ids: Sequence[str]) -> list[str]:
        """Those of the papers that the channel has not had and was not taught, nor under another title. Of a work that
        is listed under several titles one is left, on arXiv if it is there."""
        async with self._store.read() as tx:
            known_ids = await exposures.known(tx, channel.id)
        new_ids = [paper_id for paper_id in paper_ids if paper_id not in known_ids]
        engine = self._paper_index.engine

        def first_of_works() -> set[str]:
            fresh = set(new_ids) - engine.duplicates_of_seen(new_ids, known_ids)
            best_first = sorted(fresh, key=lambda paper_id: (arxiv_id(paper_id) != paper_id, paper_id))
            return fresh - engine.copies_among(best_first)

        kept = await asyncio.to_thread(first_of_works)
        return [paper_id for paper_id in new_ids if paper_id in kept]

    async def bar(self, tx: AsyncConnection, channel: Channel, profile: Profile, day: date) -> float:
        """The share of random papers that the channel's picks must beat on that day."""
        if not channel.bar_learned:
            return channel.bar
        voted_ids = {vote.paper_id for vote in profile.feedback}
        liked = {vote.paper_id for vote in profile.feedback if vote.value > 0}
        outcomes = [
            PickOutcome(pick.day, pick.fit, pick.paper_id in liked, pick.place)
            for pick in await pick_log.for_channel(tx, channel.id)
            if pick.place and pick.fit is not None and not pick.guess and pick.paper_id in voted_ids
            if pick.day and pick.day < day
        ]
        return learned_threshold(outcomes, channel.bar, day)

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

    async def plan(self, channel: Channel, hour: Hour, now: datetime, can: Capabilities) -> Delivery | None:
        """Plan the digest of an hour, in the channel's style or else as cards. None when the day has a digest
        already."""
        digest = await self.compose(channel, now, hour.local_date)
        async with self._store.write() as tx:
            # An alert may have posted one of the papers meanwhile: the header counts the papers that are left.
            paper_ids = [card.paper_id for card in digest.cards] + [line.paper_id for line in digest.titles]
            unposted = await deliveries.lock_unposted(tx, channel.id, paper_ids)
            free = unposted or ()
            free_cards = tuple(card for card in digest.cards if card.paper_id in free)
            titles = tuple(line for line in digest.titles if free_cards and line.paper_id in free)[: can.numbers]
            digest = replace(
                digest, cards=free_cards, titles=titles, quiet=digest.quiet or ("" if free_cards else _ALL_HERE)
            )
            style = layout.choose_style(channel.style, can, len(free_cards))
            forum = channel.place.kind is PlaceKind.FORUM
            drafts = digest.drafts(style, can, forum=forum)
            delivery = await deliveries.plan(
                tx,
                channel.id,
                hour.local_date,
                DeliveryKind.DIGEST,
                hour.at,
                drafts,
                now,
                reason=digest.quiet,
                papers_revision=digest.revision,
                unposted=unposted,
            )
            if delivery:
                shown_ids = {card.paper_id for card in free_cards}
                logged_picks = [pick for pick in digest.picked if pick.paper_id in shown_ids]
                await pick_log.record(tx, delivery.id, pick_log.merged(logged_picks, digest.upvoted))
            return delivery

    async def plan_card(
        self, channel: Channel, paper: Paper, kind: DeliveryKind, text: str, now: datetime
    ) -> Delivery | None:
        """Plan one card outside a digest (an alert, a submission). None when the channel has had the paper."""
        async with self._store.read() as tx:
            if await exposures.posted(tx, channel.id, [paper.id]):
                return None
            note = (await self._notes(tx, channel, [paper.id])).get(paper.id, "")
        card = await asyncio.to_thread(cards.card, paper, note=note)
        drafts = [Draft(dump_message(Message(text=text, card=card)), paper.id)]
        async with self._store.write() as tx:
            day = now.astimezone(ZoneInfo(channel.zone)).date()
            return await deliveries.plan(tx, channel.id, day, kind, now, drafts, now, subject=paper.id)

    async def plan_list(
        self, channel: Channel, listed_papers: Sequence[Paper], kind: DeliveryKind, text: str, now: datetime
    ) -> Delivery | None:
        """Plan one message of numbered papers, at most as many as the platform can number."""
        async with self._store.read() as tx:
            notes = await self._notes(tx, channel, [paper.id for paper in listed_papers])
        rendered_cards = await asyncio.to_thread(
            lambda: [cards.card(paper, note=notes.get(paper.id, "")) for paper in listed_papers]
        )
        lines = [layout.line(card) for card in rendered_cards]
        async with self._store.write() as tx:
            day = now.astimezone(ZoneInfo(channel.zone)).date()
            draft = layout.numbered(text, lines, glance=True)
            return await deliveries.plan(tx, channel.id, day, kind, now, [draft], now, subject=listed_papers[0].id)

    async def _recent(
        self, tx: AsyncConnection, channel: Channel, day: date, latest: Delivery | None
    ) -> dict[str, int]:
        """Papers that became news since the channel's last digest, and papers whose posts were dropped since, each with
        its upvotes. For a first digest, the news within the window."""
        if latest is None:
            # East of the channel's zone it is tomorrow already, so papers may be listed for tomorrow.
            window = self._window_of(channel)
            return await papers.upvotes_of_news(tx, day - window, day + timedelta(days=1))
        # Every paper stored since then counts, also one from a source that had failed and was read late.
        since = day - _LONGEST_LOOK_BACK
        recent = await papers.upvotes_of_news(tx, since, day + timedelta(days=1), latest.papers_revision)
        dropped = await papers.get_many(tx, await exposures.dropped(tx, channel.id, since))
        return recent | {paper.id: paper.upvotes for paper in dropped.values()}

    async def _cards(self, channel: Channel, profile: Profile, picks: Sequence[Pick], now: datetime) -> list[Card]:
        zone = ZoneInfo(channel.zone)
        because_ids = [reason.because for pick in picks for reason in pick.reasons if reason.because]
        async with self._store.read() as tx:
            papers_by_id = await papers.get_many(tx, [*(pick.paper_id for pick in picks), *because_ids])
            notes = await self._notes(tx, channel, [pick.paper_id for pick in picks])
        titles = {paper_id: paper.title for paper_id, paper in papers_by_id.items()}
        liked_on = {vote.paper_id: vote.at.astimezone(zone) for vote in profile.feedback if vote.value > 0}

        def render() -> list[Card]:
            rendered_cards = []
            for pick in picks:
                why = cards.why_line(pick.reasons, titles, liked_on, now.astimezone(zone).date())
                if pick.guess:
                    why = "a guess: tell me with 👍 or 👎"
                elif not why and profile.has_taste:
                    why = "no close match: the best of the rest today"
                paper = papers_by_id.get(pick.paper_id)
                if paper is None:  # it was merged into another paper after it was picked
                    continue
                rendered_cards.append(cards.card(paper, why, guess=pick.guess, note=notes.get(paper.id, "")))
            return rendered_cards

        # The texts of a whole digest are converted in a thread: they may be long and full of TeX.
        return await asyncio.to_thread(render)

    async def _notes(self, tx: AsyncConnection, channel: Channel, paper_ids: Sequence[str]) -> dict[str, str]:
        """Notes on papers that other channels of the workspace have had, by paper: where, and how many likes."""
        visible = await votes.visible_from(tx, channel.id, paper_ids)
        notes: dict[str, str] = {}
        for paper_id, channel_id, name, _, by_title in await exposures.seen_in_workspace(tx, channel.id, paper_ids):
            channel_votes = [vote for vote in visible if (vote.paper_id, vote.channel_id) == (paper_id, channel_id)]
            likes, _ = feedback.tally(channel_votes, self._emoji)
            if channel_id != channel.id and (likes or not by_title):
                place = f"#{cut(plain_text(name), 60)}" if name else "another channel"
                notes[paper_id] = f"already in {place}" + (f", {likes} 👍" if likes else "")
        return notes

    async def _quiet_reason(
        self, tx: AsyncConnection, channel: Channel, candidates: DigestCandidates, bar: float | None, day: date
    ) -> str:
        """One sentence that says why there is nothing to post. `bar` is the bar that kept every paper out, None where
        another reason did."""
        if candidates.unseen:
            new_count = len(candidates.unseen)
            papers_text = "1 new paper was" if new_count == 1 else f"{new_count} new papers were"
            if bar is None:
                return f"{papers_text} listed, all about what this channel muted."
            learned = ", as its own likes set the bar" if bar > channel.bar else ""
            return (
                f"{papers_text} listed, none close enough to what this channel likes{learned}. "
                f"`/papers settings bar {max(bar - 0.2, 0):.1f}` lets more through."
            )
        if candidates.recent and not await runs.failing(tx, self._sources):
            return _ALL_HERE
        last_digest = await deliveries.latest(tx, channel.id, DeliveryKind.DIGEST)
        read_since, since_when = (last_digest.planned_at, "since the last digest") if last_digest else (None, "yet")
        return await quiet.reason_of_sources(tx, day, read_since, self._sources, since_when)


async def next_hour(tx: AsyncConnection, channel: Channel, now: datetime) -> Hour:
    """The channel's first hour to come whose local day has no digest yet."""
    rule = Rule.of(channel.hour, channel.days, channel.zone)
    hour = rule.after(now)
    while await deliveries.find(tx, channel.id, hour.local_date, DeliveryKind.DIGEST):
        hour = rule.after(hour.at)
    return hour
