"""What was learned: why, abstract, taste, stats."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.channels import cards, feedback
from bot.channels.conversation import Conversation, no_such_paper
from bot.channels.values import Action, Reply
from bot.store import papers, shown, votes
from recommender import Word
from recommender.text import display

_WORDS = 10
_WEEKS = 8


async def why(talk: Conversation, argument: str) -> Reply:
    """Why a paper is, or is not, for this channel."""
    paper = await talk.paper(argument)
    if paper is None or paper.id not in talk.tools.library.engine:
        return no_such_paper(argument)
    async with talk.tools.store.read() as tx:
        known = await talk.tools.digests.known(tx, talk.channel.id)
        told = await asyncio.to_thread(
            talk.tools.library.engine.explain, paper.id, known.feedback, known.topics, talk.now
        )
        taught_by = await papers.get_many(tx, [reason.because for reason in told.reasons if reason.because])
    title = f"“{cards.cut(cards.inert(paper.title), 100)}”"
    if told.muted_by is not None:
        return Reply(f"{title} is left out: this channel muted “{cards.inert(told.muted_by.lstrip('-'))}”.")
    if not known.votes and not known.topics:
        return Reply(f"{title}: this channel has told me nothing yet, so I can't say. React to a card, or subscribe.")
    liked_on = {one.paper_id: one.at.astimezone(talk.zone) for one in known.feedback if one.value > 0}
    titles = {paper_id: found.title for paper_id, found in taught_by.items()}
    because = cards.why_line(told.reasons, titles, liked_on, talk.now.astimezone(talk.zone).date())
    rows = [
        f"{title} fits this channel better than {told.fit:.0%} of random papers; the bar is {talk.channel.bar:.0%}."
    ]
    if because:
        rows.append(f"{'Here' if because.startswith('because') else 'For it:'} {because}.")
    if told.against:
        rows.append("Against it: " + _words(told.against) + ".")
    if not because and not told.against:
        rows.append("None of its words has come up in this channel's votes or topics.")
    return Reply("\n".join(rows), actions=_about(paper.id))


async def abstract(talk: Conversation, argument: str) -> Reply:
    """The whole abstract of a paper."""
    paper = await talk.paper(argument)
    if paper is None:
        return no_such_paper(argument)
    text = display(paper.abstract).replace("`", "'") or "Its source gave no abstract."
    return Reply(text, cards=(cards.card(paper),), actions=_about(paper.id))


async def taste(talk: Conversation, argument: str) -> Reply:
    """What this channel likes and dislikes, in words."""
    async with talk.tools.store.read() as tx:
        known = await talk.tools.digests.known(tx, talk.channel.id)
    learned = await asyncio.to_thread(talk.tools.library.engine.taste, known.feedback, known.topics, talk.now)
    if not known.votes and not known.topics:
        return Reply(
            "Nothing learned here yet. React to a card with 👍 or 👎, subscribe to a topic, or teach me papers."
        )
    votes_, members = cards.count(known.votes, "vote"), cards.count(known.members, "member")
    rows = [f"Learned from {votes_} by {members} and {cards.count(len(known.topics), 'topic')}."]
    for name, liked, disliked in (
        ("Words", learned.liked, learned.disliked),
        ("Categories", learned.liked_categories, learned.disliked_categories),
    ):
        if liked:
            rows.append(f"{name} it likes: {_words(liked)}.")
        if disliked:
            rows.append(f"{name} it avoids: {_words(disliked)}.")
    return Reply("\n".join(rows))


async def stats(talk: Conversation, argument: str) -> Reply:
    """How many picks were liked, week by week, beside what the most upvoted papers of those days got."""
    async with talk.tools.store.read() as tx:
        heard = feedback.standing(await votes.of_channel(tx, talk.channel.id), talk.tools.emoji)
        had = await shown.of_channel(tx, talk.channel.id)
        sent = [(paper_id, at.astimezone(talk.zone).date()) for paper_id, at in had]
        if not sent:
            return Reply("No papers have been posted here yet, so there is nothing to count.")
        found = await papers.get_many(tx, [paper_id for paper_id, _ in sent])
    likes: Counter[str] = Counter()
    dislikes: Counter[str] = Counter()
    for one in heard:
        (likes if one.value > 0 else dislikes)[one.paper_id] += 1
    weeks: defaultdict[date, list[str]] = defaultdict(list)
    for paper_id, day in sent:
        weeks[day - timedelta(days=day.weekday())].append(paper_id)
    rows = []
    for monday in sorted(weeks)[-_WEEKS:]:
        week = _Week.of(weeks[monday], likes, dislikes)
        rows.append(f"• week of {monday.day} {monday:%b}: {week}")
    whole = _Week.of([paper_id for paper_id, _ in sent], likes, dislikes)
    text = "\n".join(["Picks that at least one member liked:", *rows, f"In all: {whole}."])
    upvoted = _most_upvoted(sent, {paper_id: paper.upvotes for paper_id, paper in found.items()})
    if upvoted:
        text += f"\nOf each day's most upvoted half: {_Week.of(upvoted, likes, dislikes)}."
    return Reply(text)


@dataclass(frozen=True, slots=True)
class _Week:
    posted: int
    liked: int
    disliked: int

    @classmethod
    def of(cls, paper_ids: Sequence[str], likes: Counter[str], dislikes: Counter[str]) -> _Week:
        return cls(len(paper_ids), sum(likes[i] > 0 for i in paper_ids), sum(dislikes[i] > likes[i] for i in paper_ids))

    def __str__(self) -> str:
        return f"{self.liked} of {self.posted} liked ({self.liked / self.posted:.0%}), {self.disliked} disliked"


def _most_upvoted(sent: Sequence[tuple[str, date]], upvotes: dict[str, int]) -> list[str]:
    """The better-upvoted half of each day's posts; nothing when no source counts upvotes."""
    if not any(upvotes.values()):
        return []
    days: defaultdict[date, list[str]] = defaultdict(list)
    for paper_id, day in sent:
        days[day].append(paper_id)
    return [i for ids in days.values() for i in sorted(ids, key=lambda i: -upvotes.get(i, 0))[: (len(ids) + 1) // 2]]


def _words(words: Sequence[Word]) -> str:
    return ", ".join(cards.inert(word.text) for word in words[:_WORDS])


def _about(paper_id: str) -> tuple[Action, ...]:
    return (Action("Similar", "similar", paper_id), Action("Save", "save", paper_id))
