"""A letter as a message of RFC 5322, with the headers that mail programs and providers expect of lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from bot.platforms.mail.letter import Letter, header_text, html_of, plain_text_of
from bot.web.templates import Templates

_POLICY = SMTP.clone(max_line_length=78, cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the address in From with its name, the host of the page for ids, and the address of an inbox that
    somebody reads for those who leave by mail, "" if there is none."""

    address: Address
    host: str
    unsubscribe_address: str = ""


def composed(
    letter: Letter, sender: Sender, recipient: str, key: str, now: datetime, templates: Templates, *, bulk: bool = True
) -> bytes:
    """The bytes of a mail. The same key gives the same Message-ID, by which a mailbox that knows it drops a second
    copy. A mail that is not `bulk` was asked for just now."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender.address
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = header_text(letter.subject) or "Papers"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{message_id(key, sender.host)}>"
    message["Auto-Submitted"] = "auto-generated"
    if bulk:
        message["List-Id"] = f"Paperboy <paperboy.{sender.host}>"
        message["Precedence"] = "bulk"
        for name, value in leaving_headers(letter.off_url, sender.unsubscribe_address).items():
            message[name] = value
    message.set_content(plain_text_of(letter), cte="quoted-printable")
    message.add_alternative(html_of(letter, templates), subtype="html", cte="quoted-printable")
    return message.as_bytes()


def message_id(key: str, host: str) -> str:
    """The Message-ID of a post, without its brackets."""
    safe_key = "".join(char for char in key if char.isascii() and (char.isalnum() or char in "-._"))
    return f"{safe_key.strip('.') or 'message'}@{host}"


def leaving_headers(off_url: str, unsubscribe_address: str) -> dict[str, str]:
    """The headers by which a mail program offers to unsubscribe (RFC 2369), with one click where the page is reached by
    HTTPS, as RFC 8058 demands."""
    if not off_url:
        return {}
    token = off_url.rpartition("/")[2]
    by_mail = [f"<mailto:{unsubscribe_address}?subject=off%20{token}>"] if unsubscribe_address else []
    headers = {"List-Unsubscribe": ", ".join([f"<{off_url}>", *by_mail])}
    if off_url.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
