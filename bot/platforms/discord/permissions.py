"""What the bot needs to be allowed, and the link that asks for exactly that.

docs.discord.com/developers/topics/permissions
"""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import urlencode

import discord

NEEDED = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "read_message_history": "Read Message History",
    "send_messages_in_threads": "Send Messages in Threads",
    "create_public_threads": "Create Public Threads",
}
"""Every permission by discord.py's name, and as Discord's settings show it."""
_TO_POST = {"view_channel", "send_messages", "read_message_history"}
_IN_THREADS = {"view_channel", "read_message_history", "send_messages_in_threads"}


def missing(held: discord.Permissions, *, in_thread: bool = False) -> list[str]:
    """The permissions that the bot lacks in a channel, as Discord's settings show them."""
    wanted = _IN_THREADS if in_thread else NEEDED
    return [shown for name, shown in NEEDED.items() if name in wanted and not getattr(held, name)]


def may_post(held: discord.Permissions, *, in_thread: bool = False) -> bool:
    """Whether cards can be posted in a channel, and found again: what else is needed, some styles can do without."""
    return all(getattr(held, name) for name in (_IN_THREADS if in_thread else _TO_POST))


def application_of(token: str) -> str:
    """The id of the application that a bot's token belongs to: its first part says so. "" when it does not."""
    first = token.partition(".")[0]
    try:
        application = b64decode(first + "=" * (-len(first) % 4), validate=True).decode()
    except ValueError:
        return ""
    return application if application.isdecimal() else ""


def invitation(application: str) -> str:
    """The link by which whoever manages a server brings the bot there."""
    asked = discord.Permissions(**dict.fromkeys(NEEDED, True)).value
    query = {"client_id": application, "scope": "bot applications.commands", "permissions": asked}
    return f"https://discord.com/oauth2/authorize?{urlencode(query)}"
