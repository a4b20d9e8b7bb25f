"""The numbers of stats as sentences."""

from __future__ import annotations

from math import sqrt

from bot.model.text import count
from bot.reports.stats import Record

FEWEST = 20
"""Of so many picks on the most upvoted list, and as many others, something can be said about the two."""
_DEVIATIONS = 2.0
"""A difference of less than so many of its standard deviations may be chance: one in twenty is larger by chance."""


def line(record: Record) -> str:
    """The record as one line."""
    if not record.posted:
        return "none posted"
    text = f"{record.liked} of {record.posted} liked ({record.liked / record.posted:.0%}), {record.disliked} disliked"
    if record.upvoted_shown:
        text += f"; of the most upvoted {record.upvoted_liked} of {record.upvoted_shown} shown here"
    return text


def beside(record: Record) -> list[str]:
    """Sentences about the most upvoted list of the same days; none if the list was empty."""
    if not record.upvoted:
        return []
    shown, liked, not_shown = record.upvoted_shown, record.upvoted_liked, record.upvoted - record.upvoted_shown
    text = f"The most upvoted list of these days had {count(record.upvoted, 'paper')}; {shown:,} came here too"
    text += f", {liked:,} of them liked." if shown else "."
    if not_shown:
        text += (
            f" The other {not_shown:,} nobody here has seen, so it would have brought between {liked:,} and"
            f" {liked + not_shown:,} liked papers."
        )
    if record.liked:
        text += f" It lacked {record.liked_only_here:,} of the {count(record.liked, 'pick')} you liked."
    return [text, verdict(record)]


def verdict(record: Record) -> str:
    """Whether the taste does better than the most upvoted list, as far as the picks of both kinds can tell: those that
    were on the list, and those that only the taste chose. Both are cards, so they were looked at alike."""
    own, shared = record.posted - record.picked_too, record.picked_too
    own_liked, shared_liked = record.liked_only_here, record.liked - record.liked_only_here
    if min(own, shared) < FEWEST or not record.liked:
        return (
            f"It is too early to tell whether the taste does better than that list: that takes {FEWEST} picks that "
            f"were on it, and {FEWEST} that were not; there are {shared:,} and {own:,}."
        )
    own_rate, own_margin = _rate(own_liked, own)
    shared_rate, shared_margin = _rate(shared_liked, shared)
    rates = (
        f"of the picks that were not on it {own_liked / own:.0%} were liked (± {own_margin:.0%}), of those that were "
        f"{shared_liked / shared:.0%} (± {shared_margin:.0%})"
    )
    difference, chance = own_rate - shared_rate, sqrt(own_margin**2 + shared_margin**2)
    if difference > chance:
        return f"The taste does better than that list: {rates}."
    if difference < -chance:
        return (
            f"The taste does no better than that list: {rates}. More votes, also 👎, and `/papers teach` help it most."
        )
    return f"Whether the taste does better than that list can't be told yet: {rates}, which may be chance."


def _rate(liked: int, shown: int) -> tuple[float, float]:
    """The share of liked papers, and its margin of error, with two liked and two other papers added (Agresti & Coull
    1998)."""
    share = (liked + 2) / (shown + 4)
    return share, _DEVIATIONS * sqrt(share * (1 - share) / (shown + 4))
