"""Renders messages and replies for Discord, as Components V2.

Every text from outside is escaped, and every message is cut to what Discord accepts. Limits:
docs.discord.com/developers/components/reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from bot.model.commands import Commands
from bot.model.messages import Action, Attachment, Card, Line, Message, Reply
from bot.model.number_emoji import MOST, buttons, keycap
from bot.model.text import count, cut
from bot.platforms.discord.custom_ids import PAPERS, ActionStore, card_button_id, change_id
from bot.platforms.discord.markup import one_line, own_words, titled, together
from bot.platforms.discord.uploads import DiscordFile
from bot.platforms.pictures import Picture
from bot.platforms.rendering import SHARES, facts, links, longest_that_fits, reason, utf16_length
from recommender.text import visible

Json = dict[str, Any]

MAX_TEXT = 4_000
"""Characters of all texts in one message."""
MAX_COMPONENTS = 40
V2, EPHEMERAL = 1 << 15, 1 << 6
_ROW, _BUTTON, _SELECT, _TEXT, _GALLERY, _FILE, _SEPARATOR, _CONTAINER = 1, 2, 3, 10, 12, 13, 14, 17
_GREY = 2
_MESSAGES, _LINES, _CARDS, _OPTIONS = 5, 30, 10, 25
_FEW_LINES = 10
"""Up to so many lines have room between them."""
_LABEL, _OPTION, _IN_ROW, _BUTTONS = 80, 100, 5, 10
_TITLE, _SHORT, _URL = 300, 300, 500
_ITEM_TEXT = 256
"""The most characters that describe a picture in its place; the file itself may have a longer description."""


@dataclass(frozen=True, slots=True)
class DiscordMessage:
    """One message for Discord: its components, and the files that it shows."""

    components: list[Json]
    attachment: Attachment | None = None
    pictures: tuple[Picture, ...] = ()

    def without_pictures(self) -> DiscordMessage:
        """The same message for a place where the bot may not send files."""
        return replace(self, components=[each for each in self.components if not _is_gallery(each)], pictures=())

    def files(self) -> list[DiscordFile]:
        """The files that the components show."""
        files = [DiscordFile(each.name, each.content, "image/png", each.text) for each in self.pictures]
        if self.attachment:
            content = self.attachment.content.encode("utf-8", "replace")
            files.append(DiscordFile(file_name(self.attachment), content, "application/octet-stream"))
        return files

    def payload(self, flags: int = 0) -> Json:
        """The message as JSON. It mentions nobody."""
        return {"flags": V2 | flags, "components": self.components, "allowed_mentions": {"parse": []}}


class Renderer:
    """Renders for one bot. `command` is the slash command's name; `action_store` keeps actions too long for a
    button."""

    def __init__(self, commands: Commands, command: str = "papers", action_store: ActionStore | None = None) -> None:
        self.commands, self.action_store, self._command = commands, action_store or ActionStore(), command

    def posted(self, message: Message, key: str = "") -> DiscordMessage:
        """A message for everybody. Its first component holds the mark of its key. It has no components if there is
        nothing to show."""

        def build(share: int) -> list[Json]:
            parts = self._words(message.text, share)
            parts += [self._card(message.card, share, card_button_id)] if message.card else []
            parts += _list(message.lines, share, numbered=message.numbered, close=message.further)
            while pieces(parts) > MAX_COMPONENTS:  # the last lines of a long list below a card
                parts.pop()
            likes = buttons(message.lines, self.commands.for_emoji("👍")) if message.numbered else []
            choices = _rows(self._buttons([*likes, *message.actions]))
            return [*parts, *choices] if pieces([*parts, *choices]) <= MAX_COMPONENTS else parts

        components = _without_duplicates(_without_leading_gap(_fitting(build)))
        if components and key:
            components[0] = {**components[0], "id": mark(key)}
        return DiscordMessage(components)

    def answer(self, reply: Reply, pictures: Sequence[Picture] = ()) -> list[DiscordMessage]:
        """The reply to the asker, in as few messages as possible. `pictures` are its charts."""
        messages: list[list[Json]] = [[]]
        for part in self._parts(reply, pictures):
            if messages[-1] and not _fits([*messages[-1], part]):
                messages.append([])
            messages[-1].append(part)
        rendered = [_without_duplicates(_without_leading_gap(message)) for message in messages[:_MESSAGES]]
        return [
            DiscordMessage(each, reply.attachment if any(map(_is_file, each)) else None, _shown(pictures, each))
            for each in rendered
        ]

    def _parts(self, reply: Reply, pictures: Sequence[Picture]) -> Iterator[Json]:
        id_of = self.action_store.id_of
        left_out = max(len(reply.cards) - _CARDS, 0) + max(len(reply.lines) - _LINES, 0)
        if len(reply.cards) == 1 and reply == Reply(reply.text, cards=(replace(reply.cards[0], summary=""),)):
            # A text and one card without a summary: the text is the paper's abstract and goes below the title.
            [card], text = reply.cards, reply.text
            yield from _fitting(lambda share: [self._card(card, share, id_of, self._own_words(text, share))])
            return
        if words := _fitting(lambda share: self._words(reply.text, share)):
            yield from words
        elif not (reply.cards or reply.lines or reply.attachment or reply.form):
            yield _text("…")
        if addresses := _links(reply, SHARES[0]):
            yield _text("\n".join(addresses))
        yield from map(_gallery, pictures)
        for card in reply.cards[:_CARDS]:
            yield from _fitting(lambda share, card=card: [self._card(card, share, id_of)])  # type: ignore[misc]
        yield from _list(reply.lines, SHARES[1], first=reply.first)
        if left_out:
            yield _text(f"… and {count(left_out, 'paper')} more.")
        if reply.attachment:
            yield {"type": _FILE, "file": {"url": f"attachment://{file_name(reply.attachment)}"}}
        offered = [_button("Change", change_id(reply.form.command))] if reply.form else []
        offered += self._buttons(reply.actions)
        yield from _rows(offered)
        if options := [_option(line) for line in reply.lines if 0 < len(line.paper_id) <= _OPTION][:_OPTIONS]:
            yield {"type": _ROW, "components": [_select(options)]}

    def _own_words(self, text: str, share: int) -> str:
        return own_words(text, min(10 * share, MAX_TEXT), self._command)

    def _words(self, text: str, share: int) -> list[Json]:
        words = self._own_words(text, share)
        return [_text(words)] if words.strip() else []

    def _card(self, card: Card, share: int, id_of: Callable[[Action], str], abstract: str = "") -> Json:
        why = _reason(card, share)
        below = ["\u00a0· ".join(filter(None, [_facts(card, share), *_links(card, share)]))]
        below += [one_line(each, min(share, _SHORT)) for each in (card.note, card.tally)]
        # Three texts, because Discord leaves some room between two.
        texts = [
            [f"### {titled(card.title, card.url, min(share, _TITLE))}", *([f"> {why}"] if why else [])],
            [abstract or one_line(card.summary, share)],
            _small(below),
        ]
        parts = [_text("\n".join(rows)) for rows in texts if any(rows)]
        left_out = self.commands.abstract_command() if abstract else ""
        actions = self.commands.card_actions(card.paper_id)
        row = [_button(action.label, id_of(action)) for action in actions if action.command != left_out]
        return {"type": _CONTAINER, "components": [*parts, {"type": _ROW, "components": row}]}

    def _buttons(self, actions: Sequence[Action]) -> list[Json]:
        labels = [" ".join(visible(action.label).split())[:_LABEL] or action.command[:_LABEL] for action in actions]
        return [
            _button(label or "Go on", self.action_store.id_of(action))
            for label, action in zip(labels, actions[:_BUTTONS], strict=False)
        ]


def mark(key: str) -> int:
    """The id of the first component of the message with this key. Discord keeps the id and returns it.

    The mark is large, with thirty bits of the key's hash: Discord gives components without an id the numbers from 1 on.
    """
    return 1 << 30 | int.from_bytes(sha256(key.encode()).digest()[:4]) >> 2


def file_name(attachment: Attachment) -> str:
    """A file's name, with only the characters that Discord keeps."""
    name = "".join(char if char.isalnum() or char in "._-" else "_" for char in attachment.name[:_LABEL])
    return name.strip("._") or "file.txt"


def texts(components: Sequence[Json]) -> Iterator[str]:
    """All texts in some components."""
    for component in components:
        if component["type"] == _TEXT:
            yield component["content"]
        yield from texts(component.get("components") or [])


def pieces(components: Sequence[Json]) -> int:
    """The number of components, nested ones included."""
    return len(components) + sum(pieces(each.get("components") or []) for each in components)


def _without_duplicates(components: Sequence[Json], seen: set[str] | None = None) -> list[Json]:
    """The components without repeated buttons: Discord refuses a message with a custom id twice."""
    seen, unique = set() if seen is None else seen, []
    for component in components:
        if custom_id := component.get("custom_id"):
            if custom_id in seen:
                continue
            seen.add(custom_id)
        elif "components" in component:
            component = {**component, "components": _without_duplicates(component["components"], seen)}
            if not component["components"]:
                continue
        unique.append(component)
    return unique


def _without_leading_gap(components: list[Json]) -> list[Json]:
    """The components without a separator before the first."""
    return components[1:] if components and components[0]["type"] == _SEPARATOR else components


def _is_file(component: Json) -> bool:
    return bool(component["type"] == _FILE)


def _gallery(picture: Picture) -> Json:
    """One picture over the whole width of the message."""
    item = {"media": {"url": f"attachment://{picture.name}"}, "description": cut(picture.text, _ITEM_TEXT)}
    return {"type": _GALLERY, "items": [item]}


def _is_gallery(component: Json) -> bool:
    return bool(component["type"] == _GALLERY)


def _shown(pictures: Sequence[Picture], components: Sequence[Json]) -> tuple[Picture, ...]:
    galleries = [_gallery(picture) for picture in pictures]
    return tuple(picture for picture, gallery in zip(pictures, galleries, strict=True) if gallery in components)


def _fitting(build: Callable[[int], list[Json]]) -> list[Json]:
    """The components with the longest texts that Discord accepts."""
    return longest_that_fits(build, _light)


def _facts(card: Card, share: int) -> str:
    return together(facts(card, lambda text: one_line(text, min(share, _SHORT))))


def _reason(card: Card, share: int) -> str:
    return reason(card, lambda text: one_line(text, min(share, _SHORT)))


def _links(shown: Card | Reply, share: int) -> list[str]:
    texts = (titled(link.label, link.url, share) for link in links(shown, min(2 * share, _URL)))
    return [text for text in texts if text.startswith("[")]  # a link that Discord would not take is only its label


def _fits(components: Sequence[Json]) -> bool:
    return _light(components) and pieces(components) <= MAX_COMPONENTS


def _light(components: Sequence[Json]) -> bool:
    return sum(map(utf16_length, texts(components))) <= MAX_TEXT


def _list(
    lines: Sequence[Line], share: int, *, numbered: bool = False, close: bool = False, first: int = 1
) -> list[Json]:
    """A numbered list of papers with their details. Unless it is `close`, titles are bold, and a short list has room
    between the papers."""
    components = list[Json]()
    for place, line in enumerate(lines[:_LINES]):
        number = keycap(place + 1) if numbered and place < MOST else f"{first + place}\\."
        bold = "" if close else "**"
        rows = [f"{number} {bold}{titled(line.title, line.url, min(share, _TITLE))}{bold}"]
        rows += _small([together(one_line(line.detail, min(share, _SHORT)))])
        rows += filter(None, [one_line(line.note, min(share, _SHORT))])
        rows += _small([one_line(line.tally, min(share, _SHORT))])
        components += [{"type": _SEPARATOR, "divider": False}] if len(lines) <= _FEW_LINES and not close else []
        components.append(_text("\n".join(rows)))
    return components


def _small(texts: Sequence[str]) -> list[str]:
    """Rows in small grey letters."""
    return [f"-# {each}" for each in texts if each]


def _option(line: Line) -> Json:
    title = " ".join(visible(line.title).split()) or "(untitled)"
    return {"label": title if len(title) <= _OPTION else title[: _OPTION - 1] + "…", "value": line.paper_id}


def _select(options: Sequence[Json]) -> Json:
    unique = list({option["value"]: option for option in options}.values())
    return {"type": _SELECT, "custom_id": PAPERS, "placeholder": "Read one of them", "options": unique}


def _rows(buttons: Sequence[Json]) -> list[Json]:
    """Buttons, five in a row."""
    starts = range(0, len(buttons), _IN_ROW)
    return [{"type": _ROW, "components": list(buttons[start : start + _IN_ROW])} for start in starts]


def _button(label: str, custom_id: str) -> Json:
    return {"type": _BUTTON, "style": _GREY, "label": label, "custom_id": custom_id}


def _text(content: str) -> Json:
    return {"type": _TEXT, "content": content}
