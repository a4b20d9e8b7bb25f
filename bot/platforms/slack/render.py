"""How papers and words look in Slack: values in, Block Kit and its fallback text out.

Whatever comes from outside stands in rich_text or plain_text, where Slack reads no orders; only the fallback is
mrkdwn, and there `&`, `<` and `>` are escaped. Every text is cut, and a message that is too heavy altogether is built
anew with shorter texts: Slack never has to refuse one. Limits: docs.slack.dev/reference/block-kit/blocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.model.commands import Commands
from bot.model.messages import Action, Attachment, Card, Line, Message, Reply
from bot.model.number_emoji import buttons
from bot.model.text import count, cut
from bot.platforms.rendering import SHARES, facts, longest_that_fits, one_line, reason, utf16_length, web_link
from bot.platforms.slack.blocks import (
    MOST_LINES,
    SHORT,
    TITLE,
    URL,
    Json,
    heading,
    listed,
    numbered,
    packed,
    said,
    section,
    span,
    spans,
)
from recommender.text import visible

MAX_FALLBACK = 4_000
"""Characters of `text` that Slack advises."""
MAX_REWRITTEN = 4_000
"""Bytes of `text` that Slack takes where a message is written anew; of a new one it takes more."""
MAX_WEIGHT = 12_000
"""Characters of all block text in a message: Slack refuses more than about 13,200, and documents it nowhere."""
MAX_BLOCKS = 50
INLINE_ATTACHMENT = 3_000
"""Characters of a file that are shown in the answer itself."""
_CARDS, _BUTTONS = 14, 25
_LABEL, _VALUE, _BLOCK_ID = 75, 2_000, 255


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """Blocks, and the text that notifications show and screen readers read instead of them."""

    text: str
    blocks: list[Json]


def posted(message: Message, commands: Commands, key: str = "", command: str = "/papers") -> SlackMessage:
    """A message for everybody; its first block's id carries the key it is found by. No blocks: nothing to show."""

    def build(share: int) -> list[Json]:
        blocks = said(message.text, share, command)
        blocks += _card(message.card, share, 0, commands) if message.card else []
        if not message.numbered:
            return blocks + listed(message.lines, share)
        likes = buttons(message.lines, commands.for_emoji("👍"))
        return blocks + numbered(message.lines, share) + _actions(likes, "number", _LABEL)

    blocks = longest_that_fits(build, _is_light)
    if blocks and key:
        blocks[0] = {**blocks[0], "block_id": block_id(key)}
    cards = (message.card,) if message.card else ()
    return SlackMessage(_fallback(message.text, cards, message.lines, command), blocks)


def rewritten(message: Message, commands: Commands, key: str, command: str = "/papers") -> SlackMessage:
    """The same as `posted`, with a text that is short enough to take the place of another."""
    shown, most = posted(message, commands, key, command), MAX_FALLBACK
    while (size := len(shown.text.encode())) > MAX_REWRITTEN:
        most = min(most * MAX_REWRITTEN // size, most - 1)
        cards = (message.card,) if message.card else ()
        shown = SlackMessage(_fallback(message.text, cards, message.lines, command, most), shown.blocks)
    return shown


def answer(reply: Reply, commands: Commands, command: str = "/papers") -> SlackMessage:
    """What the asker gets; a form is one press away."""
    left_out = max(len(reply.cards) - _CARDS, 0) + max(len(reply.lines) - MOST_LINES, 0)
    change = [Action("Change", reply.form.command)] if reply.form else []
    rest = f"… and {count(left_out, 'paper')} more." if left_out else ""

    def build(share: int) -> list[Json]:
        blocks = said(reply.text, share, command)
        for place, card in enumerate(reply.cards[:_CARDS]):
            blocks += _card(card, share, place, commands)
        blocks += listed(reply.lines, share)
        blocks += said(rest, share, command)
        blocks += _attachment(reply.attachment, share) if reply.attachment else []
        return blocks + _actions((*reply.actions, *change), "offer", min(share, _LABEL))

    parts = [reply.text, reply.attachment.name if reply.attachment else ""]
    text = _fallback("\n".join(filter(None, parts)), reply.cards, reply.lines, command)
    return SlackMessage(text, longest_that_fits(build, _is_light))


def pressed(value: str) -> Action | None:
    """The action that a button's value holds, None when it is none of ours."""
    try:
        match json.loads(value):
            case [str(command), str(argument), int(offset)]:
                return Action("", command, argument, offset)
    except (ValueError, RecursionError):
        pass
    return None


def block_id(key: str) -> str:
    """The id of the first block of the message with this key."""
    return f"paperboy:{key}"[:_BLOCK_ID]


def fits_inline(attachment: Attachment) -> bool:
    """Whether the answer itself shows the whole of a file."""
    return utf16_length(visible(attachment.content)) <= INLINE_ATTACHMENT


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
            return below + sum(map(utf16_length, own))
    return 0


def _is_light(blocks: list[Json]) -> bool:
    return weight(blocks) <= MAX_WEIGHT


def _facts(card: Card, share: int) -> str:
    most = min(share, SHORT)
    return cut(facts(card, lambda text: one_line(text, most)), 2 * most)


def _reason(card: Card, share: int) -> str:
    return reason(card, lambda text: one_line(text, min(share, SHORT)))


def _card(card: Card, share: int, place: int, commands: Commands) -> list[Json]:
    sections = [section(*heading(card.title, card.url, share))]
    sections += [section(span(each)) for each in (_facts(card, share), one_line(card.summary, share)) if each]
    why = [_reason(card, share), *(one_line(each, min(share, SHORT)) for each in (card.note, card.tally))]
    context = [{"type": "plain_text", "text": each, "emoji": False} for each in why if each]
    blocks: list[Json] = [{"type": "rich_text", "elements": sections}]
    blocks += [{"type": "context", "elements": context}] if context else []
    return blocks + _actions(commands.card_actions(card.paper_id), f"card-{place}", _LABEL)


def _attachment(attachment: Attachment, share: int) -> list[Json]:
    name, content = one_line(attachment.name, min(share, SHORT)) or "file", visible(attachment.content).strip("\n")
    if not content.strip() or not fits_inline(attachment):
        return [{"type": "rich_text", "elements": [section(span(f"📎 {name}"))]}]
    shown = {"type": "rich_text_preformatted", "elements": [span(content)]}
    return [{"type": "rich_text", "elements": [section(span(f"📎 {name}")), shown]}]


def _actions(actions: Iterable[Action], before: str, most: int) -> list[Json]:
    """Buttons; one whose action is too long for a button's value is left out, its words can still be typed."""
    made: list[Json] = []
    for place, action in enumerate(actions):
        value = packed(action.command, action.argument, action.offset)
        if len(value) <= _VALUE and len(made) < _BUTTONS:
            label = one_line(action.label, most) or one_line(action.command, most) or "Go on"
            text = {"type": "plain_text", "text": label, "emoji": False}
            made.append({"type": "button", "action_id": f"{before}-{place}", "text": text, "value": value})
    return [{"type": "actions", "elements": made}] if made else []


def _fallback(text: str, cards: Sequence[Card], lines: Sequence[Line], command: str, most: int = MAX_FALLBACK) -> str:
    """All that the blocks say, in words: what is not read out is not there for somebody who can't see."""
    plain = "\n".join(_spoken(text, cards, lines, command))
    grown = len(escaped(plain[:most])) - len(plain[:most])
    # An escaped character has five at most, so this bound holds whatever is left after the cut.
    return escaped(cut(plain, max(most - grown, most // 5))) or "Paperboy"


def _spoken(text: str, cards: Sequence[Card], lines: Sequence[Line], command: str) -> Iterator[str]:
    if words := "".join(each["text"] for each in spans(visible(text).strip(), command)):
        yield words
    share = SHARES[0]
    for card in cards:
        yield one_line(card.title, TITLE) or "(untitled)"
        parts = (_facts(card, share), one_line(card.summary, share), _reason(card, share), one_line(card.note, SHORT))
        yield from filter(None, (*parts, one_line(card.tally, SHORT), web_link(card.url, URL)))
    for number, line in enumerate(lines, 1):
        read = [one_line(part, SHORT) for part in (line.title or "(untitled)", line.detail, line.note, line.tally)]
        yield f"{number}. " + ". ".join(filter(None, read))
        yield from filter(None, [web_link(line.url, URL)])
