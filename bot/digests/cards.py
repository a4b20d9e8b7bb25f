"""Papers as short texts: cards, list entries, and the line that says why a paper was picked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from itertools import chain, islice

from bot.model.messages import Card, Line, Link
from bot.model.text import cut, day_name, plain_text
from bot.store.papers import PRIVATE_PREFIX
from recommender import Paper, Reason, ReasonBasis
from recommender.paper import arxiv_id
from recommender.search.snippets import sentences
from recommender.text import display, may_be_tex

_TITLE = 250
_SUMMARY = 420
_CATEGORY, _SOURCE = 40, 60
_HUGGING_FACE = "https://huggingface.co/"
_KEPT_CARDS = 5_000
"""Cards whose texts are kept, about 5 KB each."""
_NAMES_SHOWN = 3
_WORDS_SHOWN = 3
_CUE = re.compile(
    r"\b(we (?:propose|introduce|present|show|find|develop|study|demonstrate|prove|release|investigate|describe)"
    r"|this (?:paper|work|survey|study|article) (?:proposes|introduces|presents|shows|studies|reviews)"
    r"|our (?:method|approach|results|experiments|framework|model))\b",
    re.IGNORECASE,
)


def card(paper: Paper, why: str = "", *, guess: bool = False, note: str = "") -> Card:
    """A paper as a card."""
    # Of a private paper that is deleted nothing may stay, so its texts are not kept.
    made = _card(paper) if paper.id.startswith(PRIVATE_PREFIX) else _kept_card(paper)
    return replace(made, why=why, guess=guess, note=note) if why or guess or note else made


def _card(paper: Paper) -> Card:
    return Card(
        paper_id=paper.id,
        title=_title(paper),
        url=paper.link,
        authors=authors_line(paper.authors),
        organization=cut(plain_text(paper.organization), 80),
        published=paper.published,
        upvotes=paper.upvotes,
        comments=paper.comments,
        summary=summary(paper.abstract),
        category=cut(plain_text(next(iter(paper.categories), "")), _CATEGORY),
        # The category of an arXiv paper says that it is arXiv's.
        source="" if arxiv_id(paper.id) else cut(plain_text(paper.source), _SOURCE),
        links=links(paper),
    )


_kept_card = lru_cache(_KEPT_CARDS)(_card)
"""The texts of a card may be long and full of TeX, and one paper is on many channels' cards."""


def links(paper: Paper) -> tuple[Link, ...]:
    """The links of a paper's card beside that of its title, each page once."""
    discussion = paper.discussion_link
    page = "Hugging Face" if discussion.startswith(_HUGGING_FACE) else "Discussion"
    urls = {
        "PDF": paper.pdf_link,
        "Code": paper.code_link,
        "Project page": paper.project_link,
        page: discussion,
    }
    labels = {url: label for label, url in reversed(urls.items()) if url and url != paper.link}
    return tuple(Link(label, url) for label, url in urls.items() if labels.get(url) == label)


def line(paper: Paper, detail: str = "", note: str = "") -> Line:
    """A paper as one entry of a list."""
    return Line(paper.id, _title(paper), paper.link, detail, note)


def _title(paper: Paper) -> str:
    title = plain_text(paper.title) or "(untitled)"
    return cut(f"Withdrawn: {title}" if paper.withdrawn else title, _TITLE)


def authors_line(authors: Sequence[str]) -> str:
    """The first three authors and how many more there are."""
    names = [cut(plain_text(name), 60) for name in authors[:_NAMES_SHOWN]]
    others = len(authors) - len(names)
    return ", ".join(names) + (f" + {others}" if others else "")


def summary(abstract: str) -> str:
    """Two sentences of an abstract: the first, and the one that says what was done."""
    shown = display(abstract)
    # TeX that stays may be understood without the sentences around it. Few sentences are read in most cases.
    rest = map(plain_text, sentences(shown)) if may_be_tex(shown) else sentences(shown.replace("`", "'"))
    sentences_ = list(islice(rest, 3))
    if len(sentences_) > 2:
        cue_sentence = sentences_[1]
        if not _CUE.search(sentences_[0]):
            cue_sentence = next((s for s in chain(sentences_[1:], rest) if _CUE.search(s)), cue_sentence)
        sentences_ = [sentences_[0], cue_sentence]
    text = " ".join(sentences_)
    if len(text) > _SUMMARY and len(sentences_) == 2 and len(sentences_[1]) <= _SUMMARY:
        return sentences_[1]
    return cut(text, _SUMMARY)


def why_line(
    reasons: Sequence[Reason], titles: Mapping[str, str], liked_on: Mapping[str, datetime], today: date
) -> str:
    """The reason with the largest weight as text. `titles` and `liked_on` (local times) are those of liked papers."""
    return next((sentence for reason in reasons if (sentence := _reason(reason, titles, liked_on, today))), "")


def by_button(likes: int, dislikes: int) -> str:
    """The numbers of votes by button as text; "" where there are none.

    >>> by_button(3, 1), by_button(0, 2), by_button(0, 0)
    ('By button: 👍 3 · 👎 1', 'By button: 👎 2', '')
    """
    counts = [f"{emoji} {number:,}" for emoji, number in (("👍", likes), ("👎", dislikes)) if number]
    return f"By button: {' · '.join(counts)}" if counts else ""


def _reason(reason: Reason, titles: Mapping[str, str], liked_on: Mapping[str, datetime], today: date) -> str:
    words = ", ".join(plain_text(word) for word in reason.words[:_WORDS_SHOWN])
    tail = f": {words}" if words else ""
    if reason.topic is not None:
        return f"your topic “{plain_text(reason.topic)}”{tail}"
    if reason.asked is not None:
        return f"more “{plain_text(reason.asked)}”, as asked here{tail if words.casefold() != reason.asked else ''}"
    if reason.because is not None and reason.because in titles:
        when = liked_on.get(reason.because)
        day = f" {day_name(when.date(), today)}" if when else ""
        return f"because you liked “{cut(plain_text(titles[reason.because]), 70)}”{day}{tail}"
    match reason.basis:
        case ReasonBasis.TYPICAL:
            return f"several of today's papers are about this{tail}"
        case ReasonBasis.POPULAR:
            return "popular with readers of Hugging Face"
        case ReasonBasis.NEIGHBOURS:
            return f"after what your other channels like{tail}"
    return f"words this channel likes{tail}" if words else ""
