"""Slack's limits on texts and on the interactive elements inside blocks (its Block Kit reference)."""

from __future__ import annotations

from typing import Any

from tests.fakes.slack.values import Json

PLAIN = ("plain_text",)
EITHER = ("plain_text", "mrkdwn")
SELECTS = ("static_select", "multi_static_select")
PICKERS = ("timepicker", "datepicker", "datetimepicker", "users_select", "conversations_select", "channels_select",
           "multi_users_select", "multi_conversations_select", "multi_channels_select", "external_select",
           "multi_external_select")  # fmt: skip
INPUTS = ("plain_text_input", "number_input", "email_text_input", "url_text_input")
BUTTONS = ("button", "workflow_button", "icon_button", "feedback_buttons")
ACTIONS = {"button", "overflow", "checkboxes", "radio_buttons", *SELECTS, *PICKERS}
ACCESSORIES = ACTIONS | {"image"}
FIELDS = (ACTIONS | set(INPUTS)) - {"button", "overflow"}

_OPTIONS = {"overflow": (1, 5), "checkboxes": (1, 10), "radio_buttons": (1, 10)}


class Unfit(Exception):
    """What is wrong, and where as a JSON pointer."""

    def __init__(self, why: str, where: str) -> None:
        super().__init__(f"{why} [json-pointer:{where}]")


def text(it: Any, where: str, most: int, kinds: tuple[str, ...] = EITHER) -> None:
    """Check a text object: its type, and 1 to `most` characters."""
    if not isinstance(it, dict) or it.get("type") not in kinds or not isinstance(it.get("text"), str):
        raise Unfit(f"must provide a text object of {' or '.join(kinds)}", where)
    allowed = {"type", "text", "emoji"} if it["type"] == "plain_text" else {"type", "text", "verbatim"}
    _known(it, allowed, where)
    string(it["text"], f"{where}/text", most)


def string(it: Any, where: str, most: int, least: int = 1) -> None:
    """Check a string's length, counted in characters."""
    if not isinstance(it, str):
        raise Unfit("must be a string", where)
    if len(it) < least:
        raise Unfit(f"must be more than {least - 1} characters", where)
    if len(it) > most:
        raise Unfit(f"must be less than {most + 1} characters", where)


def identifier(it: Json, name: str, where: str, *, needed: bool = False) -> None:
    """Check a block_id or an action_id."""
    if needed or name in it:
        string(it.get(name), f"{where}/{name}", 255)


def element(it: Any, where: str, allowed: set[str]) -> None:
    """Check an interactive element (or an image) of the kinds that may stand there."""
    kind = it.get("type") if isinstance(it, dict) else None
    if kind not in allowed:
        raise Unfit(f"unsupported type: {kind}", where)
    if kind == "image":
        image(it, where)
        return
    identifier(it, "action_id", where)
    confirm(it, where)
    if kind == "button":
        button(it, where)
    elif kind in SELECTS or kind in _OPTIONS:
        choices(it, where, kind)
    elif kind in INPUTS:
        string(it.get("initial_value", ""), f"{where}/initial_value", 3000, 0)
    if "placeholder" in it:
        text(it["placeholder"], f"{where}/placeholder", 150, PLAIN)


def button(it: Json, where: str) -> None:
    """Check a button."""
    _known(it, {"type", "action_id", "text", "value", "url", "style", "confirm", "accessibility_label"}, where)
    text(it.get("text"), f"{where}/text", 75, PLAIN)
    string(it.get("value", "."), f"{where}/value", 2000)
    string(it.get("url", "."), f"{where}/url", 3000)
    string(it.get("accessibility_label", "."), f"{where}/accessibility_label", 75)
    if it.get("style", "primary") not in ("primary", "danger"):
        raise Unfit("must be one of primary, danger", f"{where}/style")


def choices(it: Json, where: str, kind: str) -> None:
    """Check the options of a menu, and that what it offers first is one of them."""
    least, most = _OPTIONS.get(kind, (1, 100))
    groups = it.get("option_groups")
    if groups is None:
        options = it.get("options")
        if not isinstance(options, list) or not least <= len(options) <= most:
            raise Unfit(f"must have {least} to {most} items", f"{where}/options")
    else:
        if kind not in SELECTS or not 1 <= len(groups) <= 100:
            raise Unfit("must have 1 to 100 groups", f"{where}/option_groups")
        options = [option for group in groups for option in group.get("options", [])]
    for number, one in enumerate(options):
        option(one, f"{where}/options/{number}")
    first = [it[name] for name in ("initial_option",) if name in it] + list(it.get("initial_options", []))
    if any(one not in options for one in first):
        raise Unfit("initial option(s) must be among the options", where)


def option(it: Any, where: str) -> None:
    """Check one option."""
    if not isinstance(it, dict):
        raise Unfit("must be an object", where)
    text(it.get("text"), f"{where}/text", 75)
    string(it.get("value"), f"{where}/value", 150)
    if "description" in it:
        text(it["description"], f"{where}/description", 75)


def image(it: Json, where: str) -> None:
    """Check an image."""
    string(it.get("alt_text"), f"{where}/alt_text", 2000)
    if "slack_file" not in it:
        string(it.get("image_url"), f"{where}/image_url", 3000)


def confirm(it: Json, where: str) -> None:
    """Check the question that a press asks first, where there is one."""
    if "confirm" in it:
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            text(it["confirm"].get(name), f"{where}/confirm/{name}", most, EITHER if name == "text" else PLAIN)


def _known(it: Json, allowed: set[str], where: str) -> None:
    more = set(it) - allowed
    if more:
        raise Unfit(f"no more than {len(allowed)} properties allowed: {', '.join(sorted(more))}", where)
