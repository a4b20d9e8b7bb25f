"""Why a paper is picked for a channel, or is not: its fit, the reasons for and against it, and its outlook."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.digests import cards
from bot.model.text import cut, plain_text
from bot.reports import outlook
from bot.reports.channel_view import ChannelView
from bot.store import papers
from recommender import Explanation, Paper, Profile, Word

_WORDS = 10


@dataclass(frozen=True, slots=True)
class Why:
    """The sentences on a paper in a channel, the first about its fit. `doubtful_word` is the word that weighs most in
    its favour, "" if there is none: a member may correct the taste with it."""

    sentences: tuple[str, ...]
    doubtful_word: str = ""
    has_taste: bool = True

    @property
    def text(self) -> str:
        """All sentences, one a line."""
        return "\n".join(self.sentences)


async def of_paper(view: ChannelView, paper: Paper) -> Why:
    """Why the paper is picked for the channel, or is not."""
    if paper.id not in view.paper_index.engine:
        return Why((_of_private_paper(paper),), has_taste=False)
    facts = await view.digests.facts(view.channel)
    profile, bar = facts.profile, facts.bar(view.today)
    candidates = await view.digests.candidates(view.channel, view.today)
    prospect = await outlook.past(view, paper, candidates)
    if prospect:
        explanation = await asyncio.to_thread(
            view.paper_index.engine.explain,
            paper.id,
            profile.feedback,
            profile.topics,
            view.now,
            profile.neighbours,
        )
    else:
        explanation, standing = await view.digests.assess(
            view.channel, profile, bar, candidates, paper.id, view.today, view.now
        )
        prospect = await outlook.future(view, standing)
    title = f"“{cut(plain_text(paper.title), 100)}”"
    if explanation.muted_by is not None:
        muted = f"{title} is left out: this channel muted “{plain_text(explanation.muted_by)}”."
        return Why((muted,), has_taste=False)
    if not profile.votes and not profile.topics:
        no_taste = "this channel has told me nothing yet, so I can't say. React to a card, or subscribe."
        return Why((f"{title}: {no_taste}", prospect), has_taste=False)
    learned_note = ", as this channel's likes set it" if bar > view.channel.bar else ""
    fit = f"{title} fits this channel better than {explanation.percentile:.0%} of random papers"
    sentences = (
        f"{fit}; the bar is {bar:.0%}{learned_note}.",
        *await _reasons(view, explanation, profile),
        prospect,
    )
    words = [word for reason in explanation.reasons for word in reason.words]
    return Why(sentences, words[0] if words else "")


def _of_private_paper(paper: Paper) -> str:
    """The answer about a private paper, which is not in the common index: how well it fits is not known."""
    title = cut(plain_text(paper.title), 100)
    return (
        f"“{title}” belongs to this channel or its workspace: it was taught here, or a feed of the channel brought it. "
        "No common source has listed it, so I can't say how well it fits."
    )


async def _reasons(view: ChannelView, explanation: Explanation, profile: Profile) -> list[str]:
    """The reasons for and against a paper, a sentence each."""
    async with view.store.read() as tx:
        because_papers = await papers.get_many(tx, [reason.because for reason in explanation.reasons if reason.because])
    liked_on = {vote.paper_id: vote.at.astimezone(view.zone) for vote in profile.feedback if vote.value > 0}
    titles = {paper_id: paper.title for paper_id, paper in because_papers.items()}
    why_line = cards.why_line(explanation.reasons, titles, liked_on, view.today)
    sentences = []
    if why_line:
        sentences.append(f"{'Here' if why_line.startswith('because') else 'For it:'} {why_line}.")
    if explanation.unwanted:
        sentences.append(f"This channel asked for less of {_quoted(explanation.unwanted)}.")
    if explanation.against:
        sentences.append("Against it: " + words_of(explanation.against) + ".")
    return sentences or ["None of its words has come up in this channel's votes or topics."]


def words_of(words: Sequence[Word]) -> str:
    """The first words of a list with commas between them."""
    return ", ".join(plain_text(word.text) for word in words[:_WORDS])


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"“{plain_text(word)}”" for word in words)
