"""Renders modals and the home tab as Block Kit, and reads submitted modals.

Limits: docs.slack.dev/reference/views and docs.slack.dev/reference/block-kit/block-elements.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.model.commands import Commands
from bot.model.messages import Action, Entry, Form, FormField, Home, Overview, PlaceKind
from bot.model.text import count, cut
from bot.platforms.rendering import one_line
from bot.platforms.slack.blocks import Json, button_value, own_words, paper_list, section, spans
from recommender.text import visible

_TITLE, _LABEL, _HINT, _OPTION, _OPTION_VALUE, _BUTTON_VALUE = 24, 150, 150, 75, 150, 2_000
_TYPED, _ID, _ERROR = 3_000, 255, 300
_FIELDS, _CHOICES, _ELEMENTS = 50, 100, 25
_TOPICS, _SAVED, _CHANNELS = 25, 10, 20
"""The most entries on a home tab. With two blocks a channel, they stay below Slack's limit of 100 blocks."""
_WORDS = 1_200
_ACTION = "value"


@dataclass(frozen=True, slots=True)
class SubmittedForm:
    """A submitted modal: its command, the values of its fields before and now, and the block of each field."""

    command: str
    before: Mapping[str, str]
    now: Mapping[str, str]
    blocks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a modal was opened: the address that it is about, and whether it was opened on the home tab."""

    address: str
    home: bool = False


def modal(form: Form, origin: Origin) -> Json:
    """A form as a modal."""
    inputs = [_input(place, field) for place, field in enumerate(form.fields[:_FIELDS])]
    if not inputs:
        return notice(form.title, "There is nothing to change here.")
    return _modal(form.title, inputs) | {
        "callback_id": form.command,
        "submit": _plain("Save", _TITLE),
        "close": _plain("Cancel", _TITLE),
        "private_metadata": json.dumps([origin.address, origin.home]),
    }


def notice(title: str, text: str, command: str = "/papers") -> Json:
    """A modal that only shows a text."""
    return _modal(title, own_words(text, _WORDS, command) or own_words("Done.", _WORDS, command))


def submitted_form(view: Mapping[str, Any], commands: Commands) -> tuple[SubmittedForm, Origin]:
    """The form that a member submitted. Raises ValueError for a modal that is not the bot's."""
    try:
        address, home = json.loads(view["private_metadata"])
        typed, command = view["state"]["values"], str(view["callback_id"])
        before, now, blocks = {}, {}, {}
        for block in view["blocks"]:
            if block["type"] == "input":
                name = block["block_id"].partition(":")[2]
                blocks[name] = block["block_id"]
                before[name] = _value(block["element"], "initial_value", "initial_option")
                now[name] = _value(typed[block["block_id"]][_ACTION], "value", "selected_option")
        if not commands.traits(command).has_form:
            raise ValueError(command)
        return SubmittedForm(command, before, now, blocks), Origin(str(address), bool(home))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("a modal of another time") from error


def field_error(field: str, sent: SubmittedForm, text: str) -> Mapping[str, str] | None:
    """The error text by the block of its field; None if the modal has no such field."""
    return {sent.blocks[field]: one_line(text, _ERROR)} if field in sent.blocks else None


def home(home_page: Home, note: str = "", command: str = "/papers") -> Json:
    """The home tab; `note` is the result of the last press."""
    blocks = own_words(note, _WORDS, command)
    blocks += [{"type": "divider"}] if blocks else []
    blocks += [_header("Your own digest")] if home_page.mine.actions else []
    blocks += _overview(home_page.mine, command)
    if home_page.topics:
        blocks.append(_header("Your topics"))
        blocks += [_entry(each) for each in home_page.topics[:_TOPICS]]
        if len(home_page.topics) > _TOPICS:
            rest = count(len(home_page.topics) - _TOPICS, "topic")
            blocks += own_words(f"… and {rest} more. Send me `topics` to see all.", _WORDS, command)
    if home_page.saved:
        blocks.append(_header(f"Your saved papers, {home_page.kept:,} in all"))
        blocks += paper_list([each.line for each in home_page.saved[:_SAVED]], _WORDS, "bullet")
        blocks += _saved_actions(home_page)
    if home_page.channels:
        blocks.append(_header("Channels you manage"))
        blocks += [block for each in home_page.channels[:_CHANNELS] for block in _overview(each, command)]
        left_out = home_page.left_out + max(len(home_page.channels) - _CHANNELS, 0)
        if left_out:
            blocks += own_words(f"… and {count(left_out, 'channel')} more: say `/papers` there.", _WORDS, command)
    return {"type": "home", "blocks": blocks or own_words("Nothing here yet.", _WORDS, command)}


def action_of(action: Mapping[str, Any]) -> tuple[str, Action] | None:
    """The address ("" for the direct conversation) and the action of a press on the home tab, or None."""
    option = action.get("selected_option")
    value = option.get("value") if isinstance(option, dict) else action.get("value")
    try:
        match json.loads(value if isinstance(value, str) else ""):
            case [str(address), str(command), str(argument), int(offset)]:
                return address, Action("", command, argument, offset)
    except ValueError:
        pass
    return None


def _modal(title: str, blocks: list[Json]) -> Json:
    return {"type": "modal", "title": _plain(title, _TITLE), "close": _plain("Close", _TITLE), "blocks": blocks}


def _input(place: int, field: FormField) -> Json:
    """A field: a menu if its choices fit into one, else one line of text."""
    offered = list(dict.fromkeys([*field.choices, field.value])) if field.choices else []
    if offered and len(offered) <= _CHOICES and all(each == one_line(each, _OPTION) != "" for each in offered):
        options = {each: {"text": _plain(each, _OPTION), "value": each} for each in offered}
        element: Json = {"type": "static_select", "options": list(options.values())}
        element["initial_option"] = options[field.value]
    else:
        element = {"type": "plain_text_input"}
        if value := field.value[:_TYPED]:
            element["initial_value"] = value
    block = {
        "type": "input",
        "block_id": f"{place}:{field.name}"[:_ID],
        "label": _plain(one_line(field.name, _LABEL).capitalize(), _LABEL),
        "element": {**element, "action_id": _ACTION},
    }
    hint = one_line(field.label, _HINT)
    return block | ({"hint": _plain(hint[0].upper() + hint[1:], _HINT)} if hint else {})


def _value(element: Mapping[str, Any], typed: str, chosen: str) -> str:
    option = element.get(chosen)
    value = option["value"] if option else element.get(typed)
    return value if isinstance(value, str) else ""


def _overview(overview: Overview, command: str) -> list[Json]:
    """A place under its name. Slack shows the name only to members who may see it."""
    address = overview.place.address if overview.place.kind is PlaceKind.CHANNEL else ""
    name = [section({"type": "channel", "channel_id": address, "style": {"bold": True}})] if address else []
    words = section(*spans(cut(visible(overview.text).strip(), _WORDS) or "…", command))
    buttons = _actions(_button(action, address) for action in overview.actions)
    return [{"type": "rich_text", "elements": [*name, words]}, *buttons]


def _entry(entry: Entry) -> Json:
    text = one_line(" · ".join(filter(None, (entry.line.title, entry.line.detail))), _WORDS) or "(untitled)"
    block: Json = {"type": "section", "text": _plain(text, _WORDS)}
    button = _button(entry.action, "")
    return block | ({"accessory": button} if button else {})


def _saved_actions(home_page: Home) -> list[Json]:
    removable = [(each, _pack(each.action, "")) for each in home_page.saved[:_SAVED]]
    options = [
        {"text": _plain(one_line(each.line.title, _OPTION) or "(untitled)", _OPTION), "value": value}
        for each, value in removable
        if len(value) <= _OPTION_VALUE
    ]
    menu = {"type": "static_select", "placeholder": _plain("Remove one …", _HINT), "options": options}
    return _actions([menu if options else None, *(_button(action, "") for action in home_page.actions)])


def _actions(elements: Iterable[Json | None]) -> list[Json]:
    named = [{**each, "action_id": f"home-{place}"} for place, each in enumerate(filter(None, elements))][:_ELEMENTS]
    return [{"type": "actions", "elements": named}] if named else []


def _button(action: Action, address: str) -> Json | None:
    """A button, None if the action is too long for one; it can still be typed."""
    value = _pack(action, address)
    if len(value) > _BUTTON_VALUE:
        return None
    label = one_line(action.label, _OPTION) or one_line(action.command, _OPTION) or "Go on"
    return {"type": "button", "text": _plain(label, _OPTION), "value": value}


def _pack(action: Action, address: str) -> str:
    return button_value(address, action.command, action.argument, action.offset, ascii=False)


def _header(text: str) -> Json:
    return {"type": "header", "text": _plain(text, _LABEL)}


def _plain(text: str, most: int) -> Json:
    return {"type": "plain_text", "text": one_line(text, most) or "…", "emoji": False}
