"""A file of environment variables, which keeps tokens out of the shell's history and out of the settings file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dotenv import dotenv_values

from bot.operate.output import UsageError

_LARGEST = 1_000_000
"""Bytes. A larger file is not a file of variables."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def load_env_file(file: Path) -> None:
    """Set the variables of a file, except those that are set already. Raises UsageError when the file can't be read, or
    other users of the machine may read it."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            raise UsageError(f"{file} is not a file of variables.")
        if os.name == "posix" and status.st_mode & _OTHERS:
            raise UsageError(f"{file} can hold tokens, and others on this machine may read it: chmod 600 {file}")
        variables = dotenv_values(file, interpolate=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"There is no file {file}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text.") from None
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror or error}.") from None
    for name, value in variables.items():
        if value is not None and "\0" not in value:
            os.environ.setdefault(name, value)
