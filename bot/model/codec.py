"""Messages as JSON, for the rows of their posts."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import TypeAdapter

from bot.model.messages import Message

_MESSAGE = TypeAdapter(Message)


def dump_message(message: Message) -> dict[str, object]:
    """The message as JSON for its post's row."""
    return dict(_MESSAGE.dump_python(message, mode="json", by_alias=True))


def dump_short(message: Message) -> dict[str, object]:
    """Like `dump_message`, without the values that are the defaults."""
    return dict(_MESSAGE.dump_python(message, mode="json", by_alias=True, exclude_defaults=True))


def load_message(body: Mapping[str, object]) -> Message:
    """The message that a post's row holds. Raises pydantic's ValidationError for JSON that is none."""
    return _MESSAGE.validate_python(dict(body))
