"""Topics: subscribe, unsubscribe, topics."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

from bot.commands import query_notes
from bot.commands.context import CommandContext, error_reply
from bot.commands.schedule import wake, when
from bot.digests import feedback
from bot.model.messages import PlaceKind, Reply
from bot.model.text import count, cut, day_name, plain_text
from bot.store import exposures, papers, topics, votes
from recommender.search.query import MINUS, parse

_LONGEST = 200
_MOST = 50
_LOOK_BACK = timedelta(days=30)
_TOO_BROAD = 0.25
"""Share of a month's papers above which a topic says little."""
_FEW = 20
_MANY_ALERTS = 3
"""Alerts a day above which they are noise."""


async def subscribe(ctx: CommandContext, argument: str) -> Reply:
    """Follow a topic; `-word` mutes one; a last word `alert` posts matches as soon as they are listed."""
    query, muted, alert = _read(argument)
    if not query:
        return error_reply("Subscribe to what? As in `/papers subscribe federated learning`.")
    if not parse(query).groups:
        name = plain_text(cut(query, 60))
        return error_reply(f"“{name}” has no word to look for. As in `/papers subscribe federated learning`.")
    if len(query) > _LONGEST:
        return error_reply(f"That topic is too long: at most {_LONGEST} characters, please.")
    async with ctx.services.store.write() as tx:
        have = await topics.for_channel(tx, ctx.channel.id)
        query = next((topic.query for topic in have if topic.query.casefold() == query.casefold()), query)
        if len(have) >= _MOST and query not in [topic.query for topic in have]:
            return error_reply(
                f"This channel follows {_MOST} topics, which is as many as I can keep. Unsubscribe one first."
            )
        new = await topics.put(
            tx, ctx.channel.id, query, muted=muted, alert=alert and not muted, member=ctx.asker.member, now=ctx.now
        )
        begun = await wake(tx, ctx.channel, ctx.now) if ctx.place.kind is PlaceKind.DIRECT else None
    name = plain_text(query)
    read = query_notes.explain(
        await asyncio.to_thread(ctx.services.paper_index.engine.understand, query), standing=True
    )
    daily = f"Digests begin here with it. {when(begun)} `/papers pause` stops them." if begun else ""
    reached = " ".join(filter(None, [await reach(ctx, query, alert=alert and not muted), read, daily]))
    if muted:
        return Reply(
            f"Muted “{name}”: papers about it are left out. {reached} `/papers unsubscribe {name}` brings them back."
        )
    how = "Matches are posted as soon as they are listed." if alert else "Its matches rank higher from now on."
    return Reply(f"{'Subscribed to' if new else 'Changed'} “{name}”. {how} {reached}")


def followable(query: str) -> bool:
    """Whether to subscribe to a query follows just that."""
    return _read(query) == (query, False, False) and len(query) <= _LONGEST and bool(parse(query).groups)


async def unsubscribe(ctx: CommandContext, argument: str) -> Reply:
    """Follow or mute a topic no longer."""
    query = " ".join(argument.split()).lstrip(MINUS).strip()
    async with ctx.services.store.write() as tx:
        have = await topics.for_channel(tx, ctx.channel.id)
        meant = [topic.query for topic in have if topic.query.casefold() == query.casefold()]
        for one in meant:
            await topics.remove(tx, ctx.channel.id, one)
    if meant:
        return Reply(f"Unsubscribed from “{plain_text(meant[0])}”.")
    if not have:
        return error_reply("This channel follows no topics.")
    names = ", ".join(f"“{plain_text(topic.query)}”" for topic in have)
    return error_reply(
        f"This channel has no topic “{plain_text(query)}”. It has {names}." if query else f"Which? {names}."
    )


async def show(ctx: CommandContext, argument: str) -> Reply:
    """The channel's topics, and what each brought: the matches posted since it was made, at most a month ago."""
    since = ctx.now - _LOOK_BACK
    async with ctx.services.store.read() as tx:
        have = await topics.for_channel(tx, ctx.channel.id)
        sent = {one.paper_id: one.at for one in await exposures.for_channel(tx, ctx.channel.id) if one.at >= since}
        heard = feedback.standing(await votes.for_channel(tx, ctx.channel.id), ctx.services.emoji)
        titles = {paper_id: paper.title for paper_id, paper in (await papers.get_many(tx, sent)).items()}
    if not have:
        return Reply("This channel follows no topics yet. `/papers subscribe federated learning` begins one.")
    liked = {one.paper_id for one in heard if one.value > 0}
    listed = await _listed(ctx)
    rows = []
    for topic in have:
        matches = [one for one in await _matching(ctx, topic.query, sent) if sent[one] >= topic.created_at]
        told = []
        if topic.muted:
            kept = len(await _matching(ctx, topic.query, listed))
            told.append(f"muted; {kept:,} of the {_month(listed)} match it." if listed else "muted.")
        elif matches:
            last = max(matches, key=sent.__getitem__)
            day = day_name(sent[last].astimezone(ctx.zone).date(), ctx.now.astimezone(ctx.zone).date())
            good = f", {len(liked.intersection(matches)):,} of them liked" if liked.intersection(matches) else ""
            told.append(f"brought {count(len(matches), 'paper')} in the last 30 days{good};")
            told.append(f"the last {day}: “{cut(plain_text(titles[last]), 70)}”.")
        else:
            told.append("brought nothing yet. " + _share(len(await _matching(ctx, topic.query, listed)), listed))
        name = plain_text(topic.query) + (" (alerts at once)" if topic.alert else "")
        rows.append(f"• {name}: {' '.join(told)}")
    return Reply("Topics here:\n" + "\n".join(rows))


async def reach(ctx: CommandContext, query: str, *, alert: bool = False) -> str:
    """How much a topic would have brought in the last 30 days, and whether that is too much."""
    listed = await _listed(ctx)
    matched = len(await _matching(ctx, query, listed))
    text = _share(matched, listed)
    if matched > _FEW and matched > _TOO_BROAD * len(listed):
        text += " That is a lot: a narrower topic tells me more."
    elif alert and matched > _MANY_ALERTS * _LOOK_BACK.days:
        text += f" That is about {matched // _LOOK_BACK.days} alerts a day: a narrower topic is quieter."
    return text


def _read(argument: str) -> tuple[str, bool, bool]:
    """(the query, whether it is muted, whether matches are posted at once) of what is subscribed to."""
    words = argument.split()
    alert = bool(words) and words[-1].casefold().strip("[]-") == "alert" and len(words) > 1
    query = " ".join(words[:-1] if alert else words)
    return query.lstrip(MINUS).strip(), query.startswith(tuple(MINUS)), alert


def _share(matched: int, listed: Collection[str]) -> str:
    if not listed:
        return "No papers were listed in the last 30 days to try it on."
    return f"It matches {matched:,} of the {_month(listed)}."


def _month(listed: Collection[str]) -> str:
    return f"{len(listed):,} papers of the last 30 days"


async def _listed(ctx: CommandContext) -> list[str]:
    """The papers that were news in the last 30 days."""
    today = ctx.now.astimezone(ctx.zone).date()
    async with ctx.services.store.read() as tx:
        return await papers.news(tx, today - _LOOK_BACK, today + timedelta(days=1))


async def _matching(ctx: CommandContext, query: str, some: Collection[str]) -> list[str]:
    """Those of some papers that a topic matches."""
    engine = ctx.services.paper_index.engine
    ids = list(some)
    return [hit.paper_id for hit in await asyncio.to_thread(lambda: engine.matching(query, engine.known(ids)))]
