"""Commands about the channel's taste: why, taste; and a paper's abstract."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.commands.context import CommandContext, no_such_paper
from bot.commands.corrections import corrections_line, quote
from bot.commands.names import LESS, SAVE, SIMILAR
from bot.digests import cards
from bot.model.messages import Action, Reply
from bot.model.text import count, cut, plain_text
from bot.reports import why as why_report
from bot.reports.charts import taste_chart
from bot.reports.why import words_of
from bot.store import word_votes


async def why(ctx: CommandContext, argument: str) -> Reply:
    """Why a paper is picked for this channel, or is not."""
    paper = await ctx.paper(argument)
    if paper is None:
        return no_such_paper(argument)
    report = await why_report.of_paper(ctx.view, paper)
    if not report.has_taste:
        return Reply(report.text)
    word = report.doubtful_word
    less_buttons = [Action(f"Less “{cut(plain_text(word), 30)}”", LESS, quote(word))] if word else []
    return Reply(report.text, actions=(*_paper_buttons(paper.id), *less_buttons))


async def abstract(ctx: CommandContext, argument: str) -> Reply:
    """The whole abstract of a paper."""
    paper = await ctx.paper(argument)
    if paper is None:
        return no_such_paper(argument)
    text = await asyncio.to_thread(plain_text, paper.abstract)
    card = await asyncio.to_thread(cards.card, replace(paper, abstract=""))
    return Reply(text or "Its source gave no abstract.", cards=(card,))


async def taste(ctx: CommandContext, argument: str) -> Reply:
    """The words and categories that this channel likes and dislikes."""
    async with ctx.services.store.read() as tx:
        profile = await ctx.services.digests.profile(tx, ctx.channel.id)
        standing_votes = await word_votes.for_channel(tx, ctx.channel.id)
    words = await asyncio.to_thread(ctx.services.paper_index.engine.taste, profile.feedback, profile.topics, ctx.now)
    if not profile.votes and not profile.topics:
        return Reply(
            "Nothing learned here yet. React to a card with 👍 or 👎, subscribe to a topic, or teach me papers."
        )
    votes_, members = count(profile.votes, "vote"), count(profile.members, "member")
    rows = [f"Learned from {votes_} by {members} and {count(len(profile.topics), 'topic')}."]
    for name, liked, disliked in (
        ("Words", words.liked, words.disliked),
        ("Categories", words.liked_categories, words.disliked_categories),
    ):
        if liked:
            rows.append(f"{name} it likes: {words_of(liked)}.")
        if disliked:
            rows.append(f"{name} it avoids: {words_of(disliked)}.")
    line, actions = corrections_line(standing_votes, ctx.asker.member)
    rows.append(f"{line} Say one again to take yours back." if line else "Not so? `/papers less survey` corrects me.")
    chart = taste_chart(words)
    return Reply("\n".join(rows), actions=actions, charts=(chart,) if chart else ())


def _paper_buttons(paper_id: str) -> tuple[Action, ...]:
    return (Action("Similar", SIMILAR, paper_id), Action("Save", SAVE, paper_id))
