"""The second port: where a platform keeps the workspaces that installed it, and their tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Installation:
    """The bot in one workspace, and the token it acts by; the token is empty where it stands in the settings."""

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
    """When the token ends, where tokens are renewed."""
    revoked_at: datetime | None = None
    uninstalled_at: datetime | None = None

    @property
    def alive(self) -> bool:
        """Whether the bot may act there."""
        return self.revoked_at is None and self.uninstalled_at is None


class Installations(Protocol):
    """The installations of one platform, kept where they outlive the process."""

    async def get(self, workspace: str) -> Installation | None:
        """What is known of a workspace, None when the bot was never there."""
        ...

    async def put(self, installation: Installation) -> None:
        """Installed, or installed again: in place of what was known."""
        ...

    async def renew(self, known: Installation, renewed: Installation) -> bool:
        """Put a renewed token in place of the known one; False when that is no longer the newest."""
        ...

    async def end(
        self, workspace: str, at: datetime, *, uninstalled: bool, installed_until: datetime | None = None
    ) -> bool:
        """The token died, or the bot was removed, at that moment; False when it was installed after it, or after
        `installed_until`."""
        ...

    async def alive(self) -> list[str]:
        """The workspaces that the bot may act in."""
        ...

    async def ending(self, before: datetime) -> list[str]:
        """Those of them whose tokens end before that moment."""
        ...

    async def issue_state(self) -> str:
        """A new OAuth `state`, valid for ten minutes."""
        ...

    async def consume_state(self, state: str) -> bool:
        """Whether an OAuth `state` was issued here and is unused. Each is good for one use."""
        ...
