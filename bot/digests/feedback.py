"""Turns stored votes into the feedback that the recommender learns from."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import SUPER_REACTION_SUFFIX
from bot.store import exposures, papers, votes, word_votes
from bot.store.channels import Channel
from bot.store.exposures import Exposures
from bot.store.votes import Vote, VoteSignal
from bot.store.word_votes import WordVote
from recommender import Feedback, Paper

BUTTONS = (VoteSignal.MORE, VoteSignal.LESS)
"""Votes by a button, or by the command that does the same."""
_VALUES: dict[str, float] = {signal: -1.0 if signal is VoteSignal.LESS else 1.0 for signal in VoteSignal}

_NEIGHBOURS_VOTES = 600
"""A new channel begins with so many of the newest votes of other channels."""

_SKIN_TONE = re.compile("[\U0001f3fb-\U0001f3ff]|::skin-tone-[2-6]:?")
_ALIASES = {
    "+1": "👍", "thumbsup": "👍", "-1": "👎", "thumbsdown": "👎", "heart": "❤", "fire": "🔥", "rocket": "🚀",
    "star": "⭐", "star2": "🌟", "eyes": "👀", "tada": "🎉", "100": "💯", "star-struck": "🤩", "heart_eyes": "😍",
    "clap": "👏", "raised_hands": "🙌", "white_check_mark": "✅", "brain": "🧠", "zzz": "💤", "sleeping": "😴",
    "yawning_face": "🥱", "x": "❌", "no_entry_sign": "🚫",
}  # fmt: skip


def plain_emoji(emoji: str) -> str:
    """One name for each emoji: no skin tone, super reaction or presentation mark; well-known names as characters.

    >>> plain_emoji("+1::skin-tone-4"), plain_emoji("👍🏽::burst"), plain_emoji(":party_parrot:::burst")
    ('👍', '👍', ':party_parrot:')
    """
    bare = _SKIN_TONE.sub("", emoji.strip().removesuffix(SUPER_REACTION_SUFFIX)).replace("\ufe0f", "")
    name = bare.strip(":").lower()
    if name in _ALIASES:
        return _ALIASES[name]
    return f":{name}:" if re.fullmatch(r"[\w+'-]+", name) and not _is_picture(name) else bare


def _is_picture(text: str) -> bool:
    return any(unicodedata.category(char) in ("So", "Sk", "Sm") for char in text)


@dataclass(frozen=True, slots=True)
class EmojiTable:
    """The emoji that count as votes."""

    likes: frozenset[str]
    dislikes: frozenset[str]

    @classmethod
    def of(cls, likes: Iterable[str], dislikes: Iterable[str]) -> EmojiTable:
        """A table from emoji as the settings have them."""
        return cls(frozenset(map(plain_emoji, likes)), frozenset(map(plain_emoji, dislikes)))

    def value(self, signal: str) -> float:
        """1 for a like, -1 for a dislike, 0 for an emoji that is no vote."""
        if signal in _VALUES:
            return _VALUES[signal]
        plain = plain_emoji(signal)
        return float(plain in self.likes) - float(plain in self.dislikes)


def is_emoji(signal: str) -> bool:
    """Whether a signal is an emoji, and not one of the bot's own names for other votes."""
    return signal not in _VALUES


def on_message(signal: str) -> bool:
    """Whether a vote is a reaction on a message, and can be read back from there."""
    return is_emoji(signal) or signal in (VoteSignal.NUMBER, VoteSignal.SUPER_NUMBER)


@dataclass(frozen=True, slots=True)
class MemberVote:
    """The one vote of a member on a paper that counts."""

    paper_id: str
    member: str
    value: float
    at: datetime


def standing_votes(stored_votes: Iterable[Vote], table: EmojiTable) -> list[MemberVote]:
    """One vote per paper and member: the latest of the member's reactions that is a vote."""
    latest: dict[tuple[str, str], MemberVote] = {}
    for vote in sorted(stored_votes, key=lambda vote: (vote.at, vote.signal)):
        value = table.value(vote.signal)
        if vote.on and value:
            latest[vote.paper_id, vote.member] = MemberVote(vote.paper_id, vote.member, value, vote.at)
    return list(latest.values())


async def of_channel(tx: AsyncConnection, channel_id: int, table: EmojiTable) -> list[Feedback]:
    """All feedback of a channel: its votes on papers and on words, and the papers that it was shown and ignored."""
    return (await histories(tx, [channel_id], table))[channel_id].feedback


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a channel's papers: all `feedback`, and the ids of the papers that it has had, will have, or was
    taught (`known`), and of those that were planned but dropped."""

    feedback: list[Feedback]
    known: set[str]
    dropped: set[str]


async def histories(tx: AsyncConnection, channel_ids: Collection[int], table: EmojiTable) -> dict[int, History]:
    """The history of each channel."""
    votes_by_channel = await votes.for_channels(tx, channel_ids)
    exposures_by_channel = await exposures.for_channels(tx, channel_ids)
    words_by_channel = await word_votes.for_channels(tx, channel_ids)
    voted_ids = {vote.paper_id for given in votes_by_channel.values() for vote in given}
    private_ids = {paper_id for paper_id in voted_ids if paper_id.startswith(papers.PRIVATE_PREFIX)}
    private_papers = await papers.get_many(tx, private_ids) if private_ids else {}
    return {
        channel_id: _history(
            votes_by_channel[channel_id],
            exposures_by_channel[channel_id],
            words_by_channel[channel_id],
            private_papers,
            table,
        )
        for channel_id in channel_ids
    }


def _history(
    stored_votes: Sequence[Vote],
    exposed: Exposures,
    votes_on_words: Sequence[WordVote],
    private_papers: Mapping[str, Paper],
    table: EmojiTable,
) -> History:
    counted_votes = standing_votes(stored_votes, table)
    feedback = [
        Feedback(vote.paper_id, vote.value, vote.at, vote.member, paper=private_papers.get(vote.paper_id))
        for vote in counted_votes
    ]
    feedback += [Feedback.on_words(vote.words, float(vote.value), vote.at, vote.member) for vote in votes_on_words]
    voted_ids = {vote.paper_id for vote in counted_votes}
    feedback += [
        Feedback(shown.paper_id, 0.0, shown.at, None, shown.glance)
        for shown in exposed.shown
        if shown.paper_id not in voted_ids
    ]
    taught = {vote.paper_id for vote in stored_votes if vote.signal == VoteSignal.TAUGHT}
    return History(feedback, exposed.posted | taught, exposed.dropped)


async def of_neighbours(
    tx: AsyncConnection, channels: Collection[Channel], table: EmojiTable
) -> dict[int, list[Feedback]]:
    """The newest votes of the other channels of each channel's workspace, for channels with few votes of their own."""
    votes_of_others = await votes.from_neighbours(tx, channels, _NEIGHBOURS_VOTES)
    return {
        channel_id: [Feedback(v.paper_id, v.value, v.at, v.member) for v in standing_votes(stored_votes, table)]
        for channel_id, stored_votes in votes_of_others.items()
    }


def tally(stored_votes: Sequence[Vote], table: EmojiTable) -> tuple[int, int]:
    """The numbers of members who like a paper, and who dislike it."""
    values = [vote.value for vote in standing_votes(stored_votes, table)]
    return sum(value > 0 for value in values), sum(value < 0 for value in values)


def button_tally(stored_votes: Sequence[Vote], table: EmojiTable) -> tuple[int, int]:
    """The numbers of members who like a paper by button, and who dislike it. A member whose reaction on the message is
    the same vote is left out, so that these numbers and the reactions add up."""
    signals: defaultdict[str, set[str]] = defaultdict(set)
    for vote in stored_votes:
        if vote.on:
            signals[vote.member].add(vote.signal)
    values = []
    for standing_vote in standing_votes(stored_votes, table):
        member_signals = signals[standing_vote.member]
        by_emoji = any(on_message(signal) and table.value(signal) == standing_vote.value for signal in member_signals)
        by_button = any(_VALUES[signal] == standing_vote.value for signal in BUTTONS if signal in member_signals)
        if by_button and not by_emoji:
            values.append(standing_vote.value)
    return sum(value > 0 for value in values), sum(value < 0 for value in values)
