"""The checks of mail for `paperboy check`. No mail is sent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bot.model.messages import Place
from bot.model.text import count
from bot.platforms.mail.smtp import SmtpClient
from bot.ports.platform import Check, Finding, NotAccepted


def mail_checks(client: SmtpClient, page_url: str, lost: Sequence[Place]) -> list[Check]:
    """The checks of the mail server, of the links in mails, and of the addresses that are paused."""
    return [
        Check("mail server", partial(_server, client)),
        Check("mail links", partial(_links, page_url)),
        *([Check("mail addresses", partial(_addresses, len(lost)))] if lost else []),
    ]


async def _server(client: SmtpClient) -> Finding:
    """Whether the server answers, encrypts and lets the bot log in."""
    try:
        await client.look()
    except NotAccepted as error:
        text = str(error)
        return Finding(
            f"{text[:1].upper()}{text[1:]}.",
            f"Look at email.smtp_url (it names {client.server.host}:{client.server.port}), and at email.starttls.",
        )
    return Finding()


async def _links(page_url: str) -> Finding:
    if page_url.startswith("https://"):
        return Finding(
            mend="Whether your domain has SPF and DKIM, which large providers ask for, is not seen from here."
        )
    return Finding(
        mend="web.public_url does not begin with https://, so mail programs offer no unsubscribing with one click."
    )


async def _addresses(paused: int) -> Finding:
    return Finding(mend=f"{count(paused, 'subscription')} paused, as mail came back; they go on when asked for again.")
