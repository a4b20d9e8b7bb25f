"""The description of a platform for the rest of the program, which is needed before the platform is built."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.model.commands import Commands
from bot.ports.platform import Check, Clock, Platform
from bot.ports.processes import Facts, Leases
from bot.settings import Settings
from bot.settings.groups import Section

if TYPE_CHECKING:  # reading the settings alone does not load the store's libraries
    from bot.installations.store_backed import StoredInstallations
    from bot.subscriptions import StoredSubscriptions


@dataclass(frozen=True, slots=True)
class Environment:
    """The values from which a platform is built. `installations` and `subscriptions` give the stored ones of a platform
    by its name; `leases` and `facts` are shared with all processes on the store."""

    settings: Settings
    clock: Clock
    commands: Commands
    installations: Callable[[str], StoredInstallations]
    subscriptions: Callable[[str], StoredSubscriptions]
    leases: Leases
    facts: Facts


async def _nothing(environment: Environment) -> str:
    return ""


def _no_checks(environment: Environment) -> Sequence[Check]:
    return ()


@dataclass(frozen=True, slots=True)
class PlatformEntry:
    """One platform in the registry. Routes of the web server and further checks come from the platform itself: it
    implements `bot.web.server.Served` and `bot.ports.platform.Checkable`."""

    name: str
    """The platform's name, which is also the name of its section in the settings, unless `settings_name` is."""
    title: str
    section: type[Section]
    """The platform's settings. A setting of the type SecretStr is never shown."""
    variables: str
    """The environment variables that switch the platform on, as part of a sentence."""
    is_set_up: Callable[[Settings], bool]
    """Whether the settings set the platform up. Raises SettingsError if they do so only by half."""
    build: Callable[[Environment], Awaitable[Platform]]
    """Builds the platform. Raises TokensUnreadable if its tokens in the store can't be decrypted."""
    address: Callable[[Settings], str]
    """The address of the platform's API, whose clock the bot's own is compared with; "" if it tells no time."""
    settings_name: str = ""
    seals: Callable[[Settings], bool] = lambda settings: False
    """Whether the platform, as it is set up, keeps secrets in the store, so that the processes need one key."""
    prepare: Callable[[Environment], Awaitable[str]] = _nothing
    """Runs once before the bot. Returns a line for the operator, or ""."""
    announcement: Callable[[Settings], str] = lambda settings: ""
    """A line for the operator once the bot runs, or ""."""
    checks: Callable[[Environment], Sequence[Check]] = _no_checks
    """Further checks, which need no built platform."""
