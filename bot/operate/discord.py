"""Discord as the settings have it."""

from __future__ import annotations

from bot.app import system_clock
from bot.commands.registry import COMMANDS
from bot.ports.platform import Platform
from bot.settings import Settings


def discord_platform(settings: Settings) -> Platform:
    """The platform of the settings."""
    # Imported here: who does without Discord need not wait for its library.
    from bot.platforms.discord import DiscordPlatform

    discord = settings.discord
    return DiscordPlatform(
        discord.token.get_secret_value(),
        system_clock,
        settings.data_dir / "discord",
        COMMANDS,
        api_url=discord.api_url,
        gateway_url=discord.gateway_url,
        command=discord.command,
    )


def invite_link(settings: Settings) -> str:
    """The link by which the bot comes to a Discord server; "" where no token says whose it would be."""
    from bot.platforms.discord.permissions import application_of, invitation

    application = application_of(settings.discord.token.get_secret_value())
    return invitation(application) if application else ""
