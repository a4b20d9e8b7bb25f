"""The scopes that the bot asks of a workspace."""

from __future__ import annotations

SCOPES = {
    "app_mentions:read": "is asked by a mention",
    "channels:history": "finds a post again after a crash, so that none comes twice",
    "channels:read": "knows a channel's name, and that it was renamed or archived",
    "chat:write": "posts",
    "commands": "answers the slash command",
    "files:read": "reads a .bib file that a member sends it with `teach`",
    "files:write": "hands out the pictures of charts, and files too long for a message",
    "groups:history": "the same in private channels",
    "groups:read": "the same in private channels",
    "im:history": "is asked in a direct message",
    "im:write": "tells whoever invited it when a channel is lost",
    "reactions:read": "sees the emoji on its cards",
    "users:read": "knows workspace admins, and other bots, whose emoji don't count",
}
"""Every bot scope, and what it is for."""
