"""Discord as the settings have it."""

from __future__ import annotations

from bot.app import system_clock
from bot.operate.saying import err
from bot.platforms.base import Platform
from bot.settings import Settings


def discord_platform(settings: Settings) -> Platform:
    """The platform of the settings; says by which link the bot comes to a server."""
    # Imported here: who does without Discord need not wait for its library.
    from bot.platforms.discord import DiscordPlatform
    from bot.platforms.discord.permissions import application_of, invitation

    discord = settings.discord
    token = discord.token.get_secret_value()
    if application := application_of(token):
        err(f"Bring me to a Discord server: {invitation(application)}")
    return DiscordPlatform(
        token,
        system_clock,
        settings.data_dir / "discord",
        api_url=discord.api_url,
        gateway_url=discord.gateway_url,
        command=discord.command,
    )
