"""Translates Discord's errors into the errors of the port.

Codes: docs.discord.com/developers/topics/opcodes-and-status-codes#json-json-error-codes
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import aiohttp
import discord

from bot.ports.platform import AccessLost, NotAccepted, PlatformError, Rejected, TokenRefused, Uncertain

UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, MISSING_PERMISSIONS = 10003, 10008, 50013
ALREADY_ANSWERED, ARCHIVED, HAS_THREAD = 40060, 50083, 160004
INVALID_WEBHOOK_TOKEN = 50027
NO_REPLY_WITHOUT_HISTORY = 160002
TOO_MANY_THREADS = {160006, 160007}
_NOT_THERE = {UNKNOWN_MESSAGE, 10014}
"""The message or the emoji is gone; the channel is not."""
_NOT_NOW = {20016, 20028, 20029, 40003, 40004, 40006, 40062, 40333, 110000, 110001, 130000}
"""Limits, overload, features that are off for a while, and Cloudflare: Discord may accept the request later."""
_NOT_LIKED = {20009, NO_REPLY_WITHOUT_HISTORY, 200000, 200001, 240000}
"""Discord refuses this message, not the bot: explicit content, automatic moderation, harmful links."""
_ACCESS_LOST = {ARCHIVED, 40066, 40067, 50008, 50024, 160005}
"""The bot can't post there, although the status is neither 403 nor 404."""
_FIRST_CODE = 10_000
"""The lowest of Discord's own codes; 0 stands for a general error."""
_NO_TAG = "this forum requires a tag on every post; add one that is free to all, or require none"
_WHY_LOST = {
    UNKNOWN_CHANNEL: "the channel is gone",
    50001: "I can't see it; allow me View Channel there",
    MISSING_PERMISSIONS: "a permission is missing; allow me View Channel, Send Messages and Read Message History there",
    ARCHIVED: "the thread is archived, and I may not open it again",
    40066: _NO_TAG,
    40067: _NO_TAG,
    160005: "the thread is locked",
}
"""Why the bot is silent in a channel, for its members."""
BANNED_SECONDS = 600.0
"""Seconds for which Cloudflare blocks an address that made too many invalid requests."""
_AWAY_SECONDS = 60.0
"""Seconds until the next try if Discord can't be reached or does not know the token. Both may last for hours."""
_FULL_SECONDS = 900.0
"""Seconds until the next try in a server with too many active threads. Some threads are archived in every hour."""


class NotDiscords(ValueError):
    """A request was answered, but not by Discord: a proxy, a firewall or a network's login page answered."""


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Raise errors of discord.py and aiohttp as the `PlatformError` with the same meaning."""
    try:
        yield
    except discord.LoginFailure as error:
        cause = error.__cause__
        if isinstance(cause, discord.HTTPException) and not _is_discords(cause):
            raise _meaning(cause) from cause
        raise TokenRefused(
            "Discord does not know the bot's token. Copy it anew: discord.com/developers/applications → Bot → Reset "
            "Token.",
            _AWAY_SECONDS,
        ) from error
    except discord.RateLimited as error:
        raise NotAccepted("Discord asks for patience.", error.retry_after) from error
    except discord.HTTPException as error:
        raise _meaning(error) from error
    except aiohttp.ClientConnectorError as error:
        raise NotAccepted(f"Discord can't be reached: {error}", _AWAY_SECONDS) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Uncertain(f"Discord's answer was lost: {str(error) or type(error).__name__}") from error


def code_of(error: BaseException) -> int:
    """Discord's own code of the error, 0 if there is none."""
    cause = error.__cause__
    return cause.code if isinstance(cause, discord.HTTPException) and _is_discords(cause) else 0


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds to wait that Discord names, 0 if it names none."""
    try:
        return max(float(headers.get("Retry-After") or 0), 0.0)
    except ValueError:
        return 0.0


def _meaning(error: discord.HTTPException) -> PlatformError:
    wait = retry_after(error.response.headers)
    if not _is_discords(error):
        # The text of such a page is never shown: it is not Discord's, and may say anything.
        if error.status == 429:
            return NotAccepted("Discord says 429: too many requests.", wait or BANNED_SECONDS)
        if error.status >= 500:
            return Uncertain(f"Discord says {error.status}.")
        return NotAccepted(
            f"A page that is not Discord's was the answer ({error.status}); a proxy or a firewall may be in the way.",
            _AWAY_SECONDS,
        )
    why = f"Discord says {error.status}" + (f", {error.code}" if error.code else "") + f": {error.text[:300]}"
    if error.status == 429:
        return NotAccepted(why, wait or BANNED_SECONDS)
    if error.status == 401:
        return NotAccepted(why, _AWAY_SECONDS)
    if error.status >= 500:
        return Uncertain(why)
    if error.code in _NOT_NOW:
        return NotAccepted(why, wait)
    if error.code in TOO_MANY_THREADS:
        return NotAccepted(f"Discord says {error.code}: this server has too many active threads.", _FULL_SECONDS)
    if error.code in _NOT_THERE | _NOT_LIKED:
        return Rejected(why)
    if error.code in _ACCESS_LOST or (error.status in (403, 404) and error.code):
        reason = _WHY_LOST.get(error.code)
        return AccessLost(f"Discord says {error.code}: {reason}" if reason else why)
    return NotAccepted(why, _AWAY_SECONDS) if error.status in (403, 404) else Rejected(why)


def _is_discords(error: discord.HTTPException) -> bool:
    """Whether the answer is Discord's own. Its JSON has an integer code and a message; under the code 0 the message
    begins with the status, as in "401: Unauthorized". discord.py gives the code 0 to an answer that is no JSON."""
    code, text = error.code, error.text
    if not isinstance(code, int) or isinstance(code, bool) or not isinstance(text, str):
        return False
    if code:
        return code >= _FIRST_CODE
    is_json = error.response.headers.get("Content-Type") == "application/json"
    return is_json and text.startswith(f"{error.status}:")
