"""The registry of all chat platforms. A platform is a folder beside this file, and one line here."""

from __future__ import annotations

from bot.platforms.discord.setup import DISCORD
from bot.platforms.entry import Environment, PlatformEntry
from bot.platforms.mail.setup import MAIL
from bot.platforms.slack.setup import SLACK
from bot.ports.platform import Platform
from bot.settings import Settings
from bot.settings.groups import Section

PLATFORMS: tuple[PlatformEntry, ...] = (SLACK, DISCORD, MAIL)


def how_to_set_up() -> str:
    """A sentence on how to set up a platform."""
    names = ", ".join(
        f"for {entry.title} {'' if place else 'set '}{entry.variables}" for place, entry in enumerate(PLATFORMS)
    )
    return (
        f"{names[:1].upper()}{names[1:]}; docs/README.md says where they come from. `paperboy chat` talks to the "
        "same bot in this terminal."
    )


def set_up(settings: Settings) -> list[PlatformEntry]:
    """The platforms that the settings set up. Raises SettingsError for one that is set up by half."""
    return [entry for entry in PLATFORMS if entry.is_set_up(settings)]


async def build_platforms(environment: Environment) -> dict[str, Platform]:
    """The platforms that the settings set up. Raises SettingsError for one that is set up by half, and
    TokensUnreadable."""
    return {entry.name: await entry.build(environment) for entry in set_up(environment.settings)}


def platform_sections() -> dict[str, type[Section]]:
    """The section of each platform in the settings."""
    return {entry.settings_name or entry.name: entry.section for entry in PLATFORMS}
