"""Builds the Slack platform from the settings: one workspace over Socket Mode, or many over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import SecretStr

from bot.model.text import count
from bot.platforms.entry import Environment, PlatformEntry
from bot.ports.platform import Check, Finding, Platform
from bot.settings import SettingsError, SlackSettings

if TYPE_CHECKING:
    from bot.installations.store_backed import StoredInstallations

_NAME = "slack"


def slack_mode(slack: SlackSettings) -> Literal["socket", "http"] | None:
    """How the settings set Slack up, None if they do not. Raises SettingsError for half a set-up, or for both ways."""
    socket = {"slack.bot_token (xoxb-…)": slack.bot_token, "slack.app_token (xapp-…)": slack.app_token}
    http = {
        "slack.signing_secret": slack.signing_secret,
        "slack.client_id": SecretStr(slack.client_id),
        "slack.client_secret": slack.client_secret,
    }
    is_socket, is_http = (any(each.get_secret_value() for each in values.values()) for values in (socket, http))
    if is_socket and is_http:
        raise SettingsError(
            "Slack is set up twice. For one workspace keep slack.bot_token and slack.app_token alone; for many keep "
            "slack.signing_secret, slack.client_id and slack.client_secret alone: see "
            "docs/install-slack.md."
        )
    missing = [name for name, value in (socket if is_socket else http).items() if not value.get_secret_value()]
    if missing and (is_socket or is_http):
        needs = "two tokens" if is_socket else "three secrets"
        are = "are" if len(missing) > 1 else "is"
        raise SettingsError(
            f"Slack needs {needs}, and {' and '.join(missing)} {are} missing: see docs/install-slack.md."
        )
    return "socket" if is_socket else "http" if is_http else None


async def _build(environment: Environment) -> Platform:
    # Slack's libraries are imported only if Slack is set up.
    from bot.platforms.slack.http import AppSecrets, HttpSlack
    from bot.platforms.slack.platform import SlackPlatform
    from bot.platforms.slack.token_store import AppKeys

    slack = environment.settings.slack
    installations = environment.installations(_NAME)
    await installations.check()
    if slack_mode(slack) == "socket":
        return SlackPlatform(
            slack.bot_token.get_secret_value(),
            slack.app_token.get_secret_value(),
            environment.clock,
            environment.commands,
            api_url=slack.api_url,
            command=slack.command,
            installations=installations,
            managers=slack.managers,
            leases=environment.leases,
        )
    keys = AppKeys(slack.client_id, slack.client_secret.get_secret_value())
    return HttpSlack(
        AppSecrets(keys, slack.signing_secret.get_secret_value()),
        installations,
        environment.clock,
        environment.commands,
        api_url=slack.api_url,
        command=slack.command,
        managers=slack.managers,
        leases=environment.leases,
    )


async def _reencrypt(environment: Environment) -> str:
    changed = await environment.installations(_NAME).reencrypt()
    return (
        f"The tokens of {count(changed, 'workspace')} are now sealed with the first encryption key." if changed else ""
    )


def _checks(environment: Environment) -> Sequence[Check]:
    if slack_mode(environment.settings.slack) != "http":
        return ()
    several = len(environment.settings.encryption_keys) > 1
    mails = bool(environment.settings.email.smtp_url.get_secret_value())
    look = partial(check_keys, environment.installations(_NAME), several=several, mails=mails)
    return [Check("encryption keys", look)]


async def check_keys(installations: StoredInstallations, *, several: bool, mails: bool = False) -> Finding:
    """Whether keys after the first are still needed. With `mails`, older mails hold links that need them. Raises
    StoreError."""
    old = await installations.count_old_keys()
    if old:
        return Finding(
            mend=f"The tokens of {count(old, 'workspace')} still need an older key; the next start of "
            "`paperboy run` seals them with the first."
        )
    if several and mails:
        return Finding(
            mend="Every token is sealed with the first key; the links in older mails work as long as the others stay."
        )
    if several:
        return Finding(mend="Every token is sealed with the first key; the others are no longer needed.")
    return Finding()


SLACK = PlatformEntry(
    _NAME,
    "Slack",
    SlackSettings,
    "PAPERBOY_SLACK__BOT_TOKEN and PAPERBOY_SLACK__APP_TOKEN",
    is_set_up=lambda settings: slack_mode(settings.slack) is not None,
    build=_build,
    address=lambda settings: settings.slack.api_url,
    seals=lambda settings: slack_mode(settings.slack) == "http",
    prepare=_reencrypt,
    checks=_checks,
)
