"""The answers of mail servers: what each means, and which error it becomes."""

from __future__ import annotations

import re
import ssl

from aiosmtplib import SMTPConnectError, SMTPResponse, SMTPResponseException, SMTPServerDisconnected

from bot.ports.platform import NotAccepted, PlatformError, Rejected

LATER_SECONDS = 300.0
"""When to try again after a temporary refusal: servers that greylist let a mail in after five minutes."""
SOON_SECONDS = 60.0
"""When to try again after the server could not be reached."""
TEMPORARY, PERMANENT = 4, 5
"""The first digits of codes that refuse for now, and for good."""
_ENHANCED_CODE = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_MEANINGS = {
    "5.1.1": "there is no such mailbox",
    "5.1.2": "there is no such mail domain",
    "5.1.10": "the domain takes no mail",
    "5.2.1": "the mailbox is closed",
    "4.2.2": "the mailbox is full",
    "5.2.2": "the mailbox is full",
    "5.3.4": "the mail is too large",
    "5.7.1": "the server's rules forbid it",
    "4.7.1": "the server's rules forbid it for now",
    "5.7.26": "the sender's domain is not authenticated (SPF or DKIM)",
}
"""What the enhanced codes of RFC 3463 mean that come most often."""


def unusable(error: Exception) -> NotAccepted:
    """The error of a server that could not be reached, or talked to; nothing was sent."""
    return NotAccepted(f"the mail server can't be used: {cause(error)}", SOON_SECONDS)


def refusal(answer: SMTPResponse) -> PlatformError:
    """The error of a clear refusal, by its code."""
    if answer.code // 100 == PERMANENT:
        return Rejected(f"the mail was refused ({codes(answer)})")
    return refused_for_now(answer)


def refused_for_now(answer: SMTPResponse | SMTPResponseException) -> NotAccepted:
    """The error of a refusal that may be another answer later."""
    return NotAccepted(f"the mail server refuses for now ({codes(answer)})", LATER_SECONDS)


def codes(answer: SMTPResponse | SMTPResponseException) -> str:
    """The codes of an answer and what they mean. The server's own words are left out: they often hold the address."""
    enhanced_code = _ENHANCED_CODE.match(answer.message)
    if not enhanced_code:
        return str(answer.code)
    meaning = _MEANINGS.get(enhanced_code[1])
    return f"{answer.code} {enhanced_code[1]}" + (f", {meaning}" if meaning else "")


def cause(error: Exception) -> str:
    """The cause of a failure in words that name no address of a recipient."""
    if isinstance(error, SMTPResponseException):
        return "its answer makes no sense" if error.code < 0 else f"it answered {codes(error)}"
    if isinstance(error, SMTPServerDisconnected):
        return "the connection was cut"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    if isinstance(error, SMTPConnectError) and isinstance(error.__cause__, Exception):
        return cause(error.__cause__)
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
