"""The command stats: how many picks were liked, week by week, compared with a list of the most upvoted papers.

The numbers and their sentences come from `bot/reports/`.
"""

from __future__ import annotations

from bot.commands.context import CommandContext
from bot.model.messages import Reply
from bot.reports.charts import stats_chart
from bot.reports.stats import of_channel
from bot.reports.stats_words import beside, line


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
