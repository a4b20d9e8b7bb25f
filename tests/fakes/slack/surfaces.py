"""views.*, files.* and apps.connections.open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.slack import payloads
from tests.fakes.slack.methods import Asked, method
from tests.fakes.slack.values import Json, Message, Refused, View
from tests.fakes.slack.views import check_view

if TYPE_CHECKING:
    from tests.fakes.slack.person import Person

MOST_ALT_TEXT = 1000


def _shown(asked: Asked, view: View) -> Json:
    return {"view": payloads.view(view, asked.workspace)}


def _whose(asked: Asked, user: object) -> Person:
    person = asked.workspace.members.get(str(user))
    if person is None:
        raise Refused("user_not_found")
    return person


@method("views.open")
def views_open(asked: Asked) -> Json:
    """Show a modal to whom a trigger id came from."""
    check_view(asked.args.get("view"))
    person = asked.slack.triggers.use(asked.args.get("trigger_id"))
    return _shown(asked, asked.slack.views.open(person, asked.args["view"]))


@method("views.push")
def views_push(asked: Asked) -> Json:
    """Put a modal on top of the open ones."""
    check_view(asked.args.get("view"))
    person = asked.slack.triggers.use(asked.args.get("trigger_id"))
    return _shown(asked, asked.slack.views.push(person, asked.args["view"]))


@method("views.update")
def views_update(asked: Asked) -> Json:
    """Change a view that is still open, by its id or the bot's own for it."""
    known, own = asked.args.get("view_id"), asked.args.get("external_id")
    view = next(
        (v for v in asked.workspace.views.values() if v.id == known or (own and v.body.get("external_id") == own)), None
    )
    if view is None:
        raise Refused("not_found")
    check_view(asked.args.get("view"), (view.body["type"],))
    person = _whose(asked, view.user)
    return _shown(asked, asked.slack.views.update(person, view, asked.args["view"], asked.args.get("hash")))


@method("views.publish")
def views_publish(asked: Asked) -> Json:
    """Set a member's home tab."""
    check_view(asked.args.get("view"), ("home",))
    person = _whose(asked, asked.args.get("user_id"))
    return _shown(asked, asked.slack.views.publish(person, asked.args["view"], asked.args.get("hash")))


@method("files.getUploadURLExternal", "files:write")
def upload_address(asked: Asked) -> Json:
    """Where to send a file's bytes."""
    name, length = asked.args.get("filename"), asked.number("length", 0, 1 << 30)
    if not name:
        raise Refused("invalid_arguments")
    if len(str(asked.args.get("alt_txt") or "")) > MOST_ALT_TEXT:
        raise Refused("alt_txt_too_large")
    made = asked.slack.unique("F")
    asked.workspace.files[made] = {"id": made, "name": str(name), "size": length}
    if asked.args.get("alt_txt"):
        asked.workspace.files[made]["alt_txt"] = str(asked.args["alt_txt"])
    return {"file_id": made, "upload_url": f"{asked.slack.url}/upload/{asked.workspace.id}/{made}"}


@method("files.completeUploadExternal", "files:write")
def complete_upload(asked: Asked) -> Json:
    """Share uploaded files in a channel, in one message."""
    named, workspace = asked.args.get("files"), asked.workspace
    if not isinstance(named, list) or not named:
        raise Refused("invalid_arguments")
    found = []
    for one in named:
        kept = workspace.files.get(str(one.get("id")))
        if kept is None or kept["id"] not in workspace.uploads:
            raise Refused("file_not_found")
        found.append(kept | {"title": one.get("title") or kept["name"]})
    told = [{"id": one["id"], "title": one["title"]} for one in found]
    where = asked.args.get("channel_id") or asked.args.get("channels")
    if not where:
        return {"files": told}
    channel = workspace.find_channel(where)
    if not channel.has_bot:
        raise Refused("not_in_channel")
    message = Message(
        workspace.ts(),
        workspace.bot_user,
        str(asked.args.get("initial_comment") or ""),
        thread_ts=asked.args.get("thread_ts"),
        files=found,
        bot_id=workspace.bot_id,
        args=asked.args,
    )
    channel.messages.append(message)
    return {"files": told}
