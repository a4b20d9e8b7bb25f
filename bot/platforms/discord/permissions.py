"""The permissions that the bot needs, the one for pictures, and the invitation link that asks for exactly these.

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
FOR_PICTURES = "attach_files"
"""What an answer to a mention needs to bring its pictures. Without it the answer comes with its text alone."""
_TO_POST = {"view_channel", "send_messages", "read_message_history"}
_IN_THREADS = {"view_channel", "read_message_history", "send_messages_in_threads"}


def missing(permissions: discord.Permissions, *, in_thread: bool = False) -> list[str]:
    """The permissions that the bot lacks in a channel, as Discord's settings show them."""
    wanted = _IN_THREADS if in_thread else NEEDED
    return [label for name, label in NEEDED.items() if name in wanted and not getattr(permissions, name)]


def may_post(permissions: discord.Permissions, *, in_thread: bool = False) -> bool:
    """Whether the bot can post cards in a channel and find them again. Only some styles need the other permissions."""
    return all(getattr(permissions, name) for name in (_IN_THREADS if in_thread else _TO_POST))


def application_of(token: str) -> str:
    """The id of the application in the first part of a bot's token, "" if there is none."""
    first = token.partition(".")[0]
    try:
        application = b64decode(first + "=" * (-len(first) % 4), validate=True).decode()
    except ValueError:
        return ""
    return application if application.isdecimal() else ""


def invitation(application: str) -> str:
    """The link with which a server's manager invites the bot."""
    permissions = discord.Permissions(**dict.fromkeys([*NEEDED, FOR_PICTURES], True)).value
    query = {"client_id": application, "scope": "bot applications.commands", "permissions": permissions}
    return f"https://discord.com/oauth2/authorize?{urlencode(query)}"
