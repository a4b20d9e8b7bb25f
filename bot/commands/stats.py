"""The command stats: how many picks were liked, week by week, compared with a list of the most upvoted papers.

The numbers are those of `bot/reports/stats.py`; here they become sentences.
"""

from __future__ import annotations

from bot.commands.context import CommandContext
from bot.model.messages import Reply
from bot.model.text import count
from bot.reports.charts import stats_chart
from bot.reports.stats import Record, of_channel


async def stats(ctx: CommandContext, argument: str) -> Reply:
    """How many picks were liked in each week, and how the most upvoted papers of those days did."""
    async with ctx.services.store.read() as tx:
        numbers = await of_channel(tx, ctx.channel.id, ctx.services.emoji)
    if numbers is None:
        return Reply("No digest has been posted here yet, so there is nothing to count.")
    rows = ["Picks that at least one member liked:"]
    rows += [f"• week of {week.monday.day} {week.monday:%b}: {line(week.record)}" for week in numbers.weeks]
    rows += [f"In all: {line(numbers.total)}.", *beside(numbers.total)]
    return Reply("\n".join(rows), charts=(stats_chart(numbers),))


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
