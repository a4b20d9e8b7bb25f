"""Renders messages and replies for Slack, as Block Kit and its fallback text.

Texts from outside stand in rich_text or plain_text, where Slack interprets nothing. Only the fallback is mrkdwn, and
there `&`, `<` and `>` are escaped. Every text is cut, and a message that is too long in all is built again with shorter
texts, so that Slack refuses none. Limits: docs.slack.dev/reference/block-kit/blocks.
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
    button_value,
    heading,
    numbered_list,
    own_words,
    paper_list,
    section,
    span,
    spans,
)
from recommender.text import visible

MAX_FALLBACK = 4_000
"""The most characters of `text` that Slack advises."""
MAX_REWRITTEN = 4_000
"""The most bytes of `text` that Slack takes when a message is edited; a new message may have more."""
MAX_WEIGHT = 12_000
"""Characters of all block text in a message. Slack refuses more than about 13,200, a limit that it does not
document."""
MAX_BLOCKS = 50
INLINE_ATTACHMENT = 3_000
"""The most characters of a file that is shown in the answer itself."""
_CARDS, _BUTTONS = 14, 25
_LABEL, _VALUE, _BLOCK_ID = 75, 2_000, 255


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """Blocks, and the text that notifications and screen readers use instead."""

    text: str
    blocks: list[Json]


def posted(message: Message, commands: Commands, key: str = "", command: str = "/papers") -> SlackMessage:
    """A message for everybody. Its first block's id holds the key. It has no blocks if there is nothing to show."""

    def build(share: int) -> list[Json]:
        blocks = own_words(message.text, share, command)
        blocks += _card(message.card, share, 0, commands) if message.card else []
        offers = _actions(message.actions, "offer", _LABEL)
        if not message.numbered:
            return blocks + paper_list(message.lines, share) + offers
        likes = buttons(message.lines, commands.for_emoji("👍"))
        return blocks + numbered_list(message.lines, share) + _actions(likes, "number", _LABEL) + offers

    blocks = longest_that_fits(build, _is_light)
    if blocks and key:
        blocks[0] = {**blocks[0], "block_id": block_id(key)}
    cards = (message.card,) if message.card else ()
    return SlackMessage(_fallback(message.text, cards, message.lines, command), blocks)


def rewritten(message: Message, commands: Commands, key: str, command: str = "/papers") -> SlackMessage:
    """The same as `posted`, with a text that is short enough for an edit."""
    content, most = posted(message, commands, key, command), MAX_FALLBACK
    while (size := len(content.text.encode())) > MAX_REWRITTEN:
        most = min(most * MAX_REWRITTEN // size, most - 1)
        cards = (message.card,) if message.card else ()
        content = SlackMessage(_fallback(message.text, cards, message.lines, command, most), content.blocks)
    return content


def answer(reply: Reply, commands: Commands, command: str = "/papers") -> SlackMessage:
    """The reply to the asker; a button opens its form."""
    left_out = max(len(reply.cards) - _CARDS, 0) + max(len(reply.lines) - MOST_LINES, 0)
    change = [Action("Change", reply.form.command)] if reply.form else []
    rest = f"… and {count(left_out, 'paper')} more." if left_out else ""

    def build(share: int) -> list[Json]:
        blocks = own_words(reply.text, share, command)
        for place, card in enumerate(reply.cards[:_CARDS]):
            blocks += _card(card, share, place, commands)
        blocks += paper_list(reply.lines, share)
        blocks += own_words(rest, share, command)
        blocks += _attachment(reply.attachment, share) if reply.attachment else []
        return blocks + _actions((*reply.actions, *change), "offer", min(share, _LABEL))

    parts = [reply.text, reply.attachment.name if reply.attachment else ""]
    text = _fallback("\n".join(filter(None, parts)), reply.cards, reply.lines, command)
    return SlackMessage(text, longest_that_fits(build, _is_light))


def action_of(value: str) -> Action | None:
    """The action in a button's value, None for a value that is not the bot's."""
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
    """`text` as mrkdwn that mentions nobody and links nowhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def weight(blocks: object) -> int:
    """The UTF-16 characters of all texts and links in some blocks."""
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
    preformatted = {"type": "rich_text_preformatted", "elements": [span(content)]}
    return [{"type": "rich_text", "elements": [section(span(f"📎 {name}")), preformatted]}]


def _actions(actions: Iterable[Action], before: str, most: int) -> list[Json]:
    """A row of buttons. An action that is too long for a button's value is left out; it can still be typed."""
    elements: list[Json] = []
    for place, action in enumerate(actions):
        value = button_value(action.command, action.argument, action.offset)
        if len(value) <= _VALUE and len(elements) < _BUTTONS:
            label = one_line(action.label, most) or one_line(action.command, most) or "Go on"
            text = {"type": "plain_text", "text": label, "emoji": False}
            elements.append({"type": "button", "action_id": f"{before}-{place}", "text": text, "value": value})
    return [{"type": "actions", "elements": elements}] if elements else []


def _fallback(text: str, cards: Sequence[Card], lines: Sequence[Line], command: str, most: int = MAX_FALLBACK) -> str:
    """The content of the blocks as text, for members who use a screen reader."""
    plain = "\n".join(_text_parts(text, cards, lines, command))
    grown = len(escaped(plain[:most])) - len(plain[:most])
    # An escaped character is five characters long at most, so the bound holds for any cut.
    return escaped(cut(plain, max(most - grown, most // 5))) or "Paperboy"


def _text_parts(text: str, cards: Sequence[Card], lines: Sequence[Line], command: str) -> Iterator[str]:
    if words := "".join(each["text"] for each in spans(visible(text).strip(), command)):
        yield words
    share = SHARES[0]
    for card in cards:
        yield one_line(card.title, TITLE) or "(untitled)"
        parts = (_facts(card, share), one_line(card.summary, share), _reason(card, share), one_line(card.note, SHORT))
        yield from filter(None, (*parts, one_line(card.tally, SHORT), web_link(card.url, URL)))
    for number, line in enumerate(lines, 1):
        texts = [one_line(part, SHORT) for part in (line.title or "(untitled)", line.detail, line.note, line.tally)]
        yield f"{number}. " + ". ".join(filter(None, texts))
        yield from filter(None, [web_link(line.url, URL)])
