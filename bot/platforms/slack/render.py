"""Renders messages and replies for Slack, as Block Kit and its fallback text.

Texts from outside stand in rich_text or plain_text, where Slack interprets nothing. Only the fallback and the small
links of a card are mrkdwn: `&`, `<` and `>` are escaped in the fallback, and the links hold none of them but `&`. Every
text is cut, and a message that is too long in all is built again with shorter texts, so that Slack refuses none.
Limits: docs.slack.dev/reference/block-kit/blocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.model.commands import Commands
from bot.model.messages import Action, Attachment, Card, Line, Message, Reply
from bot.model.number_emoji import buttons
from bot.model.text import count, cut
from bot.platforms.rendering import SHARES, facts, links, longest_that_fits, one_line, reason, utf16_length, web_link
from bot.platforms.slack.blocks import (
    MOST_LINES,
    SHORT,
    TITLE,
    URL,
    Json,
    addresses,
    button_value,
    heading,
    numbered_list,
    own_words,
    paper_list,
    quote,
    section,
    span,
    spans,
)
from bot.platforms.slack.reading import text_of
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
_OPTIONS = 5
_LABEL, _VALUE, _OPTION_VALUE, _BLOCK_ID = 75, 2_000, 150, 255


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
        titles = numbered_list(message.lines, share, bold=not message.further)
        return blocks + titles + _actions(likes, "number", _LABEL) + offers

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
        blocks = own_words(reply.text, share, command) + addresses(links(reply, URL))
        for place, card in enumerate(reply.cards[:_CARDS]):
            blocks += _card(card, share, place, commands)
        blocks += paper_list(reply.lines, share)
        blocks += own_words(rest, share, command)
        blocks += _attachment(reply.attachment, share) if reply.attachment else []
        return blocks + _actions((*reply.actions, *change), "offer", min(share, _LABEL))

    urls = [f"{link.label}: {link.url}" for link in links(reply, URL)]
    parts = [reply.text, *urls, reply.attachment.name if reply.attachment else ""]
    text = _fallback("\n".join(filter(None, parts)), reply.cards, reply.lines, command)
    return SlackMessage(text, longest_that_fits(build, _is_light))


def pressed(element: Json) -> Action | None:
    """The action of a pressed button or of the option that was chosen in a menu, None if it is not the bot's."""
    option = element.get("selected_option")
    chosen = option if isinstance(option, dict) else element
    action = action_of(text_of(chosen, "value"))
    return replace(action, label=text_of(chosen.get("text") or {}, "text")) if action else None


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
    """The title, the reason behind a bar, the summary, and all else in small grey letters."""
    elements = [section(*heading(card.title, card.url, share))]
    elements += [quote(why)] if (why := _reason(card, share)) else []
    elements += [section(span(summary))] if (summary := one_line(card.summary, share)) else []
    context = [_plain(text) for text in (_facts(card, share),) if text] + _small_links(card, share)
    notes = (one_line(text, min(share, SHORT)) for text in (card.note, card.tally))
    context += [_plain(text) for text in notes if text]
    blocks: list[Json] = [{"type": "rich_text", "elements": elements}]
    blocks += [{"type": "context", "elements": context}] if context else []
    return blocks + _card_actions(card.paper_id, f"card-{place}", commands)


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}


def _small_links(card: Card, share: int) -> list[Json]:
    """The links of a card in one line of a context block, which takes no rich text."""
    parts = [f"<{escaped(link.url)}|{link.label}>" for link in links(card, min(2 * share, URL))]
    return [{"type": "mrkdwn", "text": " · ".join(parts), "verbatim": True}] if parts else []


def _card_actions(paper_id: str, before: str, commands: Commands) -> list[Json]:
    """The buttons of a card, and its menu. An action that is too long for an option of the menu is a button."""
    in_row = commands.card_actions(paper_id, in_menu=False)
    options = list[Json]()
    for action in commands.card_actions(paper_id, in_menu=True):
        value = button_value(action.command, action.argument, action.offset)
        if len(value) <= _OPTION_VALUE and len(options) < _OPTIONS:
            options.append({"text": _plain(one_line(action.label, _LABEL) or action.command), "value": value})
        else:
            in_row.append(action)
    rows = _actions(in_row, before, _LABEL)
    if not options:
        return rows
    menu = {"type": "overflow", "action_id": f"{before}-menu", "options": options}
    return [{"type": "actions", "elements": [*(rows[0]["elements"] if rows else []), menu]}]


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
            button = {"type": "button", "action_id": f"{before}-{place}", "text": _plain(label), "value": value}
            elements.append(button)
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
        parts = (_reason(card, share), one_line(card.summary, share), _facts(card, share), one_line(card.note, SHORT))
        yield from filter(None, (*parts, one_line(card.tally, SHORT), web_link(card.url, URL)))
        yield from (f"{link.label}: {link.url}" for link in links(card, URL))
    for number, line in enumerate(lines, 1):
        texts = [one_line(part, SHORT) for part in (line.title or "(untitled)", line.detail, line.note, line.tally)]
        yield f"{number}. " + ". ".join(filter(None, texts))
        yield from filter(None, [web_link(line.url, URL)])
