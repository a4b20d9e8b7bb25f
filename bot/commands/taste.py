"""Commands about the channel's taste: why, taste; and a paper's abstract."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.commands import outlook
from bot.commands.context import CommandContext, no_such_paper
from bot.commands.corrections import corrections_line, quote
from bot.commands.names import LESS, SAVE, SIMILAR
from bot.digests import cards
from bot.model.messages import Action, Reply
from bot.model.text import count, cut, plain_text
from bot.reports.charts import taste_chart
from bot.store import papers, word_votes
from recommender import Explanation, Paper, Profile, Word

_WORDS = 10


async def why(ctx: CommandContext, argument: str) -> Reply:
    """Why a paper is picked for this channel, or is not."""
    paper = await ctx.paper(argument)
    if paper is None:
        return no_such_paper(argument)
    if paper.id not in ctx.services.paper_index.engine:
        return Reply(_private_paper_reply(paper))
    day = ctx.now.astimezone(ctx.zone).date()
    async with ctx.services.store.read() as tx:
        profile = await ctx.services.digests.profile(tx, ctx.channel.id)
        bar = await ctx.services.digests.bar(tx, ctx.channel, profile, day)
    candidates = await ctx.services.digests.candidates(ctx.channel, day)
    prospect = await outlook.past(ctx, paper, candidates)
    if prospect:
        engine, votes = ctx.services.paper_index.engine, profile.feedback
        explanation = await asyncio.to_thread(
            engine.explain, paper.id, votes, profile.topics, ctx.now, profile.neighbours
        )
    else:
        explanation, standing = await ctx.services.digests.assess(
            ctx.channel, profile, bar, candidates, paper.id, day, ctx.now
        )
        prospect = await outlook.future(ctx, standing)
    title = f"“{cut(plain_text(paper.title), 100)}”"
    if explanation.muted_by is not None:
        return Reply(f"{title} is left out: this channel muted “{plain_text(explanation.muted_by)}”.")
    if not profile.votes and not profile.topics:
        no_taste = "this channel has told me nothing yet, so I can't say. React to a card, or subscribe."
        return Reply(f"{title}: {no_taste}\n{prospect}")
    learned_note = ", as this channel's likes set it" if bar > ctx.channel.bar else ""
    fit = f"{title} fits this channel better than {explanation.percentile:.0%} of random papers"
    rows = [
        f"{fit}; the bar is {bar:.0%}{learned_note}.",
        *await _reason_lines(ctx, explanation, profile),
        prospect,
    ]
    doubtful_words = [word for reason in explanation.reasons for word in reason.words][:1]
    less_buttons = [Action(f"Less “{cut(plain_text(word), 30)}”", LESS, quote(word)) for word in doubtful_words]
    return Reply("\n".join(rows), actions=(*_paper_buttons(paper.id), *less_buttons))


def _private_paper_reply(paper: Paper) -> str:
    """The answer about a private paper, which is not in the common index: how well it fits is not known."""
    title = cut(plain_text(paper.title), 100)
    return (
        f"“{title}” belongs to this channel or its workspace: it was taught here, or a feed of the channel brought it. "
        "No common source has listed it, so I can't say how well it fits."
    )


async def _reason_lines(ctx: CommandContext, explanation: Explanation, profile: Profile) -> list[str]:
    """The reasons for and against a paper, one line each."""
    async with ctx.services.store.read() as tx:
        because_papers = await papers.get_many(tx, [reason.because for reason in explanation.reasons if reason.because])
    liked_on = {vote.paper_id: vote.at.astimezone(ctx.zone) for vote in profile.feedback if vote.value > 0}
    titles = {paper_id: paper.title for paper_id, paper in because_papers.items()}
    why_line = cards.why_line(explanation.reasons, titles, liked_on, ctx.now.astimezone(ctx.zone).date())
    rows = []
    if why_line:
        rows.append(f"{'Here' if why_line.startswith('because') else 'For it:'} {why_line}.")
    if explanation.unwanted:
        rows.append(f"This channel asked for less of {_listed(explanation.unwanted)}.")
    if explanation.against:
        rows.append("Against it: " + _words(explanation.against) + ".")
    return rows or ["None of its words has come up in this channel's votes or topics."]


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
            rows.append(f"{name} it likes: {_words(liked)}.")
        if disliked:
            rows.append(f"{name} it avoids: {_words(disliked)}.")
    line, actions = corrections_line(standing_votes, ctx.asker.member)
    rows.append(f"{line} Say one again to take yours back." if line else "Not so? `/papers less survey` corrects me.")
    chart = taste_chart(words)
    return Reply("\n".join(rows), actions=actions, charts=(chart,) if chart else ())


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"“{plain_text(word)}”" for word in words)


def _words(words: Sequence[Word]) -> str:
    return ", ".join(plain_text(word.text) for word in words[:_WORDS])


def _paper_buttons(paper_id: str) -> tuple[Action, ...]:
    return (Action("Similar", SIMILAR, paper_id), Action("Save", SAVE, paper_id))
