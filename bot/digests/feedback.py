"""From emoji to what a channel thinks of a paper."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import SUPER_REACTION_SUFFIX
from bot.store import contributions, exposures, votes, word_votes
from bot.store.votes import Vote
from recommender import Feedback

SAID_MORE, SAID_LESS, TAUGHT = "said:more", "said:less", "said:taught"
"""Votes by a button or a word instead of an emoji; taught ones are papers that a manager named as loved."""
BUTTONS = (SAID_MORE, SAID_LESS)
"""Votes by a button, or by the word that does the same."""
NUMBER = "said:number"
"""A vote by a paper's number on a message of several."""
NUMBER_BURST = NUMBER + SUPER_REACTION_SUFFIX
"""The same, put on as a burst."""
_SAID = {SAID_MORE: 1.0, SAID_LESS: -1.0, TAUGHT: 1.0, NUMBER: 1.0, NUMBER_BURST: 1.0}

_NEIGHBOURS_VOTES = 600
"""Votes of other channels that a new one begins with, the newest."""

_SKIN_TONE = re.compile("[\U0001f3fb-\U0001f3ff]|::skin-tone-[2-6]:?")
_ALIASES = {
    "+1": "👍", "thumbsup": "👍", "-1": "👎", "thumbsdown": "👎", "heart": "❤", "fire": "🔥", "rocket": "🚀",
    "star": "⭐", "star2": "🌟", "eyes": "👀", "tada": "🎉", "100": "💯", "star-struck": "🤩", "heart_eyes": "😍",
    "clap": "👏", "raised_hands": "🙌", "white_check_mark": "✅", "brain": "🧠", "zzz": "💤", "sleeping": "😴",
    "yawning_face": "🥱", "x": "❌", "no_entry_sign": "🚫",
}  # fmt: skip


def plain_emoji(emoji: str) -> str:
    """One emoji under one name: skin tones, bursts and presentation marks gone, well-known names as characters.

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
    """Which emoji are votes."""

    likes: frozenset[str]
    dislikes: frozenset[str]

    @classmethod
    def of(cls, likes: Iterable[str], dislikes: Iterable[str]) -> EmojiTable:
        """A table from emoji as people write them."""
        return cls(frozenset(map(plain_emoji, likes)), frozenset(map(plain_emoji, dislikes)))

    def value(self, signal: str) -> float:
        """1 for a like, -1 for a dislike, 0 for an emoji that is no vote."""
        if signal in _SAID:
            return _SAID[signal]
        plain = plain_emoji(signal)
        return float(plain in self.likes) - float(plain in self.dislikes)


def is_emoji(signal: str) -> bool:
    """Whether this is an emoji, and none of the bot's own names for what was said otherwise."""
    return signal not in _SAID


def on_message(signal: str) -> bool:
    """Whether a vote stands as an emoji on a message, and can be read back there."""
    return is_emoji(signal) or signal in (NUMBER, NUMBER_BURST)


@dataclass(frozen=True, slots=True)
class Standing:
    """The one vote of a member that stands on a paper."""

    paper_id: str
    member: str
    value: float
    at: datetime


def standing(heard: Iterable[Vote], table: EmojiTable) -> list[Standing]:
    """One vote per paper and member: of several emoji that stand, the latest that is a vote."""
    latest: dict[tuple[str, str], Standing] = {}
    for vote in sorted(heard, key=lambda vote: (vote.at, vote.signal)):
        value = table.value(vote.signal)
        if vote.on and value:
            latest[vote.paper_id, vote.member] = Standing(vote.paper_id, vote.member, value, vote.at)
    return list(latest.values())


async def of_channel(tx: AsyncConnection, channel_id: int, table: EmojiTable) -> list[Feedback]:
    """All that a channel has said: its votes on papers and on words, and the papers it was shown and said nothing
    of."""
    spoken = standing(await votes.for_channel(tx, channel_id), table)
    private = await contributions.voted_on(tx, channel_id)
    feedback = [
        Feedback(vote.paper_id, vote.value, vote.at, vote.member, paper=private.get(vote.paper_id)) for vote in spoken
    ]
    answered = {vote.paper_id for vote in spoken}
    silent = [one for one in await exposures.for_channel(tx, channel_id) if one.paper_id not in answered]
    corrected = await word_votes.for_channel(tx, channel_id)
    feedback += [Feedback.on_words(one.words, float(one.value), one.at, one.member) for one in corrected]
    return feedback + [Feedback(one.paper_id, 0.0, one.at, None, one.glance) for one in silent]


async def of_neighbours(tx: AsyncConnection, channel_id: int, table: EmojiTable) -> list[Feedback]:
    """What the workspace's other channels said of papers last, for one that has said little."""
    spoken = standing(await votes.from_neighbours(tx, channel_id, _NEIGHBOURS_VOTES), table)
    return [Feedback(vote.paper_id, vote.value, vote.at, vote.member) for vote in spoken]


def tally(heard: Sequence[Vote], table: EmojiTable) -> tuple[int, int]:
    """How many members like a paper, and how many do not."""
    values = [vote.value for vote in standing(heard, table)]
    return sum(value > 0 for value in values), sum(value < 0 for value in values)


def pressed(heard: Sequence[Vote], table: EmojiTable) -> tuple[int, int]:
    """How many members like a paper by button, and how many do not. Left out are those whose emoji on the message says
    the same, for it is the same vote: what is counted here and the emoji there add up."""
    signals: defaultdict[str, set[str]] = defaultdict(set)
    for vote in heard:
        if vote.on:
            signals[vote.member].add(vote.signal)
    values = []
    for stands in standing(heard, table):
        theirs = signals[stands.member]
        by_emoji = any(on_message(one) and table.value(one) == stands.value for one in theirs)
        if not by_emoji and any(_SAID[one] == stands.value for one in BUTTONS if one in theirs):
            values.append(stands.value)
    return sum(value > 0 for value in values), sum(value < 0 for value in values)
