"""A file of environment variables, which keeps tokens out of the shell's history and out of the settings file."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from dotenv.parser import parse_stream

from bot.operate.output import UsageError

LARGEST = 64_000
"""Bytes. A larger file is not a file of variables."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def load_env_file(file: Path) -> None:
    """Set the variables of a file, except those that are set already. Raises UsageError when the file or a line of it
    can't be read, or other users of the machine may read it."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            raise UsageError(f"{file} is not a file of variables.")
        if os.name == "posix" and status.st_mode & _OTHERS:
            raise UsageError(f"{file} can hold tokens, and others on this machine may read it: chmod 600 {file}")
        text = file.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"There is no file {file}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text.") from None
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror or error}.") from None
    variables, unread = variables_in(text)
    if unread:  # the line itself may hold a token
        raise UsageError(f"Line {unread[0]} of {file} is no variable; one looks like PAPERBOY_DISCORD__TOKEN=abc.")
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def variables_in(text: str) -> tuple[dict[str, str], list[int]]:
    """The variables of a text, and the numbers of the lines that are none. The last of several values counts."""
    variables: dict[str, str] = {}
    unread: list[int] = []
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key and (binding.value is None or "\0" in binding.key + binding.value)):
            unread.append(binding.original.line)
        elif binding.key and binding.value is not None:
            variables[binding.key] = binding.value
    return variables, unread
