"""Everything that can be said to the bot: each verb, how it is written, and what answers it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from bot.commands import members, schedule, search, stats, taste, topics, votes
from bot.commands.context import Conversation
from bot.model.messages import Reply
from bot.model.text import count, plain_text
from bot.store import topics as topic_rows

Say = Callable[[Conversation, str], Coroutine[Any, Any, Reply]]


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be said: how it is written, what it does, and who may."""

    usage: str
    does: str
    say: Say
    managers: bool = False
    listed: bool = True
    open: bool = False
    """Whether its answer only tells what anybody here may see anyway, and so may be shared."""
    paper: bool = False
    """Whether it is about a paper, so that titles complete it."""
    query: bool = False
    """Whether it takes a query, so that its last word is completed."""


async def _help(talk: Conversation, argument: str) -> Reply:
    channel = talk.channel
    async with talk.tools.store.read() as tx:
        known = await talk.tools.digests.known(tx, channel.id)
        followed = await topic_rows.for_channel(tx, channel.id)
    names = ", ".join(f"“{plain_text(topic.line)}”" for topic in followed[:10]) or "none yet"
    rows = [
        f"Next digest: {schedule.next_digest(channel)}.",
        f"Learned from {count(known.votes, 'vote')} by {count(known.members, 'member')}. Topics: {names}.",
        "",
        "What you can say:",
        *(f"• `/papers {verb.usage}`: {verb.does}" for verb in VERBS.values() if verb.listed),
        "Anything else is a search, as `/papers federated learning`.",
    ]
    return Reply("\n".join(rows))


VERBS: Mapping[str, Verb] = {
    "help": Verb("help", "this list, and how things stand here", _help, open=True),
    "search": Verb(
        'search federated "differential privacy" cat:cs.LG author:mcmahan after:2025 -survey',
        "search; add `for us` to rank by this channel's taste",
        search.search,
        open=True,
        paper=True,
        query=True,
    ),
    "today": Verb("today", "the digest as it would be now", search.today, open=True),
    "trending": Verb("trending [day|week|month]", "the most upvoted and most liked", search.trending, open=True),
    "subscribe": Verb(
        "subscribe federated learning [alert]",
        "rank a topic up; `-word` mutes one",
        topics.subscribe,
        managers=True,
        query=True,
    ),
    "unsubscribe": Verb("unsubscribe federated learning", "drop a topic", topics.unsubscribe, managers=True),
    "topics": Verb("topics", "this channel's topics and what each brings", topics.show, open=True),
    "similar": Verb(
        "similar <paper>", "the papers nearest to one (an id, a link or a title)", search.similar, open=True, paper=True
    ),
    "why": Verb("why <paper>", "why it is, or is not, for this channel", taste.why, open=True, paper=True),
    "abstract": Verb("abstract <paper>", "the whole abstract", taste.abstract, open=True, paper=True),
    "more": Verb(
        "more <paper or words>", "a vote for it, as 👍 on its card; or for what has these words", votes.more, paper=True
    ),
    "less": Verb(
        "less <paper or words>",
        "a vote against it, as 👎 on its card; or against what has these words",
        votes.less,
        paper=True,
    ),
    "save": Verb("save <paper>", "keep it for yourself", votes.save, paper=True),
    "unsave": Verb("unsave <paper>", "keep it no longer", votes.unsave, listed=False, paper=True),
    "saved": Verb("saved [bib]", "what you keep, also as BibTeX", votes.show_saved),
    "teach": Verb("teach <ids, links or BibTeX>", "start from papers the team loves", votes.teach, managers=True),
    "submit": Verb("submit <arXiv link>", "put a paper before the channel", votes.submit, paper=True),
    "taste": Verb("taste", "what this channel likes and dislikes", taste.taste, open=True),
    "stats": Verb("stats", "how many picks were liked, week by week", stats.stats, open=True),
    "schedule": Verb(
        "schedule 09:00 weekdays Europe/Berlin 5",
        "when digests come and how many cards",
        schedule.schedule,
        managers=True,
    ),
    "pause": Verb("pause", "no digests until `/papers resume`", schedule.pause, managers=True),
    "resume": Verb("resume", "digests again", schedule.resume, managers=True, listed=False),
    "settings": Verb("settings [name value]", "every setting here, the digest's style among them", schedule.settings),
    "forget": Verb("forget me", "delete every trace of you", members.forget),
    "export": Verb("export", "everything this channel has, as JSONL", members.export, managers=True),
}
