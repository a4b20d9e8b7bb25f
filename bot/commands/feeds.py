"""Commands about the feeds of a channel: list, add and drop."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bot.commands.context import CommandContext, error_reply
from bot.model.messages import Reply
from bot.model.text import count, cut, plain_text
from bot.sources.base import BadAddress, SourceError
from bot.sources.feed import feed_name
from bot.sources.guard import without_private_hosts
from bot.store import channel_feeds, runs
from bot.store.channel_feeds import ChannelFeed
from bot.store.runs import Run
from bot.store.states import RunState

MOST = 10
"""Feeds of one channel."""
_LONGEST = 2_000
_USAGE = "`/papers feeds add https://…` adds a feed for this channel, `/papers feeds drop` with its name removes one."


async def feeds(ctx: CommandContext, argument: str) -> Reply:
    """List the channel's feeds with their health, add one, or drop one."""
    word, _, rest = " ".join(argument.split()).partition(" ")
    address = re.sub(r"^<([^|>]*)(?:\|[^>]*)?>$", r"\1", rest.strip())
    match word.casefold():
        case "" | "list":
            return await _show(ctx)
        case "add":
            return await _add(ctx, address)
        case "drop" | "remove" | "delete":
            return await _drop(ctx, address)
    return error_reply(f"I did not understand “{cut(plain_text(argument), 80)}”. {_USAGE}")


async def _show(ctx: CommandContext) -> Reply:
    async with ctx.services.store.read() as tx:
        own = await channel_feeds.for_channel(tx, ctx.channel.id)
        own_rows = [_row(feed.name, await runs.latest_finished(tx, feed.run_name), ctx.now) for feed in own]
        common = [(name, await runs.latest_finished(tx, name)) for name in ctx.services.source_names]
    common_rows = [_row(without_private_hosts(name), run, ctx.now, name) for name, run in common]
    parts = ["Feeds of this channel:", *own_rows] if own_rows else ["This channel has no feeds of its own yet."]
    parts += ["For all channels, from my settings:", *common_rows] if common_rows else []
    return Reply("\n".join([*parts, _USAGE]))


def _row(name: str, run: Run | None, now: datetime, source: str = "") -> str:
    if run is None:
        return f"• {plain_text(name)}: not read yet."
    hours = int((now.astimezone(UTC) - (run.finished_at or run.started_at)).total_seconds() // 3600)
    ago = "just now" if hours < 1 else f"{count(hours, 'hour')} ago"
    if run.state is RunState.FAILED:
        reason = cut(plain_text(without_private_hosts(run.reason, source or name)), 200).rstrip(".")
        return f"• {plain_text(name)}: could not be read {ago} ({reason})."
    return f"• {plain_text(name)}: read {ago}."


async def _add(ctx: CommandContext, address: str) -> Reply:
    services = ctx.services
    if not re.match(r"https?://[^/\s]", address, re.IGNORECASE) or " " in address or len(address) > _LONGEST:
        return error_reply(
            "Which feed? Give its whole address, as in `/papers feeds add https://example.org/feed.xml`."
        )
    if services.channel_feeds is None or not services.channel_feeds.are_read:
        return error_reply("Feeds of channels are not read here.")
    feed = ChannelFeed(ctx.channel.id, feed_name(address), address, ctx.now)
    if feed.name in services.source_names:
        return error_reply("I read that feed already, for all channels.")
    async with services.store.write() as tx:
        own = await channel_feeds.for_channel(tx, ctx.channel.id)
        if len(own) >= MOST:
            return error_reply(f"This channel has {MOST} feeds, which is as many as I read for one. Drop one first.")
        if not await channel_feeds.add(tx, feed):
            return error_reply("This channel has that feed already.")
    try:
        listed = await services.channel_feeds.read(feed)
    except SourceError as error:
        async with services.store.write() as tx:
            await channel_feeds.drop(tx, feed)
        return error_reply(_not_added(feed, error))
    papers_text = f"It lists {count(listed, 'paper')} now" if listed else "It lists nothing now"
    return Reply(
        f"Added {plain_text(feed.name)} for this channel. {papers_text}; what is new there can come in the digests "
        f"here, and is found here alone. `/papers feeds drop {plain_text(feed.name.rpartition('(')[2].rstrip(')'))}` "
        "removes it."
    )


def _not_added(feed: ChannelFeed, error: SourceError) -> str:
    if isinstance(error, BadAddress):  # the name of a server inside is nobody's business
        return (
            "I did not add it: its address leads into a private network, or is none. Whoever runs me can set such a "
            "feed in sources.feeds."
        )
    return f"I did not add it. {cut(plain_text(without_private_hosts(str(error), feed.name)), 300)}"


async def _drop(ctx: CommandContext, named: str) -> Reply:
    async with ctx.services.store.write() as tx:
        own = await channel_feeds.for_channel(tx, ctx.channel.id)
        matching = [feed for feed in own if named and named in (feed.url, feed.name)]
        matching = matching or [feed for feed in own if len(named) >= 3 and named.casefold() in feed.name]
        if len(matching) == 1:
            await channel_feeds.drop(tx, matching[0])
    if len(matching) == 1:
        return Reply(f"Dropped {plain_text(matching[0].name)}. What members voted on or saved of it stays.")
    if not own:
        return error_reply(f"This channel has no feeds of its own. {_USAGE}")
    names = ", ".join(plain_text(feed.name) for feed in own)
    return error_reply(f"Which one? This channel has {names}.")
