"""The digest: what a channel gets at its hour, or the one line that says why there is nothing."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels import cards, feedback
from bot.channels.feedback import EmojiTable
from bot.channels.hours import Hour
from bot.channels.values import Card, Message
from bot.courier import pack
from bot.library import Library
from bot.store import deliveries, papers, runs, topics, votes
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.deliveries import Delivery, Draft
from recommender import Feedback, IndexBusyError, Paper, Pick

DIGEST, ALERT, SUBMISSION = "digest", "alert", "submission"
_LONGEST_LOOK_BACK = timedelta(days=30)
_LOWEST_BAR = 0.05
"""Below this nothing but a muted topic keeps a paper out."""
_UNDER_WAY = timedelta(minutes=10)
"""A reading of the sources that has begun may end within this time: its papers were heard of, but not seen yet."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest as it would be: its header, its cards, and where there are none, why."""

    header: str
    cards: tuple[Card, ...] = ()
    quiet: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the bot knows of a channel when it picks: its feedback and the topics it follows or mutes."""

    feedback: tuple[Feedback, ...]
    topics: tuple[str, ...]

    @property
    def votes(self) -> int:
        """How many votes stand."""
        return sum(1 for one in self.feedback if one.value)

    @property
    def members(self) -> int:
        """How many members these are of."""
        return len({one.member for one in self.feedback if one.value})


class Digests:
    """Makes digests. `window_days` is how long a paper counts as news for a channel that has had none yet."""

    def __init__(self, store: Store, library: Library, emoji: EmojiTable, window_days: int) -> None:
        self._store, self._library, self._emoji = store, library, emoji
        self._window = timedelta(days=window_days)

    async def known(self, tx: AsyncConnection, channel_id: int) -> Known:
        """What a channel has taught the bot so far."""
        said = await feedback.of_channel(tx, channel_id, self._emoji)
        return Known(tuple(said), tuple(topic.line for topic in await topics.of(tx, channel_id)))

    async def compose(self, channel: Channel, now: datetime, day: date | None = None) -> Digest:
        """The digest a channel would get now; `day` is the local day it is for, today if not given."""
        zone = ZoneInfo(channel.zone)
        day = day or now.astimezone(zone).date()
        # When another process is just writing the index, what is in it must do.
        with contextlib.suppress(IndexBusyError):
            await self._library.catch_up()
        async with self._store.read() as tx:
            known = await self.known(tx, channel.id)
            fresh = await self._fresh(tx, channel, day)
            had = await deliveries.posted(tx, channel.id, fresh)
            candidates = [paper_id for paper_id in fresh if paper_id not in had and paper_id in self._library.engine]
            picks = self._library.engine.pick(
                known.feedback,
                candidates,
                # A guess takes the last place: where none is wanted, one place more gives its card back.
                channel.count + (not channel.guess),
                topics=known.topics,
                now=now,
                seed=zlib.crc32(f"{channel.id} {day}".encode()),
                bar=channel.bar,
            )
            if not channel.guess:
                picks = [pick for pick in picks if not pick.guess][: channel.count]
            if not picks:
                reason = await self._quiet_reason(tx, channel, fresh, candidates, day)
                return Digest(f"Nothing new {_for(day)}: {reason}", quiet=reason)
            shown = await self._cards(tx, channel, known, picks, now)
        return Digest(_header(len(shown), day, known), tuple(shown))

    async def plan(self, channel: Channel, hour: Hour, now: datetime) -> Delivery | None:
        """Plan the digest of an hour; None when that day has one already."""
        digest = await self.compose(channel, now, hour.local_date)
        drafts = [Draft(pack(Message(text=digest.header)))]
        drafts += [Draft(pack(Message(card=card)), card.paper_id) for card in digest.cards]
        async with self._store.write() as tx:
            return await deliveries.plan(
                tx, channel.id, hour.local_date, DIGEST, hour.at, drafts, now, reason=digest.quiet
            )

    async def plan_card(
        self, channel: Channel, paper: Paper, kind: str, text: str, now: datetime, why: str = ""
    ) -> Delivery | None:
        """Plan one card of its own (an alert, a submission); None when the channel has had the paper."""
        async with self._store.read() as tx:
            if await deliveries.posted(tx, channel.id, [paper.id]):
                return None
            note = (await self._notes(tx, channel, [paper.id])).get(paper.id, "")
        drafts = [Draft(pack(Message(text=text, card=cards.card(paper, why, note=note))), paper.id)]
        async with self._store.write() as tx:
            day = now.astimezone(ZoneInfo(channel.zone)).date()
            return await deliveries.plan(tx, channel.id, day, f"{kind} {paper.id}", now, drafts, now)

    async def _fresh(self, tx: AsyncConnection, channel: Channel, day: date) -> list[str]:
        """Papers that became news since the channel's last digest; for a first digest, within the window."""
        last = await deliveries.latest(tx, channel.id, DIGEST)
        if last is None:
            return await papers.news(tx, day - self._window, day)
        # Whatever was heard of since then counts, also what a source that had failed told late.
        heard_after = last.planned_at - _UNDER_WAY
        return await papers.news(tx, day - _LONGEST_LOOK_BACK, day + timedelta(days=1), heard_after)

    async def _cards(
        self, tx: AsyncConnection, channel: Channel, known: Known, picks: Sequence[Pick], now: datetime
    ) -> list[Card]:
        zone = ZoneInfo(channel.zone)
        taught_by = [reason.because for pick in picks for reason in pick.reasons if reason.because]
        found = await papers.get_many(tx, [*(pick.paper_id for pick in picks), *taught_by])
        titles = {paper_id: paper.title for paper_id, paper in found.items()}
        liked_on = {one.paper_id: one.at.astimezone(zone) for one in known.feedback if one.value > 0}
        notes = await self._notes(tx, channel, [pick.paper_id for pick in picks])
        made = []
        for pick in picks:
            why = cards.why_line(pick.reasons, titles, liked_on, now.astimezone(zone).date())
            if pick.guess:
                why = "a guess: tell me with 👍 or 👎"
            paper = found[pick.paper_id]
            made.append(cards.card(paper, why, guess=pick.guess, note=notes.get(paper.id, "")))
        return made

    async def _notes(self, tx: AsyncConnection, channel: Channel, paper_ids: Sequence[str]) -> dict[str, str]:
        """What the team's other channels made of these papers."""
        heard = await votes.of_papers_elsewhere(tx, channel.id, paper_ids)
        notes: dict[str, str] = {}
        for paper_id, channel_id, name, _ in await deliveries.seen_in_workspace(tx, channel.id, paper_ids):
            if channel_id != channel.id:
                theirs = [vote for vote in heard if (vote.paper_id, vote.channel_id) == (paper_id, channel_id)]
                likes, _ = feedback.tally(theirs, self._emoji)
                where = f"#{cards.cut(cards.inert(name), 60)}" if name else "another channel"
                notes[paper_id] = f"already in {where}" + (f", {likes} 👍" if likes else "")
        return notes

    async def _quiet_reason(
        self, tx: AsyncConnection, channel: Channel, fresh: Sequence[str], candidates: Sequence[str], day: date
    ) -> str:
        """One sentence that says why there is nothing to post."""
        if candidates:
            many = "1 new paper was" if len(candidates) == 1 else f"{len(candidates)} new papers were"
            if channel.bar < _LOWEST_BAR:
                return f"{many} listed, all about what this channel muted."
            return (
                f"{many} listed, none close enough to what this channel likes. "
                f"`/papers settings bar {max(channel.bar - 0.2, 0):.1f}` lets more through."
            )
        failing = await runs.failing(tx)
        if failing:
            names = " and ".join(cards.inert(run.source) for run in failing)
            said = cards.cut(cards.inert(failing[0].reason), 200).rstrip(".")
            return f"{names} could not be read ({said}). What was missed comes when it answers."
        if fresh:
            return "all that was listed has been here already."
        if day.weekday() >= 5:
            return "it is the weekend, and arXiv announces nothing on Saturdays and Sundays."
        notes = await runs.notes_of_last(tx)
        return cards.inert(notes[0]) if notes else "no new papers were listed."


def _header(count: int, day: date, known: Known) -> str:
    start = f"{cards.count(count, 'paper')} {_for(day)}"
    if known.votes:
        votes_, members = cards.count(known.votes, "vote"), cards.count(known.members, "member")
        return f"{start}, learned from {votes_} by {members}."
    if known.topics:
        return f"{start}, after this channel's topics. React with 👍 or 👎, and tomorrow's follow your taste."
    return f"{start}. React with 👍 or 👎, and tomorrow's follow your taste."


def _for(day: date) -> str:
    return f"for {day:%A}, {day.day} {day:%B}"
