"""Whose bell a message rings: docs.discord.com/developers/resources/message#allowed-mentions-object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.fakes.discord.bits import Right
from tests.fakes.discord.message import Message
from tests.fakes.discord.values import Json

if TYPE_CHECKING:
    from tests.fakes.discord.world import User

PERSON, ROLE, EVERYBODY = re.compile(r"<@!?(\d+)>"), re.compile(r"<@&(\d+)>"), re.compile(r"@(?:everyone|here)\b")


def mentioned(message: Message) -> list[User]:
    """The people whom its texts name, and whom it answers, whether it rings for them or not."""
    users = message.channel.discord.users
    named = [users[key] for text in message.spoken for key in PERSON.findall(text) if key in users]
    if (answered := _answered(message)) is not None:
        named.append(answered)
    return list(dict.fromkeys(named))


def pinged(message: Message, allowed: Json | None) -> list[str]:
    """The names of those whose bell rings; without `allowed` everything that is written rings."""
    guild = message.channel.guild
    allowed = {"parse": ["users", "roles", "everyone"], "replied_user": True} if allowed is None else allowed
    parse = allowed.get("parse") or []
    rung: list[str] = []
    members = list(guild.members.values()) if guild else []
    for text in message.spoken:
        if EVERYBODY.search(text) and "everyone" in parse and _may_call_all(message):
            rung += [member.name for member in members]
        for key in ROLE.findall(text):
            if "roles" in parse or key in (allowed.get("roles") or []):
                rung += [member.name for member in members if key in [role.id for role in member.roles]]
        for key in PERSON.findall(text):
            user = message.channel.discord.users.get(key)
            if user and ("users" in parse or key in (allowed.get("users") or [])):
                rung.append(user.name)
    if (answered := _answered(message)) is not None and allowed.get("replied_user"):
        rung.append(answered.name)
    return list(dict.fromkeys(name for name in rung if name != message.author.name))


def _answered(message: Message) -> User | None:
    key = (message.reference or {}).get("message_id")
    return next((one.author for one in message.channel.messages if one.id == key), None)


def _may_call_all(message: Message) -> bool:
    return Right.MENTION_EVERYONE in message.channel.rights(message.author)
