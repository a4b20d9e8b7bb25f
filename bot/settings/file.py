"""The settings file with every setting explained: `python -m bot.settings.file > config/paperboy.toml`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bot.settings import describe, sections

_HEAD = """\
# Every setting of Paperboy, each with its default. Uncomment what you change.
# `paperboy --config FILE` or the variable PAPERBOY_CONFIG names this file.
# The environment wins: [digest] hour is PAPERBOY_DIGEST__HOUR there, and a list is a,b,c.
"""


def settings_file() -> str:
    """A TOML file in which every setting stands as a comment, with what it means and its default."""
    lines, written = [_HEAD], {"": ""}
    meanings = sections()
    for setting in describe():
        section, _, key = setting.name.rpartition(".")
        for name in (name for name in meanings if name not in written and f"{section}.".startswith(f"{name}.")):
            written[name] = meanings[name]
            lines += ["", f"[{name}] # {meanings[name]}", ""]
        lines += [f"# {setting.meaning}", f"#{key} = {toml(setting.default)}"]
    return "\n".join(lines) + "\n"


def toml(value: str | bool | float | Sequence[str] | Mapping[str, Any]) -> str:
    """The value of a setting in TOML."""
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return f"{value:_}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key} = {toml(entry)}' for key, entry in value.items())}}}"
    return f"[{', '.join(toml(entry) for entry in value)}]"


if __name__ == "__main__":
    sys.stdout.buffer.write(settings_file().encode())
