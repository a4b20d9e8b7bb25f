"""Buttons, selects, layout and modals, held to their limits: docs.discord.com/developers/components/reference."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.fakes.discord.errors import Errors, Path
from tests.fakes.discord.message import every_component
from tests.fakes.discord.values import Json

ROW, BUTTON, SELECT, INPUT = 1, 2, 3, 4
SELECTS = {3, 5, 6, 7, 8}
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 9, 10, 11, 12, 13, 14, 17, 18
LINK = 5
MOST, MOST_TEXT = 40, 4000
MOST_DESCRIPTION = 256
"""As libraries of Discord document it for a gallery's item."""
TOP = {ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER}


def check_components(errors: Errors, components: list[Json], *, rich: bool) -> None:
    """Note what is wrong in a message's components; `rich`: with IS_COMPONENTS_V2."""
    at: Path = ("components",)
    if not rich:
        errors.count(at, components, 5)
        for number, one in enumerate(components):
            if one.get("type") != ROW:
                errors.add((*at, number, "type"), "BASE_TYPE_CHOICES", f"Value must be one of {{{ROW}}}.")
            else:
                _row(errors, (*at, number), one)
    else:
        _each(errors, at, components, TOP)
        total = len(list(every_component(components)))
        if total > MOST:
            text = f"Total number of components cannot exceed {MOST}"
            errors.add(at, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", text)
        shown = sum(len(str(one.get("content", ""))) for one in every_component(components) if one["type"] == TEXT)
        if shown > MOST_TEXT:
            text = f"The total displayable text size exceeds the maximum of {MOST_TEXT}"
            errors.add(at, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", text)
    _unique(errors, at, components)


def check_modal(modal: Json) -> None:
    """Raises Refused 50035 with what is wrong in a modal."""
    errors = Errors()
    errors.text(("title",), modal.get("title"), 45, required=True)
    errors.text(("custom_id",), modal.get("custom_id"), 100, required=True)
    components = modal.get("components") or []
    errors.count(("components",), components, 5, 1)
    for number, one in enumerate(components):
        at: Path = ("components", number)
        if one.get("type") == LABEL:
            errors.text((*at, "label"), one.get("label"), 45, required=True)
            errors.text((*at, "description"), one.get("description"), 100)
            inner = one.get("component") or {}
            if inner.get("type") == INPUT:
                _input(errors, (*at, "component"), inner, labelled=True)
            else:
                _select(errors, (*at, "component"), inner)
        elif one.get("type") == TEXT:
            errors.text((*at, "content"), one.get("content"), MOST_TEXT, required=True)
        elif one.get("type") == ROW and len(one.get("components") or []) == 1:
            _input(errors, (*at, "components", 0), one["components"][0], labelled=False)
        else:
            errors.add((*at, "type"), "BASE_TYPE_CHOICES", f"Value must be one of {{{ROW}, {TEXT}, {LABEL}}}.")
    _unique(errors, ("components",), components)
    errors.stop()


def numbered(components: list[Json]) -> list[Json]:
    """The same components, each with its `id`: the bot's own, or the next free number."""
    every = list(every_component(components))
    taken = {one.get("id") for one in every}
    free = (number for number in itertools.count(1) if number not in taken)
    for one in every:
        one["id"] = one.get("id") or next(free)
    return components


def _each(errors: Errors, at: Path, components: list[Json], allowed: set[int]) -> None:
    for number, one in enumerate(components):
        kind = one.get("type")
        if kind not in allowed:
            errors.add((*at, number, "type"), "BASE_TYPE_CHOICES", f"Value must be one of {sorted(allowed)}.")
        else:
            CHECKS[kind](errors, (*at, number), one)


def _row(errors: Errors, at: Path, row: Json) -> None:
    inner = row.get("components") or []
    at = (*at, "components")
    kinds = {one.get("type") for one in inner}
    errors.count(at, inner, 1 if kinds & SELECTS else 5, 1)
    _each(errors, at, inner, {BUTTON, *SELECTS})


def _button(errors: Errors, at: Path, button: Json) -> None:
    errors.text((*at, "label"), button.get("label"), 80)
    if not button.get("label") and not button.get("emoji"):
        errors.add(at, "BUTTON_COMPONENT_INVALID_LABEL", "A button needs a label or an emoji.")
    if button.get("style") == LINK:
        errors.url((*at, "url"), button.get("url") or "", attachment=False)
        if len(button.get("url") or "") > 512:
            errors.add((*at, "url"), "BASE_TYPE_MAX_LENGTH", "Must be 512 or fewer in length.")
        if button.get("custom_id"):
            errors.add((*at, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_WITH_URL", "A link has no custom id.")
    else:
        errors.text((*at, "custom_id"), button.get("custom_id"), 100, required=True)


def _select(errors: Errors, at: Path, select: Json) -> None:
    if select.get("type") not in SELECTS:
        errors.add((*at, "type"), "BASE_TYPE_CHOICES", f"Value must be one of {sorted(SELECTS)}.")
        return
    errors.text((*at, "custom_id"), select.get("custom_id"), 100, required=True)
    errors.text((*at, "placeholder"), select.get("placeholder"), 150)
    if select["type"] != SELECT:
        return
    options = select.get("options") or []
    errors.count((*at, "options"), options, 25, 1)
    for number, one in enumerate(options):
        errors.text((*at, "options", number, "label"), one.get("label"), 100, required=True)
        errors.text((*at, "options", number, "value"), one.get("value"), 100, required=True)
        errors.text((*at, "options", number, "description"), one.get("description"), 100)
    if len({option.get("value") for option in options}) < len(options):
        errors.add((*at, "options"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified value is already used")
    least, most = select.get("min_values", 1), select.get("max_values", 1)
    if not 0 <= least <= 25 or not 1 <= most <= 25 or least > most or most > max(1, len(options)):
        errors.add((*at, "max_values"), "NUMBER_TYPE_MAX", "The counts do not fit the options.")


def _input(errors: Errors, at: Path, one: Json, *, labelled: bool) -> None:
    if one.get("type") != INPUT:
        errors.add((*at, "type"), "BASE_TYPE_CHOICES", f"Value must be one of {{{INPUT}}}.")
        return
    errors.text((*at, "custom_id"), one.get("custom_id"), 100, required=True)
    errors.text((*at, "label"), one.get("label"), 45, required=not labelled)
    errors.text((*at, "placeholder"), one.get("placeholder"), 100)
    errors.text((*at, "value"), one.get("value"), min(one.get("max_length") or 4000, 4000))
    if (one.get("max_length") or 1) > 4000 or (one.get("min_length") or 0) > 4000:
        errors.add((*at, "max_length"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 4000.")


def _section(errors: Errors, at: Path, one: Json) -> None:
    errors.count((*at, "components"), one.get("components") or [], 3, 1)
    _each(errors, (*at, "components"), one.get("components") or [], {TEXT})
    accessory = one.get("accessory")
    if accessory is None:
        errors.add((*at, "accessory"), "BASE_TYPE_REQUIRED", "This field is required")
    elif accessory.get("type") == BUTTON:
        _button(errors, (*at, "accessory"), accessory)
    elif accessory.get("type") == THUMBNAIL:
        errors.url((*at, "accessory", "media", "url"), accessory.get("media", {}).get("url"))
    else:
        errors.add((*at, "accessory", "type"), "BASE_TYPE_CHOICES", f"Value must be one of {{{BUTTON}, {THUMBNAIL}}}.")


def _text(errors: Errors, at: Path, one: Json) -> None:
    errors.text((*at, "content"), one.get("content"), MOST_TEXT, required=True)


def _gallery(errors: Errors, at: Path, one: Json) -> None:
    items = one.get("items") or []
    errors.count((*at, "items"), items, 10, 1)
    for number, item in enumerate(items):
        errors.url((*at, "items", number, "media", "url"), item.get("media", {}).get("url"))
        errors.text((*at, "items", number, "description"), item.get("description"), MOST_DESCRIPTION)


def _file(errors: Errors, at: Path, one: Json) -> None:
    if not str(one.get("file", {}).get("url", "")).startswith("attachment://"):
        errors.add((*at, "file", "url"), "URL_TYPE_INVALID_SCHEME", "Only attachment:// is supported.")


def _separator(errors: Errors, at: Path, one: Json) -> None:
    if one.get("spacing", 1) not in (1, 2):
        errors.add((*at, "spacing"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2}.")


def _container(errors: Errors, at: Path, one: Json) -> None:
    errors.count((*at, "components"), one.get("components") or [], MOST, 1)
    _each(errors, (*at, "components"), one.get("components") or [], TOP - {CONTAINER})


def _unique(errors: Errors, at: Path, components: list[Json]) -> None:
    named = [one["custom_id"] for one in every_component(components) if one.get("custom_id")]
    if len(set(named)) < len(named):
        errors.add(at, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    own = [one["id"] for one in every_component(components) if one.get("id")]
    if len(set(own)) < len(own):
        errors.add(at, "COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated")
    if any(not isinstance(one, int) or not 0 < one < 1 << 31 for one in own):
        errors.add(at, "NUMBER_TYPE_MAX", "A component's id is a number of 32 bits.")


CHECKS: dict[Any, Callable[[Errors, Path, Json], None]] = {
    ROW: _row,
    BUTTON: _button,
    **dict.fromkeys(SELECTS, _select),
    SECTION: _section,
    TEXT: _text,
    GALLERY: _gallery,
    FILE: _file,
    SEPARATOR: _separator,
    CONTAINER: _container,
}
