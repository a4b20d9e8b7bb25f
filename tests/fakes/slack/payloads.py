"""The shapes of what Slack sends, from its reference pages for events, commands and interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.slack.values import Ephemeral, Json, Message, View

if TYPE_CHECKING:
    from tests.fakes.slack.person import Person
    from tests.fakes.slack.world import Channel, Workspace

VERIFICATION = "verification-token"
"""Slack's old shared secret; still in every payload, and proof of nothing."""

EVENT_SCOPES = {
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "app_mention": ("app_mentions:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "channel_archive": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "channel_rename": ("channels:read",),
    "channel_deleted": ("channels:read",),
    "channel_left": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "group_rename": ("groups:read",),
    "group_deleted": ("groups:read",),
    "group_left": ("groups:read",),
    "message.im": ("im:history",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "app_home_opened": (),
    "app_uninstalled": (),
    "tokens_revoked": (),
}
"""What an app may subscribe to here, and the scopes of which it needs one."""

FAREWELLS = ("app_uninstalled", "tokens_revoked")
"""What an app is told of even after it was removed."""

SUBSCRIBED = frozenset(EVENT_SCOPES) - {"message.channels", "message.groups"}
"""What it is subscribed to unless a test says otherwise."""


def event(workspace: Workspace, about: Json, event_id: str, now: float) -> Json:
    """The outer event around an inner one."""
    return {
        "token": VERIFICATION,
        "team_id": workspace.id,
        "context_team_id": workspace.id,
        "context_enterprise_id": None,
        "api_app_id": workspace.slack.app_id,
        "event": about,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(now),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.id,
                "user_id": workspace.bot_user,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def _name_in_commands(channel: Channel) -> str:
    """Slack documents none for a group conversation; people report its own name."""
    hidden = channel.private and not channel.group
    return "directmessage" if channel.im else "privategroup" if hidden else channel.name


def command(person: Person, name: str, text: str, channel: Channel) -> Json:
    """A slash command: flat, all strings."""
    workspace = person.workspace
    return {
        "token": VERIFICATION,
        "team_id": workspace.id,
        "team_domain": workspace.name,
        "channel_id": channel.id,
        "channel_name": _name_in_commands(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": workspace.slack.app_id,
        "is_enterprise_install": "false",
        "response_url": workspace.slack.hooks.new(person, channel),
        "trigger_id": workspace.slack.triggers.new(person),
    }


def interaction(person: Person, kind: str, **more: Any) -> Json:
    """What all interactions have in common."""
    workspace = person.workspace
    return {
        "type": kind,
        "token": VERIFICATION,
        "api_app_id": workspace.slack.app_id,
        "team": {"id": workspace.id, "domain": workspace.name},
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": workspace.id},
        "enterprise": None,
        "is_enterprise_install": False,
    } | more


def message(shown: Message, *, metadata: bool = False, me: str = "", team: str = "") -> Json:
    """A message as histories and interactions have it; `me` is whose it is to the asker, for nothing but bots, and
    interactions name the `team` that it was written in."""
    told: Json = {"type": "message", "user": shown.user, "text": shown.text, "ts": shown.ts}
    if shown.bot_id:
        told |= {"bot_id": shown.bot_id, "app_id": me}
    if team:
        told["team"] = team
    if shown.blocks:
        told["blocks"] = shown.blocks
    if shown.thread_ts:
        told["thread_ts"] = shown.thread_ts
    if shown.broadcast:
        told["subtype"] = "thread_broadcast"
    if shown.edited:
        told["edited"] = {"user": shown.user, "ts": shown.edited}
    if shown.files:
        told["files"] = shown.files
    if shown.reactions:
        told["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)} for name, users in shown.reactions.items()
        ]
    if metadata and shown.metadata:
        told["metadata"] = shown.metadata
    return told


def ephemeral(shown: Ephemeral) -> Json:
    """An ephemeral message: interactions name it, and say no more of it than this."""
    return {"type": "message", "subtype": "bot_message", "ts": shown.ts, "text": shown.text, "blocks": shown.blocks}


def view(shown: View, workspace: Workspace, values: Json | None = None) -> Json:
    """A view as the Web API and interactions have it."""
    body = shown.body
    return {
        "id": shown.id,
        "team_id": workspace.id,
        "type": body["type"],
        "blocks": body.get("blocks", []),
        "private_metadata": body.get("private_metadata", ""),
        "callback_id": body.get("callback_id", ""),
        "external_id": body.get("external_id", ""),
        "title": body.get("title"),
        "submit": body.get("submit"),
        "close": body.get("close"),
        "notify_on_close": body.get("notify_on_close", False),
        "clear_on_close": body.get("clear_on_close", False),
        "state": {"values": values or {}},
        "hash": shown.hash,
        "root_view_id": shown.id,
        "previous_view_id": None,
        "app_id": workspace.slack.app_id,
        "app_installed_team_id": workspace.id,
        "bot_id": workspace.bot_id,
    }
