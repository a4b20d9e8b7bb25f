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
from bot.store import channel_feeds, common_feeds, runs
from bot.store.channel_feeds import ChannelFeed
from bot.store.common_feeds import CommonFeed
from bot.store.runs import Run
from bot.store.states import RunState

MOST = 10
"""Feeds of one channel."""
MOST_FOR_ALL = 50
_LONGEST = 2_000
_WHICH = "Which feed? Give its whole address, as in `/papers feeds add https://example.org/feed.xml`."
_NOT_READ = "Feeds that are added in chat are not read here."
_DROP = ("drop", "remove", "delete")
_FOR_ALL = re.compile(r"\s+for (?:all|everyone|everybody|all channels)$", re.IGNORECASE)
_USAGE = "`/papers feeds add https://…` adds a feed for this channel, `/papers feeds drop` with its name removes one."


async def feeds(ctx: CommandContext, argument: str) -> Reply:
    """List the channel's feeds with their health, add one, or drop one."""
    word, _, rest = " ".join(argument.split()).partition(" ")
    named = _FOR_ALL.sub("", rest)
    address = re.sub(r"^<([^|>]*)(?:\|[^>]*)?>$", r"\1", named.strip())
    if named != rest and word.casefold() in ("add", *_DROP):
        if not ctx.is_operator:
            return _not_operator(ctx)
        return await (_add_for_all if word.casefold() == "add" else _drop_for_all)(ctx, address)
    match word.casefold():
        case "" | "list":
            return await _show(ctx)
        case "add":
            return await _add(ctx, address)
        case word if word in _DROP:
            return await _drop(ctx, address)
    return error_reply(f"I did not understand “{cut(plain_text(argument), 80)}”. {_USAGE}")


async def _show(ctx: CommandContext) -> Reply:
    async with ctx.services.store.read() as tx:
        own = await channel_feeds.for_channel(tx, ctx.channel.id)
        own_rows = [_row(feed.name, await runs.latest_finished(tx, feed.run_name), ctx.now) for feed in own]
        common = [(name, await runs.latest_finished(tx, name)) for name in ctx.services.source_names]
    common_rows = [_row(without_private_hosts(name), run, ctx.now, name) for name, run in common]
    parts = ["Feeds of this channel:", *own_rows] if own_rows else ["This channel has no feeds of its own yet."]
    parts += ["For all channels:", *common_rows] if common_rows else []
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
    if not _is_address(address):
        return error_reply(_WHICH)
    if services.channel_feeds is None or not services.channel_feeds.are_read:
        return error_reply(_NOT_READ)
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
        return error_reply(_not_added(feed.name, error))
    papers_text = f"It lists {count(listed, 'paper')} now" if listed else "It lists nothing now"
    return Reply(
        f"Added {plain_text(feed.name)} for this channel. {papers_text}; what is new there can come in the digests "
        f"here, and is found here alone. `/papers feeds drop {_hash(feed.name)}` "
        "removes it."
    )


async def _add_for_all(ctx: CommandContext, address: str) -> Reply:
    services = ctx.services
    if not _is_address(address):
        return error_reply(_WHICH)
    if services.common_feeds is None or services.channel_feeds is None or not services.channel_feeds.are_read:
        return error_reply(_NOT_READ)
    feed = CommonFeed(feed_name(address), address, ctx.now)
    async with services.store.read() as tx:
        stored = await common_feeds.list_all(tx)
    if feed.name in {*services.source_names, *(each.name for each in stored)}:
        return error_reply("I read that feed already, for all channels.")
    if len(stored) >= MOST_FOR_ALL:
        return error_reply(f"There are {MOST_FOR_ALL} feeds for all channels, which is as many as I read. Drop one.")
    try:
        listed = await services.common_feeds.add_feed(feed)
    except SourceError as error:
        return error_reply(_not_added(feed.name, error))
    return Reply(
        f"Added {plain_text(feed.name)} for all channels. It lists {count(listed, 'paper')} now; what is new there can "
        f"come in every digest. `/papers feeds drop {_hash(feed.name)} for all` removes it."
    )


async def _drop_for_all(ctx: CommandContext, named: str) -> Reply:
    async with ctx.services.store.read() as tx:
        stored = await common_feeds.list_all(tx)
    matching = [feed for feed in stored if named and named in (feed.url, feed.name)]
    matching = matching or [feed for feed in stored if len(named) >= 3 and named.casefold() in feed.name]
    if len(matching) == 1 and ctx.services.common_feeds:
        await ctx.services.common_feeds.drop_feed(matching[0].name)
        return Reply(f"Dropped {plain_text(matching[0].name)} for all channels. Its papers stay.")
    if not stored:
        return error_reply("No feed was added for all channels in chat. Those of my settings are dropped there.")
    return error_reply(f"Which one? For all channels there are {', '.join(plain_text(feed.name) for feed in stored)}.")


def _not_operator(ctx: CommandContext) -> Reply:
    name = ctx.services.operator_name(ctx.place, ctx.asker.member)
    return error_reply(
        "Feeds for all channels are for whoever runs me. If that is you, put "
        f"`{name}` into sources.operators in my settings and start me again. Without “for all” it is a feed of this "
        "channel."
    )


def _is_address(text: str) -> bool:
    is_web = re.match(r"https?://[^/\s]", text, re.IGNORECASE)
    return bool(is_web) and " " not in text and len(text) <= _LONGEST


def _hash(name: str) -> str:
    """The part of a feed's name that tells it from all others."""
    return plain_text(name.rpartition("(")[2].rstrip(")"))


def _not_added(name: str, error: SourceError) -> str:
    if isinstance(error, BadAddress):  # the name of a server inside is nobody's business
        return (
            "I did not add it: its address leads into a private network, or is none. Whoever runs me can set such a "
            "feed in sources.feeds."
        )
    reason = cut(plain_text(without_private_hosts(str(error), name)), 300)
    return f"I did not add it: {reason}"


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
