"""Every command with all its traits: nothing else in the product names what a command is or can do."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bot.commands import members, schedule, search, stats, taste, topics, votes
from bot.commands.context import CommandContext
from bot.model.commands import CardButton, CommandSet, CommandTraits, MenuEntry
from bot.model.messages import Reply
from bot.model.text import count, plain_text
from bot.store import topics as topic_rows

Handler = Callable[[CommandContext, str], Coroutine[Any, Any, Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(CommandTraits):
    """A command with the function that answers it. The function gets the argument as text."""

    handler: Handler


async def _help(ctx: CommandContext, argument: str) -> Reply:
    channel = ctx.channel
    async with ctx.services.store.read() as tx:
        profile = await ctx.services.digests.profile(tx, channel.id)
        followed = await topic_rows.for_channel(tx, channel.id)
    names = ", ".join(f"“{plain_text(topic.line)}”" for topic in followed[:10]) or "none yet"
    rows = [
        f"Next digest: {schedule.next_digest(channel)}.",
        f"Learned from {count(profile.votes, 'vote')} by {count(profile.members, 'member')}. Topics: {names}.",
        "",
        "What you can say:",
        *(f"• `/papers {command.usage}`: {command.does}" for command in COMMANDS.values() if command.listed),
        "Anything else is a search, as `/papers federated learning`.",
    ]
    return Reply("\n".join(rows))


COMMANDS = CommandSet(
    [
        Command(usage="help", does="this list, and how things stand here", handler=_help, shareable=True),
        Command(
            usage='search federated "differential privacy" cat:cs.LG author:mcmahan after:2025 -survey',
            does="search; add `for us` to rank by this channel's taste",
            handler=search.search,
            shareable=True,
            completes_titles=True,
            completes_queries=True,
            completes_topics=True,
        ),
        Command(usage="today", does="the digest as it would be now", handler=search.today, shareable=True),
        Command(
            usage="trending [day|week|month]",
            does="the most upvoted and most liked",
            handler=search.trending,
            shareable=True,
        ),
        Command(
            usage="subscribe federated learning [alert]",
            does="rank a topic up; `-word` mutes one",
            handler=topics.subscribe,
            managers_only=True,
            completes_queries=True,
            starts_digests=True,
        ),
        Command(
            usage="unsubscribe federated learning",
            does="drop a topic",
            handler=topics.unsubscribe,
            managers_only=True,
            completes_topics=True,
        ),
        Command(usage="topics", does="this channel's topics and what each brings", handler=topics.show, shareable=True),
        Command(
            usage="similar <paper>",
            does="the papers nearest to one (an id, a link or a title)",
            handler=search.similar,
            shareable=True,
            takes_paper=True,
            completes_titles=True,
            button=CardButton(4, "Similar"),
        ),
        Command(
            usage="why <paper>",
            does="why it is, or is not, for this channel",
            handler=taste.why,
            shareable=True,
            takes_paper=True,
            completes_titles=True,
            menu=MenuEntry(2, "Why this paper", "How well this message's paper fits this channel"),
        ),
        Command(
            usage="abstract <paper>",
            does="the whole abstract",
            handler=taste.abstract,
            shareable=True,
            takes_paper=True,
            completes_titles=True,
            shows_abstract=True,
            button=CardButton(5, "Abstract"),
        ),
        Command(
            usage="more <paper or words>",
            does="a vote for it, as 👍 on its card; or for what has these words",
            handler=votes.more,
            takes_paper=True,
            completes_titles=True,
            answers_at_once=True,
            button=CardButton(1, "More like this"),
            menu=MenuEntry(1, "More like this", "Count this message's paper as liked here"),
            emoji="👍",
        ),
        Command(
            usage="less <paper or words>",
            does="a vote against it, as 👎 on its card; or against what has these words",
            handler=votes.less,
            takes_paper=True,
            completes_titles=True,
            answers_at_once=True,
            button=CardButton(2, "Less"),
            emoji="👎",
        ),
        Command(
            usage="save <paper>",
            does="keep it for yourself",
            handler=votes.save,
            takes_paper=True,
            completes_titles=True,
            answers_at_once=True,
            button=CardButton(3, "Save"),
        ),
        Command(
            usage="unsave <paper>",
            does="keep it no longer",
            handler=votes.unsave,
            listed=False,
            takes_paper=True,
            completes_titles=True,
            answers_at_once=True,
        ),
        Command(usage="saved [bib]", does="what you keep, also as BibTeX", handler=votes.show_saved, pages_home=True),
        Command(
            usage="teach <ids, links or BibTeX>",
            does="start from papers the team loves",
            handler=votes.teach,
            managers_only=True,
            takes_file="a .bib file of papers you love",
        ),
        Command(
            usage="submit <arXiv link>",
            does="put a paper before the channel",
            handler=votes.submit,
            completes_titles=True,
        ),
        Command(usage="taste", does="what this channel likes and dislikes", handler=taste.taste, shareable=True),
        Command(usage="stats", does="how many picks were liked, week by week", handler=stats.stats, shareable=True),
        Command(
            usage="schedule 09:00 weekdays Europe/Berlin 5",
            does="when digests come and how many cards",
            handler=schedule.schedule,
            managers_only=True,
            anyone_may_look=True,
            has_form=True,
            starts_digests=True,
        ),
        Command(usage="pause", does="no digests until `/papers resume`", handler=schedule.pause, managers_only=True),
        Command(
            usage="resume",
            does="digests again",
            handler=schedule.resume,
            listed=False,
            managers_only=True,
            starts_digests=True,
        ),
        Command(
            usage="settings [name value]",
            does="every setting here, the digest's style among them",
            handler=schedule.settings,
            managers_only=True,
            anyone_may_look=True,
            has_form=True,
        ),
        Command(usage="forget me", does="delete every trace of you", handler=members.forget),
        Command(
            usage="export",
            does="everything this channel has, as JSONL",
            handler=members.export,
            managers_only=True,
        ),
    ]
)
