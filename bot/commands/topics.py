"""Commands about topics: subscribe, unsubscribe, topics."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

from bot.commands.context import CommandContext, error_reply
from bot.commands.schedule import wake, when
from bot.digests import feedback
from bot.model.messages import PlaceKind, Reply
from bot.model.text import count, cut, day_name, plain_text
from bot.reports import query_notes
from bot.store import exposures, papers, topics, votes
from recommender.search.query import MINUS, parse

_AT_ONCE = 10
_LONGEST = 200
_MOST = 50
_LOOK_BACK = timedelta(days=30)
_TOO_BROAD = 0.25
"""The share of a month's papers above which a topic is too broad."""
_FEW = 20
_MANY_ALERTS = 3
"""The number of alerts a day above which they are noise."""


async def subscribe(ctx: CommandContext, argument: str) -> Reply:
    """Follow a topic, or several with commas between them. `-word` mutes a topic; `alert` as the last word posts
    matches as soon as they are listed."""
    arguments = _split(argument)
    if len(arguments) == 1:
        return await _subscribe(ctx, arguments[0])
    if len(arguments) > _AT_ONCE:
        return error_reply(f"That are {len(arguments)} topics: at most {_AT_ONCE} at a time, please.")
    replies = [await _subscribe(ctx, each) for each in arguments]
    text = "\n".join(f"• {reply.text}" for reply in replies)
    return Reply(f"{len(replies)} topics, because commas part them:\n{text}", ok=any(reply.ok for reply in replies))


async def _subscribe(ctx: CommandContext, argument: str) -> Reply:
    query, muted, alert = _read(argument)
    if not query and muted:
        return error_reply(
            "Mute what? As in `/papers mute robotics`; `/papers subscribe federated learning` follows a topic."
        )
    if not query:
        return error_reply("Subscribe to what? As in `/papers subscribe federated learning`.")
    if not parse(query).groups:
        name = plain_text(cut(query, 60))
        return error_reply(f"“{name}” has no word to look for. As in `/papers subscribe federated learning`.")
    if len(query) > _LONGEST:
        return error_reply(f"That topic is too long: at most {_LONGEST} characters, please.")
    async with ctx.services.store.write() as tx:
        channel_topics = await topics.for_channel(tx, ctx.channel.id)
        same = next((topic for topic in channel_topics if topic.query.casefold() == query.casefold()), None)
        query = same.query if same else query
        if len(channel_topics) >= _MOST and query not in [topic.query for topic in channel_topics]:
            return error_reply(
                f"This channel follows {_MOST} topics, which is as many as I can keep. Unsubscribe one first."
            )
        is_new = await topics.put(
            tx, ctx.channel.id, query, muted=muted, alert=alert and not muted, member=ctx.asker.member, now=ctx.now
        )
        channel_begun = await wake(tx, ctx.channel, ctx.now) if ctx.place.kind is PlaceKind.DIRECT else None
    name = plain_text(query)
    note = query_notes.explain(
        await asyncio.to_thread(ctx.services.paper_index.engine.interpret, query), for_topic=True
    )
    daily = f"Digests begin here with it. {when(channel_begun)} `/papers pause` stops them." if channel_begun else ""
    explanation = " ".join(filter(None, [await reach(ctx, query, alert=alert and not muted), note, daily]))
    if same and (same.muted, same.alert) == (muted, alert and not muted) and not channel_begun:
        state = "muted" if muted else "followed"
        return Reply(f"“{name}” is {state} here already. {explanation} `/papers unsubscribe {name}` ends that.")
    if muted:
        return Reply(
            f"Muted “{name}”: papers about it are left out. {explanation} "
            f"`/papers unsubscribe {name}` brings them back."
        )
    effect = "Matches are posted as soon as they are listed." if alert else "Its matches rank higher from now on."
    return Reply(f"{'Subscribed to' if is_new else 'Changed'} “{name}”. {effect} {explanation}")


def followable(query: str) -> bool:
    """Whether subscribing to a query would follow exactly that query."""
    is_one = _split(query) == [query] and _read(query) == (query, False, False)
    return is_one and len(query) <= _LONGEST and bool(parse(query).groups)


def _split(argument: str) -> list[str]:
    """The topics that commas part, outside quotation marks; `alert` at the end is for all of them.

    >>> _split('graphs, author:"Doe, Jane" alert')
    ['graphs alert', 'author:"Doe, Jane" alert']
    """
    raw, quoted = [""], False
    for char in argument:
        quoted ^= char in '"“”'
        if char == "," and not quoted:
            raw.append("")
        else:
            raw[-1] += char
    parts = [" ".join(part.split()) for part in raw if part.strip(" -")]
    if len(parts) < 2:
        return [argument]
    words = parts[-1].split()
    ending = f" {words[-1]}" if len(words) > 1 and _is_alert(words[-1]) else ""
    return [*(part + ending for part in parts[:-1]), parts[-1]]


def _is_alert(word: str) -> bool:
    return word.casefold().strip("[]-") == "alert"


async def unsubscribe(ctx: CommandContext, argument: str) -> Reply:
    """Remove a topic that is followed or muted."""
    query = " ".join(argument.split()).lstrip(MINUS).strip()
    async with ctx.services.store.write() as tx:
        channel_topics = await topics.for_channel(tx, ctx.channel.id)
        matching = [topic.query for topic in channel_topics if topic.query.casefold() == query.casefold()]
        for topic_query in matching:
            await topics.remove(tx, ctx.channel.id, topic_query)
    if matching:
        return Reply(f"Unsubscribed from “{plain_text(matching[0])}”.")
    if not channel_topics:
        return error_reply("This channel follows no topics.")
    names = ", ".join(f"“{plain_text(topic.query)}”" for topic in channel_topics)
    return error_reply(
        f"This channel has no topic “{plain_text(query)}”. It has {names}." if query else f"Which? {names}."
    )


async def show(ctx: CommandContext, argument: str) -> Reply:
    """The channel's topics, and what each brought: the matches posted since it was made, at most a month ago."""
    since = ctx.now - _LOOK_BACK
    async with ctx.services.store.read() as tx:
        channel_topics = await topics.for_channel(tx, ctx.channel.id)
        posted_at = {
            exposure.paper_id: exposure.at
            for exposure in await exposures.for_channel(tx, ctx.channel.id)
            if exposure.at >= since
        }
        standing_votes = feedback.standing_votes(await votes.for_channel(tx, ctx.channel.id), ctx.services.emoji)
        titles = {paper_id: paper.title for paper_id, paper in (await papers.get_many(tx, posted_at)).items()}
    if not channel_topics:
        return Reply("This channel follows no topics yet. `/papers subscribe federated learning` begins one.")
    liked = {vote.paper_id for vote in standing_votes if vote.value > 0}
    listed_ids = await _listed(ctx)
    rows = []
    for topic in channel_topics:
        matches = [i for i in await _matching(ctx, topic.query, posted_at) if posted_at[i] >= topic.created_at]
        parts = []
        if topic.muted:
            muted_count = len(await _matching(ctx, topic.query, listed_ids))
            parts.append(f"muted; {muted_count:,} of the {_month(listed_ids)} match it." if listed_ids else "muted.")
        elif matches:
            last_id = max(matches, key=posted_at.__getitem__)
            day = day_name(posted_at[last_id].astimezone(ctx.zone).date(), ctx.now.astimezone(ctx.zone).date())
            liked_part = f", {len(liked.intersection(matches)):,} of them liked" if liked.intersection(matches) else ""
            parts.append(f"brought {count(len(matches), 'paper')} in the last 30 days{liked_part};")
            parts.append(f"the last {day}: “{cut(plain_text(titles[last_id]), 70)}”.")
        else:
            matched = len(await _matching(ctx, topic.query, listed_ids))
            parts.append(f"brought nothing yet. {_share(matched, listed_ids)}")
        name = plain_text(topic.query) + (" (alerts at once)" if topic.alert else "")
        rows.append(f"• {name}: {' '.join(parts)}")
    return Reply("Topics here:\n" + "\n".join(rows))


async def reach(ctx: CommandContext, query: str, *, alert: bool = False) -> str:
    """How many papers a topic would have brought in the last 30 days, and whether that is too many."""
    listed_ids = await _listed(ctx)
    matched = len(await _matching(ctx, query, listed_ids))
    text = _share(matched, listed_ids)
    if matched > _FEW and matched > _TOO_BROAD * len(listed_ids):
        text += " That is a lot: a narrower topic tells me more."
    elif alert and matched > _MANY_ALERTS * _LOOK_BACK.days:
        text += f" That is about {matched // _LOOK_BACK.days} alerts a day: a narrower topic is quieter."
    return text


def _read(argument: str) -> tuple[str, bool, bool]:
    """(query, muted, alert): the query of a topic, whether it is muted, and whether matches are posted at once."""
    words = argument.split()
    alert = len(words) > 1 and _is_alert(words[-1])
    query = " ".join(words[:-1] if alert else words)
    return query.lstrip(MINUS).strip(), query.startswith(tuple(MINUS)), alert


def _share(matched: int, listed_ids: Collection[str]) -> str:
    if not listed_ids:
        return "No papers were listed in the last 30 days to try it on."
    return f"It matches {matched:,} of the {_month(listed_ids)}."


def _month(listed_ids: Collection[str]) -> str:
    return f"{len(listed_ids):,} papers of the last 30 days"


async def _listed(ctx: CommandContext) -> list[str]:
    """The papers that were news in the last 30 days."""
    today = ctx.now.astimezone(ctx.zone).date()
    async with ctx.services.store.read() as tx:
        return await papers.news(tx, today - _LOOK_BACK, today + timedelta(days=1))


async def _matching(ctx: CommandContext, query: str, paper_ids: Collection[str]) -> list[str]:
    """The papers among these that a topic matches."""
    engine = ctx.services.paper_index.engine
    ids = list(paper_ids)
    return [hit.paper_id for hit in await asyncio.to_thread(lambda: engine.matching(query, engine.known(ids)))]
