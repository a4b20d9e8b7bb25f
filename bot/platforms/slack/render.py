"""How papers and words look in Slack: values in, Block Kit and its fallback text out.

Whatever comes from outside stands in rich_text or plain_text, where Slack reads no orders; only the fallback is
mrkdwn, and there `&`, `<` and `>` are escaped. Every text is cut, and a message that is too heavy altogether is built
anew with shorter texts: Slack never has to refuse one. Limits: docs.slack.dev/reference/block-kit/blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.channels.cards import count, cut
from bot.channels.values import CARD_ACTIONS, Action, Attachment, Card, Form, Line, Message, Reply
from recommender.text import visible

Json = dict[str, Any]

MAX_TEXT = 3_000
"""Characters of plain words in one message."""
MAX_FALLBACK = 4_000
"""Characters of `text` that Slack advises."""
MAX_WEIGHT = 12_000
"""Characters of all block text in a message: Slack refuses more than about 13,200, and documents it nowhere."""
MAX_BLOCKS = 50
INLINE_ATTACHMENT = 3_000
"""Characters of a file that are shown in the answer itself."""
_SHARES = (1_200, 600, 300, 150, 75, 40, 20, 10)
"""Characters that a single text may have, the most generous first."""
_CARDS, _LINES, _FIELDS, _BUTTONS = 14, 30, 10, 25
_LABEL, _VALUE, _BLOCK_ID = 75, 2_000, 255
_TITLE, _SHORT, _URL = 300, 300, 500
_TYPED = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"https?://[^\s<>\"\\^`{|}]+", re.IGNORECASE)
_LABELS = {"more": "More like this", "less": "Less", "save": "Save", "similar": "Similar", "abstract": "Abstract"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """Blocks, and the text that notifications show and screen readers read instead of them."""

    text: str
    blocks: list[Json]


def posted(message: Message, key: str = "", command: str = "/papers") -> Rendered:
    """A message for everybody; its first block's id carries the key it is found by. No blocks: nothing to show."""

    def build(share: int) -> list[Json]:
        blocks = _words(message.text, share, command)
        blocks += _card(message.card, share, 0) if message.card else []
        return blocks + _list(message.lines, share)

    blocks = _fitting(build)
    if blocks and key:
        blocks[0] = {**blocks[0], "block_id": block_id(key)}
    cards = (message.card,) if message.card else ()
    return Rendered(_fallback(message.text, cards, message.lines, command), blocks)


def answer(reply: Reply, command: str = "/papers") -> Rendered:
    """What the asker gets."""
    left_out = max(len(reply.cards) - _CARDS, 0) + max(len(reply.lines) - _LINES, 0)
    rest = f"… and {count(left_out, 'paper')} more." if left_out else ""

    def build(share: int) -> list[Json]:
        blocks = _words(reply.text, share, command)
        for place, card in enumerate(reply.cards[:_CARDS]):
            blocks += _card(card, share, place)
        blocks += _list(reply.lines, share)
        blocks += _words(rest, share, command)
        blocks += _attachment(reply.attachment, share) if reply.attachment else []
        blocks += _form(reply.form, share, command) if reply.form else []
        return blocks + _actions(reply.actions, "offer", min(share, _LABEL))

    parts = [reply.text, reply.form.title if reply.form else "", reply.attachment.name if reply.attachment else ""]
    text = _fallback("\n".join(filter(None, parts)), reply.cards, reply.lines, command)
    return Rendered(text, _fitting(build))


def pressed(value: str) -> Action | None:
    """The action that a button's value holds, None when it is none of ours."""
    try:
        match json.loads(value):
            case [str(verb), str(argument), int(offset)]:
                return Action("", verb, argument, offset)
    except (ValueError, RecursionError):
        pass
    return None


def block_id(key: str) -> str:
    """The id of the first block of the message with this key."""
    return f"paperboy:{key}"[:_BLOCK_ID]


def fits_inline(attachment: Attachment) -> bool:
    """Whether the answer itself shows the whole of a file."""
    return _length(visible(attachment.content)) <= INLINE_ATTACHMENT


def escaped(text: str) -> str:
    """`text` as mrkdwn that can call nobody and open no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def weight(blocks: object) -> int:
    """Characters of all texts and links in some blocks, as UTF-16 counts them."""
    match blocks:
        case list():
            return sum(map(weight, blocks))
        case dict():
            own = [each for name, each in blocks.items() if name in ("text", "url") and isinstance(each, str)]
            below = sum(weight(each) for each in blocks.values() if isinstance(each, dict | list))
            return below + sum(map(_length, own))
    return 0


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def _fitting(build: Callable[[int], list[Json]]) -> list[Json]:
    """The blocks with the longest texts that Slack takes."""
    every = (build(share) for share in _SHARES)
    return next(blocks for blocks in every if weight(blocks) <= MAX_WEIGHT)


def _card(card: Card, share: int, place: int) -> list[Json]:
    sections = [_section(*_title(card.title, card.url, share))]
    sections += [_section(_text(each)) for each in (_facts(card, share), _one_line(card.summary, share)) if each]
    said = [_why(card, share), _one_line(card.note, min(share, _SHORT))]
    context = [{"type": "plain_text", "text": each, "emoji": False} for each in said if each]
    blocks: list[Json] = [{"type": "rich_text", "elements": sections}]
    blocks += [{"type": "context", "elements": context}] if context else []
    return blocks + _actions(
        [Action(_LABELS[verb], verb, card.paper_id) for verb in CARD_ACTIONS], f"card-{place}", _LABEL
    )


def _facts(card: Card, share: int) -> str:
    most = min(share, _SHORT)
    counts = [f"▲ {card.upvotes:,}"] * (card.upvotes > 0) + [f"💬 {card.comments:,}"] * (card.comments > 0)
    parts = [_one_line(card.authors, most), _one_line(card.organization, most), _day(card.published), "  ".join(counts)]
    return cut(" · ".join(filter(None, parts)), 2 * most)


def _why(card: Card, share: int) -> str:
    why = _one_line(card.why, min(share, _SHORT))
    return f"🎲 {why or 'a guess: tell us'}" if card.guess else why


def _day(day: date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day else ""


def _list(lines: Sequence[Line], share: int) -> list[Json]:
    """Papers, numbered, with what there is to say of each."""
    items = []
    for line in lines[:_LINES]:
        elements = _title(line.title, line.url, share)
        said = [_one_line(text, min(share, _SHORT)) for text in (line.detail, line.said)]
        items.append(_section(*elements, *(_text(f"\n{text}") for text in said if text)))
    if not items:
        return []
    return [{"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "ordered", "elements": items}]}]


def _title(title: str, url: str, share: int) -> list[Json]:
    shown = _one_line(title, min(share, _TITLE)) or "(untitled)"
    style = {"bold": True}
    if link := _link(url, min(2 * share, _URL)):
        return [{"type": "link", "url": link, "text": shown, "style": style}]
    return [{"type": "text", "text": shown, "style": style}]


def _words(text: str, share: int, command: str) -> list[Json]:
    """The bot's own words, in which backticks mark what may be typed."""
    elements = _spans(cut(visible(text).strip(), min(10 * share, MAX_TEXT)), command)
    return [{"type": "rich_text", "elements": [_section(*elements)]}] if elements else []


def _spans(text: str, command: str) -> list[Json]:
    elements = []
    for place, part in enumerate(_TYPED.split(text)):
        if place % 2:
            elements.append(_text(_named(part, command), code=True))
        elif part:
            elements.append(_text(part))
    return elements


def _named(typed: str, command: str) -> str:
    """What may be typed, under the name that the command has here."""
    first, space, rest = typed.partition(" ")
    return command + space + rest if first == "/papers" else typed


def _attachment(attachment: Attachment, share: int) -> list[Json]:
    name, content = _one_line(attachment.name, min(share, _SHORT)) or "file", visible(attachment.content).strip("\n")
    if not content.strip() or not fits_inline(attachment):
        return [{"type": "rich_text", "elements": [_section(_text(f"📎 {name}"))]}]
    shown = {"type": "rich_text_preformatted", "elements": [_text(content)]}
    return [{"type": "rich_text", "elements": [_section(_text(f"📎 {name}")), shown]}]


def _form(form: Form, share: int, command: str) -> list[Json]:
    most = min(share, _SHORT)
    title = _one_line(form.title, most) or _one_line(form.verb, most)
    elements = [_text(title, bold=True)] if title else []
    for field in form.fields[:_FIELDS]:
        choices = f" ({cut(', '.join(_one_line(choice, most) for choice in field.choices), most)})"
        named = f"{_one_line(field.name, most)}={_one_line(field.value, most)}"
        elements.append(_text(f"\n{_one_line(field.label, most)}{choices if field.choices else ''}: {named}"))
    if form.fields:
        said = f"{form.verb} {form.fields[0].name}={form.fields[0].value}"
        typed = f"{command} {_one_line(said, most)}".replace("`", "'")
        elements += [_text("\nTo change one, say it: "), _text(typed, code=True)]
    return [{"type": "rich_text", "elements": [_section(*elements)]}] if elements else []


def _actions(actions: Iterable[Action], before: str, most: int) -> list[Json]:
    """Buttons; one whose action is too long for a button's value is left out, its words can still be typed."""
    buttons: list[Json] = []
    for place, action in enumerate(actions):
        value = json.dumps([action.verb, action.argument, action.offset])
        if len(value) <= _VALUE and len(buttons) < _BUTTONS:
            label = _one_line(action.label, most) or _one_line(action.verb, most) or "Go on"
            text = {"type": "plain_text", "text": label, "emoji": False}
            buttons.append({"type": "button", "action_id": f"{before}-{place}", "text": text, "value": value})
    return [{"type": "actions", "elements": buttons}] if buttons else []


def _fallback(text: str, cards: Sequence[Card], lines: Sequence[Line], command: str) -> str:
    """All that the blocks say, in words: what is not read out is not there for somebody who can't see."""
    plain = "\n".join(_spoken(text, cards, lines, command))
    grown = len(escaped(plain[:MAX_FALLBACK])) - len(plain[:MAX_FALLBACK])
    # An escaped character has five at most, so this bound holds whatever is left after the cut.
    return escaped(cut(plain, max(MAX_FALLBACK - grown, MAX_FALLBACK // 5))) or "Paperboy"


def _spoken(text: str, cards: Sequence[Card], lines: Sequence[Line], command: str) -> Iterator[str]:
    if words := "".join(span["text"] for span in _spans(visible(text).strip(), command)):
        yield words
    share = _SHARES[0]
    for card in cards:
        yield _one_line(card.title, _TITLE) or "(untitled)"
        parts = (_facts(card, share), _one_line(card.summary, share), _why(card, share), _one_line(card.note, _SHORT))
        yield from filter(None, (*parts, _link(card.url, _URL)))
    for number, line in enumerate(lines, 1):
        said = [_one_line(part, _SHORT) for part in (line.title or "(untitled)", line.detail, line.said)]
        yield f"{number}. " + ". ".join(filter(None, said))


def _section(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def _text(text: str, **style: bool) -> Json:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _one_line(text: str, most: int) -> str:
    return cut(" ".join(visible(text).split()), most)


def _link(url: str, most: int) -> str:
    """`url` if it is a web link that may be followed, else ""."""
    return url if len(url) <= most and visible(url) == url and _LINK.fullmatch(url) else ""
