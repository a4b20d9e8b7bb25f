"""Reads the settings from a TOML file and the environment. An unknown or wrong setting raises an error that says how
to mend it."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError, create_model
from pydantic_settings import EnvSettingsSource

from bot.settings.description import describe
from bot.settings.description import sections as sections_of
from bot.settings.groups import Section
from bot.settings.model import PREFIX, Settings

_NOT_SETTINGS = {"CONFIG", "ENV_FILE"}


class SettingsError(Exception):
    """A setting is wrong. The text names the setting and says how to mend it."""


def load(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    sections: Mapping[str, type[Section]] | None = None,
) -> Settings:
    """The settings of a TOML file (`PAPERBOY_CONFIG` names one too) and the environment, which wins.

    `sections` are those of platforms and sources by their names; the ones that `Settings` lacks are added to it.
    Raises SettingsError.
    """
    model = _with_sections(sections or {})
    environ = os.environ if environ is None else environ
    if file is None and environ.get("PAPERBOY_CONFIG"):
        file = Path(environ["PAPERBOY_CONFIG"])
    values = _read(file) if file else {}
    _refuse_unknown(values, file, model)
    _refuse_unknown_variables(environ, model)
    variables = EnvSettingsSource(model)
    variables.env_vars = {name.lower(): value for name, value in environ.items()}
    try:
        return model(**_over(variables(), values))
    except ValidationError as error:
        raise SettingsError(_explain(error, model)) from error


def _with_sections(new_sections: Mapping[str, type[Section]]) -> type[Settings]:
    fields: dict[str, Any] = {
        name: (section, section()) for name, section in new_sections.items() if name not in Settings.model_fields
    }
    return create_model("Settings", __base__=Settings, **fields) if fields else Settings


def _over(upper: Mapping[str, Any], lower: Mapping[str, Any]) -> dict[str, Any]:
    """Two trees of values merged into one. Where both have a value, that of `upper` wins."""
    merged = {name: _over(upper[name], lower[name]) for name in upper if _are_sections(upper[name], lower.get(name))}
    return {**lower, **upper, **merged}


def _are_sections(*values: object) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"There is no settings file {file}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {file} can't be read: {error}.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"The settings file {file} is not TOML: {error}.") from error


def _refuse_unknown(values: Mapping[str, Any], file: Path | None, model: type[Settings]) -> None:
    settings = list(describe(model))
    names, groups = {setting.name for setting in settings}, sections_of(model)
    tables = tuple(f"{setting.name}." for setting in settings if isinstance(setting.default, Mapping))
    for name in _dotted(values, ""):
        if name not in names and name not in groups and not name.startswith(tables):
            raise SettingsError(f"{file}: there is no setting {name}.{_nearest(name, names)}")


def _dotted(values: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _dotted(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def _refuse_unknown_variables(environ: Mapping[str, str], model: type[Settings]) -> None:
    names = {setting.name.replace(".", "__").upper() for setting in describe(model)}
    for variable in environ:
        prefix, name = variable[: len(PREFIX)].upper(), variable[len(PREFIX) :].upper()
        if prefix == PREFIX and name not in names | _NOT_SETTINGS and not name.startswith("TEST_"):
            raise SettingsError(f"There is no setting {variable}.{_nearest(name, names, PREFIX)}")


def _nearest(name: str, names: set[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(name, sorted(names), 1, 0.6)
    return f" Did you mean {prefix}{close[0]}?" if close else ""


def _explain(error: ValidationError, model: type[Settings]) -> str:
    problems, settings = [], {setting.name: setting for setting in describe(model)}
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "string_pattern_mismatch":
            message = f"does not read like {settings[name].default}"
        value_note = "" if name in settings and settings[name].secret else f" (it is {_shown(problem.get('input'))})"
        problems.append(f"{name}: {message[:1].lower()}{message[1:]}{value_note}")
    return "Wrong settings: " + "; ".join(problems) + "."


def _shown(value: Any) -> str:
    text = value.isoformat() if isinstance(value, datetime) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
