"""The numbers of stats as sentences."""

from __future__ import annotations

from bot.model.text import count
from bot.reports.stats import Record


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
    return [text]
