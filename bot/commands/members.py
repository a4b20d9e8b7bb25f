"""Commands about stored data: forget, export."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands.context import CommandContext, error_reply
from bot.digests.feedback import BUTTONS
from bot.model.messages import Attachment, Reply
from bot.store import contributions, deliveries, members, pick_log, topics, votes, word_votes
from bot.store.channels import Channel


async def forget(ctx: CommandContext, argument: str) -> Reply:
    """Delete every trace of the asker."""
    if argument.casefold().strip(" .!") != "me":
        return error_reply(
            "`/papers forget me` deletes your votes, your saved papers and your private topics, for good."
        )
    identity = (ctx.place.platform, ctx.services.known_in(ctx.place), ctx.asker.member)
    async with ctx.services.store.write() as tx:
        pressed_votes = await votes.for_member(tx, *identity, BUTTONS)
        deleted = await members.forget(tx, *identity)
    for channel_id, paper_id in pressed_votes:
        ctx.services.refresh_tally(channel_id, paper_id)
    return Reply(
        f"Done: {deleted} {'entry' if deleted == 1 else 'entries'} about you deleted. "
        "The channels' tastes no longer know your votes. Emoji that still stand on cards count again when read back: "
        "take them off there."
    )


async def export(ctx: CommandContext, argument: str) -> Reply:
    """Export everything that is stored about the channel, as JSONL."""
    async with ctx.services.store.read() as tx:
        text = await everything(tx, ctx.channel)
    return Reply("All that this channel has, one JSON object a line.", attachment=Attachment("channel.jsonl", text))


async def everything(tx: AsyncConnection, channel: Channel) -> str:
    """Everything that is stored about a channel, as JSON lines: the channel, its topics, deliveries, posts, the logged
    picks of each digest, its private papers, votes on words, and votes."""
    rows: list[tuple[str, Any]] = [("channel", channel)]
    rows += [("topic", topic) for topic in await topics.for_channel(tx, channel.id)]
    rows += [("delivery", delivery) for delivery in await deliveries.for_channel(tx, channel.id)]
    rows += [("post", post) for post in await deliveries.posts_in_channel(tx, channel.id)]
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
