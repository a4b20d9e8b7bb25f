"""Threads and forum posts: docs.discord.com/developers/topics/threads."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tests.fakes.discord import shapes
from tests.fakes.discord.bits import REQUIRE_TAG, Kind, Right
from tests.fakes.discord.channels import channel_of, need
from tests.fakes.discord.errors import Errors
from tests.fakes.discord.limits import check_message
from tests.fakes.discord.messages import post
from tests.fakes.discord.values import Call, Json, Refused

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord

ARCHIVE_MINUTES = (60, 1440, 4320, 10080)


def start_thread_from_message(discord: FakeDiscord, call: Call) -> Json:
    """A thread that has its message's id."""
    channel = channel_of(discord, call)
    message = channel.message(call.where["message"])
    need(channel, Right.CREATE_PUBLIC_THREADS)
    _check_thread(call.body)
    if message.id in discord.channels:
        raise Refused(160004)
    return shapes.channel(channel.thread(call.body["name"], key=message.id))


def start_thread(discord: FakeDiscord, call: Call) -> Json:
    """A thread without a message; in a forum a post, whose first message has the thread's id."""
    channel, body = channel_of(discord, call), call.body
    need(channel, Right.SEND_MESSAGES if channel.kind is Kind.FORUM else Right.CREATE_PUBLIC_THREADS)
    _check_thread(body)
    if channel.kind is not Kind.FORUM:
        return shapes.channel(channel.thread(body["name"]))
    applied = [str(applied_tag) for applied_tag in body.get("applied_tags") or []]
    errors = Errors()
    errors.count(("applied_tags",), applied, 5)
    for number, one in enumerate(applied):
        if one not in channel.tags:
            errors.add(("applied_tags", number), "INVALID_TAG", "Unknown tag")
    if "message" not in body:
        errors.add(("message",), "BASE_TYPE_REQUIRED", "This field is required")
    errors.stop()
    if channel.flags & REQUIRE_TAG and not applied:
        raise Refused(40067)
    check_message(body["message"], call.files)
    made = channel.thread(body["name"])
    made.applied = applied
    first = post(discord, made, call, body["message"], key=made.id)
    return shapes.channel(made) | {"message": shapes.message(first)}


def list_public_archived_threads(discord: FakeDiscord, call: Call) -> Json:
    """The last archived first; `before` is the time at which one was archived."""
    channel = channel_of(discord, call)
    need(channel, Right.READ_MESSAGE_HISTORY)
    limit, before = int(call.query.get("limit", 50)), call.query.get("before")
    threads = [
        thread
        for thread in channel.threads
        if thread.archived and (before is None or _at(thread.archived_at) < _at(before))
    ]
    threads.sort(key=lambda one: _at(one.archived_at), reverse=True)
    return {
        "threads": [shapes.channel(one) for one in threads[:limit]],
        "members": [],
        "has_more": len(threads) > limit,
    }


def _at(told: str) -> datetime:
    return datetime.fromisoformat(told)


def join_thread(discord: FakeDiscord, call: Call) -> None:
    if channel_of(discord, call).archived:
        raise Refused(50083)


def _check_thread(body: Json) -> None:
    errors = Errors()
    errors.text(("name",), body.get("name"), 100, required=True)
    if body.get("auto_archive_duration") not in (None, *ARCHIVE_MINUTES):
        errors.add(("auto_archive_duration",), "BASE_TYPE_CHOICES", f"Value must be one of {ARCHIVE_MINUTES}.")
    errors.stop()


ROUTES = [
    ("POST", "/channels/{channel}/threads", start_thread),
    ("POST", "/channels/{channel}/messages/{message}/threads", start_thread_from_message),
    ("GET", "/channels/{channel}/threads/archived/public", list_public_archived_threads),
    ("PUT", "/channels/{channel}/thread-members/@me", join_thread),
]
