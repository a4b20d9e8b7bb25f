"""Slack as the settings have it: one workspace over Socket Mode, or many over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import SecretStr

from bot.app import system_clock
from bot.commands.registry import COMMANDS
from bot.installations.encryption import TokenCipher
from bot.installations.store_backed import StoredInstallations
from bot.operate.saying import Misuse
from bot.ports.platform import Platform
from bot.settings import Settings, SlackSettings
from bot.store.database import Store


def slack_mode(slack: SlackSettings) -> Literal["socket", "http"] | None:
    """How Slack is set up, None when it is not. Raises Misuse, with the mend, when it is so by half or twice."""
    socket = {"slack.bot_token (xoxb-…)": slack.bot_token, "slack.app_token (xapp-…)": slack.app_token}
    http = {
        "slack.signing_secret": slack.signing_secret,
        "slack.client_id": SecretStr(slack.client_id),
        "slack.client_secret": slack.client_secret,
    }
    is_socket, is_http = (any(each.get_secret_value() for each in some.values()) for some in (socket, http))
    if is_socket and is_http:
        raise Misuse(
            "Slack is set up twice. For one workspace keep slack.bot_token and slack.app_token alone; for many keep "
            "slack.signing_secret, slack.client_id and slack.client_secret alone. The README tells the two apart."
        )
    missing = [name for name, value in (socket if is_socket else http).items() if not value.get_secret_value()]
    if missing and (is_socket or is_http):
        needs = "two tokens" if is_socket else "three secrets"
        are = "are" if len(missing) > 1 else "is"
        raise Misuse(
            f"Slack needs {needs}, and {' and '.join(missing)} {are} missing; the README says where to find them."
        )
    return "socket" if is_socket else "http" if is_http else None


def stored_installations(settings: Settings, store: Store) -> StoredInstallations:
    """Slack's installations in the store, with the keys of the settings."""
    return StoredInstallations(store, TokenCipher(settings.encryption_keys, settings.key_file), system_clock, "slack")


async def slack_platform(settings: Settings, store: Store) -> Platform:
    """Slack as the settings have it. Raises TokensUnreadable when the tokens in the store can't be opened."""
    # Imported here, for the other platforms can do without its libraries.
    from bot.platforms.slack import SlackPlatform
    from bot.platforms.slack.http import AppSecrets, HttpSlack
    from bot.platforms.slack.token_store import AppKeys

    slack = settings.slack
    installations = stored_installations(settings, store)
    await installations.check()
    if slack_mode(slack) == "socket":
        return SlackPlatform(
            slack.bot_token.get_secret_value(),
            slack.app_token.get_secret_value(),
            system_clock,
            COMMANDS,
            api_url=slack.api_url,
            command=slack.command,
            installations=installations,
            managers=slack.managers,
        )
    keys = AppKeys(slack.client_id, slack.client_secret.get_secret_value())
    return HttpSlack(
        AppSecrets(keys, slack.signing_secret.get_secret_value()),
        installations,
        system_clock,
        COMMANDS,
        api_url=slack.api_url,
        command=slack.command,
        managers=slack.managers,
    )
