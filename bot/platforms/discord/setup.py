"""Builds the Discord platform from the settings."""

from __future__ import annotations

from bot.platforms.entry import Environment, PlatformEntry
from bot.ports.platform import Platform
from bot.settings import Settings
from bot.settings.groups import DiscordSettings


async def _build(environment: Environment) -> Platform:
    # Discord's library is imported only if Discord is set up.
    from bot.platforms.discord.platform import DiscordPlatform

    discord = environment.settings.discord
    return DiscordPlatform(
        discord.token.get_secret_value(),
        environment.clock,
        environment.settings.data_dir / "discord",
        environment.commands,
        api_url=discord.api_url,
        gateway_url=discord.gateway_url,
        command=discord.command,
        leases=environment.leases,
        facts=environment.facts,
        shards=discord.shards,
    )


def _invitation(settings: Settings) -> str:
    """The invitation link for the operator, if the token says which application it belongs to."""
    from bot.platforms.discord.permissions import application_of, invitation

    application = application_of(settings.discord.token.get_secret_value())
    return f"Bring me to a Discord server: {invitation(application)}" if application else ""


DISCORD = PlatformEntry(
    "discord",
    "Discord",
    DiscordSettings,
    "PAPERBOY_DISCORD__TOKEN",
    is_set_up=lambda settings: bool(settings.discord.token.get_secret_value()),
    build=_build,
    address=lambda settings: settings.discord.api_url,
    announcement=_invitation,
)
