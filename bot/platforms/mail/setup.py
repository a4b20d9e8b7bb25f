"""Builds the mail platform from the settings."""

from __future__ import annotations

from collections.abc import Sequence
from email.headerregistry import Address
from email.utils import parseaddr
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.model.text import count
from bot.platforms.entry import Environment, PlatformEntry
from bot.ports.platform import Check, Finding, Platform
from bot.settings import Settings, SettingsError
from bot.settings.groups import EmailSettings

if TYPE_CHECKING:
    from bot.platforms.mail.envelope import Sender

_NAME = "mail"


def _is_set_up(settings: Settings) -> bool:
    """Whether mail is set up. Raises SettingsError where nobody could follow the links in mails."""
    if not settings.email.smtp_url.get_secret_value():
        return False
    if not settings.web.public_url:
        raise SettingsError(
            "Mail needs web.public_url (PAPERBOY_WEB__PUBLIC_URL), the address at which readers reach the page, as "
            "https://papers.example.org: the links to confirm, to vote and to unsubscribe lead there."
        )
    return True


def sender_of(settings: Settings) -> Sender:
    """Who sends the mails."""
    from bot.platforms.mail.envelope import Sender

    host = urlsplit(settings.web.public_url).hostname or "localhost"
    name, address = parseaddr(settings.email.sender)
    domain = f"[{host}]" if host.replace(".", "").isdigit() or ":" in host else host
    sender = Address(name or "Paperboy", addr_spec=address or f"paperboy@{domain}")
    return Sender(sender, host, settings.email.unsubscribe)


async def _build(environment: Environment) -> Platform:
    # The libraries for mail are imported only if mail is set up.
    from bot.platforms.mail.links import MailLinks
    from bot.platforms.mail.platform import MailPlatform
    from bot.platforms.mail.smtp import SmtpClient, SmtpServer

    settings, subscriptions = environment.settings, environment.subscriptions(_NAME)
    email, sender = settings.email, sender_of(settings)
    client = SmtpClient(
        SmtpServer.of(email),
        sender.host,
        ready_seconds=email.timeout,
        taking_seconds=email.answer_timeout,
        connections=email.connections,
    )
    links = MailLinks(subscriptions, settings.web.public_url, email.bounces)
    return MailPlatform(client, sender, subscriptions, links, environment.clock, zone=settings.digest.zone)


def _checks(environment: Environment) -> Sequence[Check]:
    return [Check("mail keys", partial(_check_keys, environment))]


async def _check_keys(environment: Environment) -> Finding:
    """Whether the addresses in the store can be opened."""
    unreadable = await environment.subscriptions(_NAME).count_unreadable()
    if not unreadable:
        return Finding()
    return Finding(
        f"No key opens the addresses of {count(unreadable, 'subscription')}.",
        "Bring back the key that sealed them (encryption.key in the data folder, or PAPERBOY_ENCRYPTION_KEYS); without "
        "it their readers have to subscribe again.",
    )


async def _reseal(environment: Environment) -> str:
    changed = await environment.subscriptions(_NAME).reseal()
    return f"The addresses of {count(changed, 'subscription')} are now sealed with the first key." if changed else ""


MAIL = PlatformEntry(
    _NAME,
    "mail",
    EmailSettings,
    "PAPERBOY_EMAIL__SMTP_URL and PAPERBOY_WEB__PUBLIC_URL",
    is_set_up=_is_set_up,
    build=_build,
    address=lambda settings: "",
    seals=lambda settings: True,
    prepare=_reseal,
    checks=_checks,
    settings_name="email",
)
