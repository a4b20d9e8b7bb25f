"""The tree of errors that Discord answers with 50035: docs.discord.com/developers/reference#error-messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.discord.values import Json, Refused

Path = tuple[str | int, ...]


class Errors:
    """The errors of one form, by the path of each field."""

    def __init__(self) -> None:
        self.tree: Json = {}

    def add(self, path: Path, code: str, message: str) -> None:
        """Something is wrong there."""
        at = self.tree
        for step in path:
            at = at.setdefault(str(step), {})
        at.setdefault("_errors", []).append({"code": code, "message": message})

    def text(self, path: Path, value: Any, most: int, *, least: int = 0, required: bool = False) -> None:
        """A string of so many characters."""
        if value is None or value == "":
            if required or (value == "" and least):
                self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
        elif not isinstance(value, str):
            self.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
        elif len(value) > most:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        elif len(value) < least:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")

    def count(self, path: Path, values: Sequence[Any], most: int, least: int = 0) -> None:
        """A list of so many."""
        if not least <= len(values) <= most:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")

    def url(self, path: Path, value: Any, *, attachment: bool = True) -> None:
        """An address with a scheme that Discord shows."""
        schemes = ("http", "https", "attachment") if attachment else ("http", "https", "discord")
        parts = urlsplit(str(value))
        if parts.scheme not in schemes:
            self.add(path, "URL_TYPE_INVALID_SCHEME", f"Scheme {parts.scheme!r} is not supported. One of {schemes}.")
        elif not parts.netloc or " " in str(value):
            self.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif len(str(value)) > 2048:
            self.add(path, "BASE_TYPE_MAX_LENGTH", "Must be 2048 or fewer in length.")

    def stop(self) -> None:
        """Raises Refused 50035 if anything was wrong."""
        if self.tree:
            raise Refused(50035, self.tree)


def wrong(path: str, code: str, message: str) -> Refused:
    """The refusal of one field."""
    errors = Errors()
    errors.add((path,), code, message)
    return Refused(50035, errors.tree)
