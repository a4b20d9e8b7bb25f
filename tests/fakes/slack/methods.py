"""The table of Web API methods: their names, the scopes they need, and what they are asked with."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.fakes.slack.values import Json, Refused
from tests.fakes.slack.world import Channel, Workspace

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack


@dataclass(frozen=True, slots=True)
class Asked:
    """One authorised call."""

    slack: FakeSlack
    workspace: Workspace
    args: Json

    def need(self, *names: str) -> None:
        """Refuse unless the workspace granted one of these scopes."""
        if names and self.workspace.scopes.isdisjoint(names):
            provided = ",".join(sorted(self.workspace.scopes))
            raise Refused("missing_scope", needed=",".join(names), provided=provided)

    def channel(self, *, scope: str = "", member: bool = False, writing: bool = False) -> Channel:
        """The channel that `channel` names; `scope` is what is needed after `channels:`, `groups:` or `im:`.

        Refused: channel_not_found, missing_scope, not_in_channel, is_archived.
        """
        found = self.workspace.find_channel(self.args.get("channel"))
        if scope:
            self.need(f"{found.kind}:{scope}")
        if member and not found.has_bot:
            raise Refused("not_in_channel")
        if writing and found.archived:
            raise Refused("is_archived")
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean, however it was written."""
        return str(self.args.get(name, default)).lower() in ("true", "1")

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 1 to `most`. Refused: invalid_limit."""
        try:
            given = int(self.args.get(name) or default)
        except (TypeError, ValueError):
            raise Refused("invalid_limit") from None
        if not 1 <= given <= most:
            raise Refused("invalid_limit")
        return given

    def page(self, all_of_them: Iterable[Any], default: int = 100, most: int = 999) -> tuple[list[Any], str]:
        """What `cursor` and `limit` ask for, and the next cursor. Refused: invalid_cursor, invalid_limit."""
        limit = self.number("limit", default, most)
        try:
            start = int(b64decode(str(self.args.get("cursor") or "")) or b"0")
        except (NotBase64, ValueError):
            raise Refused("invalid_cursor") from None
        everything = list(all_of_them)
        end = start + limit
        return everything[start:end], b64encode(str(end).encode()).decode() if end < len(everything) else ""


Method = Callable[[Asked], Json]


@dataclass(frozen=True, slots=True)
class Listed:
    """A method, with the scopes of which it needs one; what depends on the channel it asks for by itself."""

    run: Method
    scopes: tuple[str, ...] = ()


METHODS: dict[str, Listed] = {}


def method(name: str, *scopes: str) -> Callable[[Method], Method]:
    """Put a function into the table."""

    def put(run: Method) -> Method:
        METHODS[name] = Listed(run, scopes)
        return run

    return put
