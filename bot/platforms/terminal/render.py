"""Renders messages and replies for a terminal, as renderables of rich.

Control characters are removed from every text, and it is set as `Text`, so that neither the terminal nor rich
interprets it. There are no boxes, and no line ends in blanks: the output reads well in 40 columns, in a pipe and
without colours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.style import Style
from rich.text import Text

from bot.model.messages import Action, Attachment, Card, Form, Line, Message, Reply
from bot.platforms.rendering import TYPED, facts, links, reason
from bot.platforms.terminal.sanitize import (
    MAX_TEXT,
    MAX_URL,
    cut,
    fit,
    fit_card,
    fit_line,
    link,
    one_line,
    strip_control,
)

_INDENT = 4
_NARROWEST = 8
_TITLE, _NUMBER, _QUIET, _WHY = "bold", "bold cyan", "dim", "italic green"


_BULLET = "• "


@dataclass(frozen=True, slots=True)
class Block:
    """Wrapped paragraphs with an indent; `mark` stands in the margin of the first line. Where a paragraph begins with a
    bullet, its further lines stand below its words."""

    text: Text
    mark: str = ""
    indent: int = _INDENT

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(self.indent, len(self.mark) + 2 if self.mark else 0)
        if options.max_width < width + _NARROWEST:
            width = 0
        mark = f"{self.mark:>{self.indent - 2}}".ljust(width) if width else f"{self.mark} ".lstrip()
        lead = Text.assemble((mark, _NUMBER))  # without a style of its own, which the line behind it would take over
        room = max(options.max_width - max(width, len(lead)), 2)
        for paragraph in self.text.split("\n", allow_blank=True):
            bullet = _BULLET if paragraph.plain.startswith(_BULLET) and room > _NARROWEST else ""
            before = Text(bullet, style=paragraph.style)
            for line in paragraph[len(bullet) :].wrap(console, room - len(bullet), overflow="fold"):
                line.rstrip()
                yield lead + before + line if line.plain else Text("")
                lead, before = Text(" " * width), Text(" " * len(bullet))


@dataclass(frozen=True, slots=True)
class Prose:
    """The bot's own words. Backticks mark words that may be typed: bold on a terminal, else kept as backticks."""

    text: str
    style: str = ""
    mark: str = ""
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        words = Text(style=self.style)
        for place, part in enumerate(TYPED.split(strip_control(self.text))):
            typed = place % 2 == 1
            plain = part if not typed or console.is_terminal else f"`{part}`"
            words.append(plain, style="bold cyan" if typed else None)
        yield Block(words, self.mark, self.indent)


def posted(message: Message, first: int = 1) -> RenderableType:
    """A posted message; its papers are numbered from `first` on."""
    message = fit(message)
    parts: list[RenderableType] = [Text(""), Prose(message.text)] if message.text else []
    if message.card:
        parts += [card(message.card, first)]
        first += 1
    parts += paper_list(message.lines, first, brief=message.further)
    return Group(*parts)


def answer(reply: Reply, first: int = 1) -> RenderableType:
    """A reply; its papers are numbered from `first` on."""
    text = cut(strip_control(reply.text).strip(), MAX_TEXT)
    parts: list[RenderableType] = [Prose(text, style="" if reply.ok else "yellow")] if text else []
    for each in links(reply, MAX_URL):
        # An address stands at the margin, so that a long one is not broken before it can be copied.
        parts += [Prose(f"{each.label}:"), Block(Text(each.url, style=Style(link=each.url)), indent=0)]
    parts += [card(each, first + place) for place, each in enumerate(reply.cards)]
    parts += paper_list(reply.lines, first + len(reply.cards))
    # The form is left out if the text already names all of its fields.
    if reply.form and any(field.label not in reply.text for field in reply.form.fields):
        parts += _form(reply.form)
    if reply.actions:
        offers = [f"`{word}` {one_line(action.label, 80)}" for word, action in short_words(reply.actions).items()]
        parts.append(Prose(" · ".join(offers), style=_QUIET, indent=_INDENT))
    return Group(*parts)


def card(paper: Card, number: int) -> RenderableType:
    """One paper in full."""
    paper = fit_card(paper)
    parts: list[RenderableType] = [Text(""), _title(paper.title, paper.url, number)]
    if why := reason(paper, str):
        parts.append(Prose(why, style=_WHY, indent=_INDENT))
    if paper.summary:
        parts.append(Block(Text(paper.summary)))
    parts += _quiet(facts(paper, str))
    if paper.note:
        parts.append(Prose(paper.note, style=_QUIET, indent=_INDENT))
    if paper.url:
        parts.append(_address(paper.url))
    # A terminal has little room, and the id of an arXiv paper tells the address of its PDF.
    others = [each for each in links(paper, MAX_URL) if paper.paper_id not in each.url]
    parts += [_address(each.url, f"{each.label}: ") for each in others]
    return Group(*parts)


def paper_list(lines: Iterable[Line], first: int, *, brief: bool = False) -> list[RenderableType]:
    """A list of papers, each with its detail and note. A `brief` list has no addresses, and its titles are not bold."""
    parts: list[RenderableType] = []
    for number, line in enumerate(map(fit_line, lines), first):
        parts.append(_title(line.title, line.url, number, "" if brief else _TITLE))
        parts += [Prose(line.detail, style=_QUIET, indent=_INDENT)] if line.detail else []
        parts += [Prose(line.note, indent=_INDENT)] if line.note else []
        parts += [_address(line.url)] if line.url and not brief else []
    return parts


def reacted(title: str, number: int, standing: Sequence[tuple[str, str]]) -> RenderableType:
    """The current emoji on a numbered paper."""
    tally = " ".join(f"{emoji} {count}" for emoji, count in Counter(emoji for _, emoji in standing).items())
    text = Text.assemble(one_line(tally) or "no reactions", "  ", (one_line(title, 60), _QUIET))
    return Block(text, mark=str(number))


def attached(attachment: Attachment, where: str) -> RenderableType:
    """A reply's file, stored in `where`. If `where` is empty the file could not be stored, and its content is shown."""
    name, count = one_line(attachment.name, 120), len(attachment.content.splitlines())
    if where:
        return Prose(f"📎 {name} ({count} line{'s' * (count != 1)}) is in {where}")
    return Group(Prose(f"📎 {name}"), Block(Text(strip_control(attachment.content).rstrip()), indent=0))


def short_words(actions: Iterable[Action]) -> dict[str, Action]:
    """A short word for each action: the shortest start of its label that no earlier action has."""
    words: dict[str, Action] = {}
    for action in actions:
        label = "-".join(re.findall(r"\w+", one_line(action.label, 80).casefold())) or action.command
        short = (label[:length] for length in range(1, len(label) + 1))
        word = next((word for word in short if word not in words), f"{label}-{len(words) + 1}")
        words[word] = action
    return words


def _title(title: str, url: str, number: int, style: str = _TITLE) -> Block:
    return Block(Text(title, style=Style.parse(style) + Style(link=link(url) or None)), mark=str(number))


def _address(url: str, before: str = "") -> Block:
    return Block(Text(f"{before}{url}", style=Style.parse(_QUIET) + Style(link=url)))


def _quiet(text: str) -> list[RenderableType]:
    return [Block(Text(text, style=_QUIET))] if text else []


def _form(form: Form) -> list[RenderableType]:
    parts: list[RenderableType] = [Block(Text(one_line(form.title, 200), style=_TITLE), indent=0)]
    for field in form.fields:
        choices = f" ({', '.join(one_line(choice, 40) for choice in field.choices)})" if field.choices else ""
        parts.append(
            Block(Text(f"{one_line(field.name, 40)}={one_line(field.value)}: {one_line(field.label, 120)}{choices}"))
        )
    if form.fields:
        example = f"{form.command} {form.fields[0].name}={form.fields[0].value}"
        parts.append(Prose(f"To change one, say it: `{one_line(example, 200)}`", style=_QUIET, indent=_INDENT))
    return parts
