"""The list of all settings, as their models describe it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, SecretStr

from bot.settings.groups import Section
from bot.settings.model import Settings


class Setting(NamedTuple):
    """One setting: its dotted name, its meaning, and its default, or an example where the default depends on others."""

    name: str
    meaning: str
    default: Any
    secret: bool = False
    """Whether the value is never shown, because it is a token or may hold a password."""


def describe(model: type[Settings] = Settings) -> Iterator[Setting]:
    """Every setting, in their order."""
    yield from _walk(model, "")


def sections(settings: type[Settings] = Settings) -> dict[str, str]:
    """The dotted name and the description of every section, in their order."""
    descriptions: dict[str, str] = {}
    for setting in describe(settings):
        model: type[BaseModel] = settings
        for depth, part in enumerate(names := setting.name.split(".")[:-1], 1):
            model = _section(model.model_fields[part].annotation) or model
            descriptions[".".join(names[:depth])] = (model.__doc__ or "").strip()
    return descriptions


def _walk(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section:
            yield from _walk(section, f"{prefix}{name}.")
        else:
            default = field.examples[0] if field.examples else field.default
            secret = field.annotation is SecretStr or not field.repr
            default = default.get_secret_value() if isinstance(default, SecretStr) else default
            yield Setting(prefix + name, field.description or "", default, secret)


def _section(annotation: Any) -> type[Section] | None:
    types = [annotation, *get_args(annotation)]
    return next((type_ for type_ in types if isinstance(type_, type) and issubclass(type_, Section)), None)
