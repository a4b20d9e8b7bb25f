"""chat.*: posting, changing and deleting messages."""

from __future__ import annotations

from tests.fakes.slack import payloads
from tests.fakes.slack.blocks import check_message
from tests.fakes.slack.methods import Asked, method
from tests.fakes.slack.post_office import show
from tests.fakes.slack.values import Json, Message, Refused
from tests.fakes.slack.views import with_ids
from tests.fakes.slack.world import Channel

MOST_IN_UPDATE = 4000
"""Bytes of `text` that chat.update takes, where chat.postMessage takes more (found by users of both)."""


def _may_post(asked: Asked) -> Channel:
    channel = asked.channel(writing=True)
    if not channel.has_bot and "chat:write.public" not in asked.workspace.scopes:
        raise Refused("not_in_channel")
    return channel


def _own(asked: Asked, refusal: str) -> tuple[Channel, Message]:
    channel = asked.channel(writing=True)
    message = channel.message(str(asked.args.get("ts")))
    if message.user != asked.workspace.bot_user:
        raise Refused(refusal)
    return channel, message


def _echo(channel: Channel, told: Json) -> None:
    """The bot hears its own messages too, wherever it asked to hear messages."""
    workspace = channel.workspace
    kind = {"channels": "channel", "groups": "group", "im": "im", "mpim": "mpim"}[channel.kind]
    event = told | {"channel": channel.id, "channel_type": kind, "event_ts": told["ts"]}
    if channel.has_bot:
        workspace.slack.later(workspace.emit(event, name=f"message.{channel.kind}"))


@method("chat.postMessage", "chat:write")
def post_message(asked: Asked) -> Json:
    """Post a message to a channel, or to a member."""
    channel, args, workspace = _may_post(asked), asked.args, asked.workspace
    check_message(args)
    thread = args.get("thread_ts")
    if thread and not any(message.ts == thread for message in channel.messages):
        raise Refused("thread_not_found")
    message = Message(
        workspace.ts(),
        workspace.bot_user,
        str(args.get("text") or ""),
        with_ids(args.get("blocks") or []),
        args.get("metadata"),
        thread,
        bot_id=workspace.bot_id,
        broadcast=asked.flag("reply_broadcast"),
        args=args,
    )
    channel.messages.append(message)
    told = payloads.message(message, metadata=True, me=asked.slack.app_id)
    _echo(channel, told)
    return {"channel": channel.id, "ts": message.ts, "message": told}


@method("chat.postEphemeral", "chat:write")
def post_ephemeral(asked: Asked) -> Json:
    """Show a message to one member of the channel."""
    channel = _may_post(asked)
    person = asked.workspace.members.get(str(asked.args.get("user")))
    if person is None or (not channel.im and person.id not in channel.members):
        raise Refused("user_not_in_channel")
    shown = show(person, channel, asked.args | {"response_type": "ephemeral"})
    return {"message_ts": shown.ts}


@method("chat.update", "chat:write")
def update(asked: Asked) -> Json:
    """Change a message of the bot's own; what is not given stays, but for blocks where only a text is."""
    channel, message = _own(asked, "cant_update_message")
    args = asked.args
    check_message({"text": message.text} | args if "blocks" in args else args)
    if len(str(args.get("text") or "").encode()) > MOST_IN_UPDATE:
        raise Refused("msg_too_long")
    before = payloads.message(message, metadata=True, me=asked.slack.app_id)
    if args.get("text") is not None:
        message.text = str(args["text"])
    if args.get("blocks") is not None or args.get("text") is not None:
        message.blocks = with_ids(args.get("blocks") or [])
    if args.get("metadata") is not None:
        message.metadata = args["metadata"] or None
    message.edited = asked.workspace.ts()
    told = payloads.message(message, metadata=True, me=asked.slack.app_id)
    changed = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": message.edited}
    _echo(channel, changed | {"message": told, "previous_message": before})
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": told}


@method("chat.delete", "chat:write")
def delete(asked: Asked) -> Json:
    """Delete a message of the bot's own."""
    channel, message = _own(asked, "cant_delete_message")
    channel.messages.remove(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.getPermalink")
def get_permalink(asked: Asked) -> Json:
    """The address of a message."""
    channel = asked.channel(member=True)
    message = channel.message(str(asked.args.get("message_ts")))
    link = f"https://{asked.workspace.name}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}
