"""The second port: where a platform stores the workspaces that installed the bot, and their tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Installation:
    """The installation of the bot in one workspace, with its token. The token is empty if it is in the settings."""

    workspace: str
    installed_at: datetime
    name: str = ""
    bot_user: str = ""
    bot: str = ""
    installer: str = ""
    scopes: tuple[str, ...] = ()
    token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    """When the token expires, on platforms where tokens are renewed."""
    revoked_at: datetime | None = None
    uninstalled_at: datetime | None = None

    @property
    def alive(self) -> bool:
        """Whether the bot may act in the workspace."""
        return self.revoked_at is None and self.uninstalled_at is None


class Installations(Protocol):
    """The stored installations of one platform."""

    async def get(self, workspace: str) -> Installation | None:
        """The installation of a workspace; None if the bot was never there."""
        ...

    async def put(self, installation: Installation) -> None:
        """Store an installation. It replaces an earlier one of the same workspace."""
        ...

    async def renew(self, old: Installation, renewed: Installation) -> bool:
        """Replace the `old` token with the renewed one; False if the old token is no longer the stored one."""
        ...

    async def end(
        self, workspace: str, at: datetime, *, uninstalled: bool, installed_until: datetime | None = None
    ) -> bool:
        """Record that the token was revoked or the bot removed at a time. False if the bot was installed again after
        that time, or after `installed_until`."""
        ...

    async def alive(self) -> list[str]:
        """The workspaces that the bot may act in."""
        ...

    async def ending(self, before: datetime) -> list[str]:
        """The workspaces that the bot may act in and whose tokens expire before a time."""
        ...

    async def begin_roll_call(self, workspace: str, since: datetime) -> bool:
        """Begin to list the channels that the bot is in; False if a process has begun that since then, or if the bot
        is not installed there."""
        ...

    async def end_roll_call(self, workspace: str) -> None:
        """Record that a roll call failed: the next one may begin at once."""
        ...

    async def issue_state(self) -> str:
        """A new OAuth `state`, valid for ten minutes."""
        ...

    async def consume_state(self, state: str) -> bool:
        """Whether an OAuth `state` was issued here and is unused. Each is good for one use."""
        ...
