"""Discord's payloads as the bot's own values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bot.model.messages import SUPER_REACTION_SUFFIX, Form
from bot.platforms.discord.render import texts

_SELECT, _INPUT, _LABEL = 3, 4, 18
_ONE_LINE, _FIELDS, _CHOICES, _LONGEST_VALUE = 1, 5, 25, 1_000


def emoji(partial: Mapping[str, Any], *, burst: bool = False) -> str:
    """An emoji as the core takes it: the character, or the name of a server's own between colons.

    A member may add the same emoji as a burst too: docs.discord.com/developers/resources/message#reaction-object

    >>> emoji({"name": "👍🏽", "id": None}), emoji({"name": "parrot", "id": "7"}, burst=True)
    ('👍🏽', ':parrot:::burst')
    """
    name = partial.get("name") or ""
    return (f":{name or 'emoji'}:" if partial.get("id") else name) + (SUPER_REACTION_SUFFIX if burst else "")


def typed(text: str, me: int) -> str | None:
    """The text of a message that mentions the bot, without the mention; None if only a reply's ping mentions it.

    >>> typed("<@7> similar 1602.05629", 7), typed("hello", 7)
    ('similar 1602.05629', None)
    """
    rest = re.sub(rf"<@!?{me}>", "", text)
    return " ".join(rest.split()) if rest != text else None


def options(data: Mapping[str, Any]) -> dict[str, Any]:
    """A command's options by name."""
    return {each["name"]: each.get("value") for each in data.get("options") or []}


def label_of(message: discord.Message | None, custom_id: str) -> str:
    """The label of a message's button, "" if there is none."""
    waiting: list[Any] = list(message.components) if message else []
    while waiting:
        component = waiting.pop()
        if getattr(component, "custom_id", None) == custom_id:
            return getattr(component, "label", None) or ""
        waiting += getattr(component, "children", ())
    return ""


def sent(data: Mapping[str, Any], command: str) -> str:
    """A submitted form as a command line."""
    values = []
    for label in data.get("components") or []:
        field = label.get("component") or {}
        chosen: Sequence[str] = field.get("values") or [field.get("value") or ""]
        values.append(f"{field.get('custom_id')}={' '.join(chosen).strip()}")
    return f"{command} {' '.join(values)}"


def modal(form: Form, custom_id: str) -> dict[str, Any]:
    """A form as a modal, which holds five fields."""
    labels = []
    for field in form.fields[:_FIELDS]:
        inner: dict[str, Any]
        if 0 < len(field.choices) <= _CHOICES:
            chosen = [{"label": each, "value": each, "default": each == field.value} for each in field.choices]
            inner = {"type": _SELECT, "custom_id": field.name, "options": chosen, "required": True}
        else:
            limits = {"value": field.value[:_LONGEST_VALUE], "max_length": _LONGEST_VALUE, "required": False}
            inner = {"type": _INPUT, "custom_id": field.name, "style": _ONE_LINE, **limits}
        labels.append({"type": _LABEL, "label": field.label[:45] or field.name[:45], "component": inner})
    return {"custom_id": custom_id, "title": form.title[:45] or "Settings", "components": labels}


def words_of(message: Mapping[str, Any]) -> str:
    """All texts and links of a message."""
    embeds = [
        str(each.get(part) or "") for each in message.get("embeds") or [] for part in ("title", "description", "url")
    ]
    return "\n".join([message.get("content") or "", *texts(message.get("components") or []), *embeds])
