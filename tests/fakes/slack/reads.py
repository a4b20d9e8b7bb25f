"""auth.test, conversations.*, users.* and reactions.*: what the bot may know of a workspace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.fakes.slack import payloads
from tests.fakes.slack.methods import Asked, method
from tests.fakes.slack.values import Json, Message, Refused

CUT_USERS = 5
"""How many members of a reaction are named unless `full` is asked for; Slack doesn't say how many."""


@method("auth.test")
def auth_test(asked: Asked) -> Json:
    """Who the token is; its scopes are in the header x-oauth-scopes."""
    workspace = asked.workspace
    return {
        "url": f"https://{workspace.name}.slack.com/",
        "team": workspace.name,
        "user": "paperboy",
        "team_id": workspace.id,
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def _between(asked: Asked, messages: Iterable[Message]) -> list[Message]:
    oldest, latest = (_stamp(asked.args.get(name)) for name in ("oldest", "latest"))
    inclusive, until = asked.flag("inclusive"), asked.slack.clock().timestamp() - asked.slack.faults.history_lag
    return [
        message
        for message in messages
        if (not asked.slack.faults.history_lag or float(message.ts) <= until)
        and (oldest is None or float(message.ts) > oldest or (inclusive and float(message.ts) == oldest))
        and (latest is None or float(message.ts) < latest or (inclusive and float(message.ts) == latest))
    ]


def _stamp(given: Any) -> float | None:
    try:
        return float(given) if given else None
    except (TypeError, ValueError):
        raise Refused("invalid_ts_oldest") from None


def _told(asked: Asked, messages: Iterable[Message]) -> list[Json]:
    metadata = asked.flag("include_all_metadata")
    return [payloads.message(message, metadata=metadata, me=asked.slack.app_id) for message in messages]


@method("conversations.history")
def history(asked: Asked) -> Json:
    """The messages of a channel, newest first; those in threads only where they were broadcast."""
    channel = asked.channel(scope="history", member=True)
    tops = [message for message in channel.visible if message.thread_ts in (None, message.ts) or message.broadcast]
    found, cursor = asked.page(reversed(_between(asked, tops)))
    told: Json = {"messages": _told(asked, found), "has_more": bool(cursor), "pin_count": 0}
    return told | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


@method("conversations.replies")
def replies(asked: Asked) -> Json:
    """A message and its thread, oldest first."""
    channel = asked.channel(scope="history", member=True)
    parent = str(asked.args.get("ts"))
    if not any(message.ts == parent for message in channel.messages):
        raise Refused("thread_not_found")
    thread = [message for message in channel.visible if parent in (message.ts, message.thread_ts)]
    found, cursor = asked.page(_between(asked, thread), most=1000)
    told: Json = {"messages": _told(asked, found), "has_more": bool(cursor)}
    return told | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


@method("conversations.info")
def info(asked: Asked) -> Json:
    """A channel."""
    return {"channel": asked.channel(scope="read").shown()}


@method("conversations.members")
def members(asked: Asked) -> Json:
    """The ids of those in a channel."""
    found, cursor = asked.page(asked.channel(scope="read").members)
    return {"members": found, "response_metadata": {"next_cursor": cursor}}


@method("conversations.open", "im:write")
def open_direct(asked: Asked) -> Json:
    """The direct conversation with one member."""
    users = [one for one in str(asked.args.get("users") or "").split(",") if one]
    if len(users) != 1:
        raise Refused("users_list_not_supplied" if not users else "too_many_users")
    channel = asked.workspace.direct(users[0])
    return {"channel": channel.shown() if asked.flag("return_im") else {"id": channel.id}}


@method("users.conversations")
def conversations(asked: Asked) -> Json:
    """The conversations that the bot is in, or of the kinds that `types` names those that `user` is in: of private
    ones only where the bot is too."""
    kinds = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
    wanted = [one.strip() for one in str(asked.args.get("types") or "public_channel").split(",")]
    if any(one not in kinds for one in wanted):
        raise Refused("invalid_types")
    for one in wanted:
        asked.need(f"{kinds[one]}:read")
    skip, user = asked.flag("exclude_archived"), str(asked.args.get("user") or asked.workspace.bot_user)
    if user != asked.workspace.bot_user and user not in asked.workspace.members:
        raise Refused("user_not_found")
    found, cursor = asked.page(
        channel.shown()
        for channel in asked.workspace.channels.values()
        if (channel.has_bot if user == asked.workspace.bot_user else user in channel.members)
        and (channel.has_bot or not channel.private)
        and not channel.deleted
        and channel.kind in {kinds[w] for w in wanted}
        and not (skip and channel.archived)
    )
    return {"channels": found, "response_metadata": {"next_cursor": cursor}}


@method("users.info", "users:read")
def user_info(asked: Asked) -> Json:
    """A member."""
    person = asked.workspace.members.get(str(asked.args.get("user")))
    if person is None:
        raise Refused("user_not_found")
    return {"user": person.shown()}


@method("reactions.get", "reactions:read")
def reactions_get(asked: Asked) -> Json:
    """A message with its standing reactions; counts are right even where the members are cut."""
    channel = asked.channel(member=True)
    told = payloads.message(channel.message(str(asked.args.get("timestamp"))), me=asked.slack.app_id)
    if not asked.flag("full"):
        for reaction in told.get("reactions", []):
            reaction["users"] = reaction["users"][:CUT_USERS]
    return {"type": "message", "channel": channel.id, "message": told}


@method("reactions.add", "reactions:write")
def reactions_add(asked: Asked) -> Json:
    """Put the bot's emoji on a message; the event about it follows, as about anybody's."""
    channel, workspace = asked.channel(member=True, writing=True), asked.workspace
    name = str(asked.args.get("name") or "").strip(":")
    if not name:
        raise Refused("invalid_name")
    message = channel.message(str(asked.args.get("timestamp")))
    users = message.reactions.setdefault(name, [])
    if workspace.bot_user in users:
        raise Refused("already_reacted")
    users.append(workspace.bot_user)
    item = {"type": "message", "channel": channel.id, "ts": message.ts}
    event = {"type": "reaction_added", "user": workspace.bot_user, "reaction": name, "item": item}
    asked.slack.later(workspace.emit(event | {"item_user": message.user}))
    return {}
