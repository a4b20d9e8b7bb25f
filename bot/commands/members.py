"""Commands about stored data: forget, export."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands.context import CommandContext, error_reply
from bot.commands.names import EXPORT, FORGET
from bot.digests.feedback import BUTTONS
from bot.model.messages import Action, Attachment, Reply
from bot.model.text import count, cut, plain_text
from bot.store import contributions, deliveries, links, members, pick_log, subscriptions, topics, votes, word_votes
from bot.store.channels import Channel
from bot.store.members import MemberData

MINE = "mine"
"""The argument of `export` that asks for the asker's own data."""
_YES = "yes"
_CHANNELS_SHOWN = 5


async def forget(ctx: CommandContext, argument: str) -> Reply:
    """Delete every trace of the asker, once they have confirmed it."""
    words = argument.casefold().strip(" .!").split()
    if words not in (["me"], ["me", _YES]):
        return error_reply(
            "`/papers forget me` deletes your votes, your saved papers and your private topics, for good. It asks "
            "first."
        )
    identity = (ctx.place.platform, ctx.services.known_in(ctx.place), ctx.asker.member)
    if words == ["me"]:
        async with ctx.services.store.read() as tx:
            return _ask_first(await members.data_of(tx, *identity))
    async with ctx.services.store.write() as tx:
        pressed_votes = await votes.for_member(tx, *identity, BUTTONS)
        deleted = await members.forget(tx, *identity, ctx.now)
    for channel_id, paper_id in pressed_votes:
        ctx.services.refresh_tally(channel_id, paper_id)
    return Reply(
        f"Done: {deleted} {'entry' if deleted == 1 else 'entries'} about you deleted. "
        "The channels' tastes no longer know your votes. Emoji that still stand on cards count again when read back: "
        "take them off there."
    )


def _ask_first(data: MemberData) -> Reply:
    entries = f"{data.entries:,} {'entry' if data.entries == 1 else 'entries'}"
    return Reply(
        f"This deletes, for good: {what_goes(data)}.{lost_right(data, 'you')} `/papers export {MINE}` gives you a copy "
        f"first. To delete it all, press the button or say `/papers {FORGET} me {_YES}`.",
        actions=(
            Action(f"Yes, delete {entries}" if data.entries else "Yes, delete", FORGET, f"me {_YES}"),
            Action("Give me a copy", EXPORT, MINE),
        ),
    )


def what_goes(data: MemberData) -> str:
    """The entries that are deleted with a member, with their numbers."""
    parts = [
        count(data.votes, "vote") if data.votes else "",
        f"{count(data.word_votes, 'vote')} on words" if data.word_votes else "",
        count(data.saved, "saved paper") if data.saved else "",
        f"{count(data.private_papers, 'private paper')} that nobody else gave" if data.private_papers else "",
        "the direct conversation with me, with its topics and its digests" if data.conversations else "",
        f"{count(data.subscriptions, 'subscription')} by mail" if data.subscriptions else "",
    ]
    *others, last = [part for part in parts if part] or ["nothing but the name, where it is noted"]
    return f"{', '.join(others)} and {last}" if others else last


def lost_right(data: MemberData, who: str) -> str:
    """A sentence on the channels that a member may then no longer manage; "" if there are none."""
    if not data.owned:
        return ""
    names = [f"#{cut(plain_text(name), 40)}" for name in data.owned[:_CHANNELS_SHOWN]]
    rest = len(data.owned) - len(names)
    names += [f"{rest} more"] if rest else []
    *others, last = names
    place = f"{', '.join(others)} and {last}" if others else last
    subject = "You invited" if who == "you" else f"{who} invited"
    then = "you may then no longer" if who == "you" else "they may then no longer"
    return f" {subject} me to {place}: {then} manage the digests there, unless as a manager of the place."


async def export(ctx: CommandContext, argument: str) -> Reply:
    """Export everything that is stored about the channel as JSONL, or with `mine` everything about the asker."""
    if argument.casefold() == MINE:
        async with ctx.services.store.read() as tx:
            text = await own_rows(tx, ctx.place.platform, ctx.services.known_in(ctx.place), ctx.asker.member)
        if not text:
            return Reply("I have nothing of yours: no vote, no saved paper, no topic.")
        return Reply("All that I have of you, one JSON object a line.", attachment=Attachment("mine.jsonl", text))
    async with ctx.services.store.read() as tx:
        text = await everything(tx, ctx.channel)
    return Reply("All that this channel has, one JSON object a line.", attachment=Attachment("channel.jsonl", text))


async def own_rows(tx: AsyncConnection, platform: str, workspace: str | None, member: str) -> str:
    """Everything that is stored about a member, as JSON lines."""
    return "".join(
        json.dumps({"row": kind, **row}, default=_plain, ensure_ascii=False) + "\n"
        for kind, row in await members.rows_of(tx, platform, workspace, member)
    )


async def everything(tx: AsyncConnection, channel: Channel) -> str:
    """Everything that is stored about a channel, as JSON lines: the channel, its topics, links, deliveries, posts, the
    logged picks of each digest, its private papers, votes on words, and votes."""
    rows: list[tuple[str, Any]] = [("channel", channel)]
    rows += [("topic", topic) for topic in await topics.for_channel(tx, channel.id)]
    rows += [("link", link) for link in await links.for_channel(tx, channel.id)]
    rows += [("delivery", delivery) for delivery in await deliveries.for_channel(tx, channel.id)]
    rows += [("post", post) for post in await deliveries.posts_in_channel(tx, channel.id)]
    subscription = await subscriptions.of_channel(tx, channel.id)
    rows += [("subscription", dataclasses.replace(subscription, address="", address_hash=""))] if subscription else []
    rows += [("choice", choice) for choice in await pick_log.for_channel(tx, channel.id)]
    rows += [("paper", paper) for paper in await contributions.given_to(tx, channel.id)]
    rows += [("correction", vote_on_words) for vote_on_words in await word_votes.for_channel(tx, channel.id)]
    rows += [("vote", vote) for vote in await votes.for_channel(tx, channel.id)]
    return "".join(
        json.dumps({"row": name, **dataclasses.asdict(row)}, default=_plain, ensure_ascii=False) + "\n"
        for name, row in rows
    )


def _plain(value: Any) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an export")
