"""A mail as a value, and its two texts: plain, and HTML with the style in its elements."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from css_inline import CSSInliner

from bot.model.messages import Card, Line, Link, Message
from bot.platforms.rendering import facts, links, one_line, reason, web_link
from bot.web.templates import Templates
from recommender.text import visible

LONGEST_TEXT = 20_000
"""Characters of a mail's plain text."""
_PARAGRAPHS, _TITLE, _FACTS, _SUMMARY, _WHY = 8_000, 300, 300, 1_000, 400
_LONGEST_LINK = 2_000
_SUBJECT = 140

VoteUrl = Callable[[str, str, int], str]
"""The address of the page for a vote: of a paper's id and title, and of 1 for it or -1 against it."""


@dataclass(frozen=True, slots=True)
class LetterPaper:
    """A paper in a mail. `number` is its place in a numbered list, 0 elsewhere. Texts are on one line, and the links
    are safe."""

    title: str
    url: str = ""
    facts: str = ""
    why: str = ""
    note: str = ""
    summary: str = ""
    links: tuple[Link, ...] = ()
    number: int = 0
    like_url: str = ""
    dislike_url: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """The content of a mail. `button_url` is that of a single large button, with its words in `button`."""

    subject: str
    page_url: str
    paragraphs: tuple[str, ...] = ()
    papers: tuple[LetterPaper, ...] = ()
    button: str = ""
    button_url: str = ""
    foot: tuple[str, ...] = ()
    off_url: str = ""


def letter_of(message: Message, page_url: str, off_url: str, vote_url: VoteUrl, foot: str) -> Letter:
    """A message of the bot as a mail."""
    cards = [*([message.card] if message.card else []), *message.cards]
    papers = [_of_card(card) for card in cards]
    papers += [_of_line(line, n if message.numbered else 0) for n, line in enumerate(message.lines, 1)]
    ids = [card.paper_id for card in cards] + [line.paper_id for line in message.lines]
    with_votes = [
        replace(paper, like_url=vote_url(paper_id, paper.title, 1), dislike_url=vote_url(paper_id, paper.title, -1))
        for paper, paper_id in zip(papers, ids, strict=True)
    ]
    paragraphs = tuple(paragraphs_of(message.text))
    subject = message.title or (paragraphs[0] if paragraphs else "") or (papers[0].title if papers else "")
    return Letter(
        one_line(subject, _SUBJECT) or "Papers",
        page_url,
        paragraphs,
        tuple(with_votes),
        foot=(foot,),
        off_url=off_url,
    )


def paragraphs_of(text: str) -> list[str]:
    """The lines of a text that have anything to show, without the marks of commands."""
    lines = (one_line(line.replace("`", ""), _PARAGRAPHS) for line in text[: 2 * _PARAGRAPHS].splitlines())
    kept, room = [], _PARAGRAPHS
    for line in filter(None, lines):
        if len(line) > room:
            break
        kept.append(line)
        room -= len(line)
    return kept


def plain_text_of(letter: Letter) -> str:
    """The plain text of a mail."""
    blocks = list(letter.paragraphs)
    if letter.button_url:
        blocks.append(f"{letter.button}: {letter.button_url}")
    blocks += [_plain_paper(paper) for paper in letter.papers]
    foot = list(letter.foot)
    if letter.off_url:
        foot += [f"Unsubscribe: {letter.off_url}", f"Other papers, another hour: {letter.page_url}/mail"]
    return "\n\n".join([*blocks, "-- \n" + "\n".join(foot)]) + "\n"


def html_of(letter: Letter, templates: Templates) -> str:
    """The HTML of a mail."""
    return _INLINER.inline(templates.render("letter.html", letter=letter, subject=letter.subject))


_INLINER = CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


def _plain_paper(paper: LetterPaper) -> str:
    title = f"{paper.number}. {paper.title}" if paper.number else paper.title
    links_text = [f"{link.label}: {link.url}" for link in paper.links]
    votes = [f"👍 {paper.like_url}", f"👎 {paper.dislike_url}"] if paper.like_url else []
    why = f"» {paper.why}" if paper.why else ""
    lines = [title, paper.url, paper.facts, why, paper.note, paper.summary, *links_text, *votes]
    return "\n".join(filter(None, lines))


def _of_card(card: Card) -> LetterPaper:
    return LetterPaper(
        one_line(card.title, _TITLE) or "(untitled)",
        web_link(card.url, _LONGEST_LINK),
        facts(card, _fact).replace("▲ ", "▲\u00a0").replace("💬 ", "💬\u00a0"),
        reason(card, lambda text: one_line(text, _WHY)),
        one_line(card.note, _WHY),
        one_line(card.summary, _SUMMARY),
        tuple(links(card, _LONGEST_LINK)),
    )


def _of_line(line: Line, number: int) -> LetterPaper:
    return LetterPaper(
        one_line(line.title, _TITLE) or "(untitled)",
        web_link(line.url, _LONGEST_LINK),
        one_line(line.detail, _FACTS),
        one_line(line.note, _WHY),
        number=number,
    )


def _fact(text: str) -> str:
    return one_line(text, _FACTS)


def header_text(text: str, most: int = _SUBJECT) -> str:
    """A text that can stand in a header: one line without invisible characters or halves of surrogate pairs.

    Python's library decodes what looks like an encoded word (RFC 2047), also where that hides a line end; so nothing in
    the text may look like one.
    """
    return one_line(re.sub(r"[\ud800-\udfff]", "", visible(text)).replace("=?", "= ?"), most)
