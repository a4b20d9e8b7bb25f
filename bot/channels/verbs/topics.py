"""Topics: subscribe, unsubscribe, topics."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.channels import cards
from bot.channels.conversation import Conversation, sorry
from bot.channels.values import Kind, Reply
from bot.channels.verbs.schedule import wake
from bot.store import papers, topics
from recommender.query import parse

_LONGEST = 200
_MOST = 50
_LOOK_BACK = timedelta(days=30)
_TOO_BROAD = 0.25
"""Share of a month's papers above which a topic says little."""


async def subscribe(talk: Conversation, argument: str) -> Reply:
    """Follow a topic; `-word` mutes one; a last word `alert` posts matches as soon as they are listed."""
    words = argument.split()
    alert = bool(words) and words[-1].casefold().strip("[]-") == "alert" and len(words) > 1
    query = " ".join(words[:-1] if alert else words)
    muted = query.startswith("-")
    query = query.lstrip("-").strip()
    if not query:
        return sorry("Subscribe to what? As in `/papers subscribe federated learning`.")
    if not parse(query).groups:
        shown = cards.inert(cards.cut(query, 60))
        return sorry(f"“{shown}” has no word to look for. As in `/papers subscribe federated learning`.")
    if len(query) > _LONGEST:
        return sorry(f"That topic is too long: at most {_LONGEST} characters, please.")
    async with talk.tools.store.write() as tx:
        have = await topics.of(tx, talk.channel.id)
        query = next((topic.query for topic in have if topic.query.casefold() == query.casefold()), query)
        if len(have) >= _MOST and query not in [topic.query for topic in have]:
            return sorry(f"This channel follows {_MOST} topics, which is as many as I can keep. Unsubscribe one first.")
        new = await topics.put(
            tx, talk.channel.id, query, muted=muted, alert=alert and not muted, member=talk.asker.member, now=talk.now
        )
        if talk.place.kind is Kind.DIRECT:
            await wake(tx, talk.channel, talk.now)
    shown = cards.inert(query)
    if muted:
        return Reply(f"Muted “{shown}”: papers about it are left out. `/papers unsubscribe {shown}` brings them back.")
    how = " Matches are posted as soon as they are listed." if alert else " Its matches rank first from now on."
    return Reply(f"{'Subscribed to' if new else 'Changed'} “{shown}”.{how} {await reach(talk, query)}")


async def unsubscribe(talk: Conversation, argument: str) -> Reply:
    """Follow or mute a topic no longer."""
    query = " ".join(argument.split()).lstrip("-").strip()
    async with talk.tools.store.write() as tx:
        have = await topics.of(tx, talk.channel.id)
        meant = [topic.query for topic in have if topic.query.casefold() == query.casefold()]
        for one in meant:
            await topics.remove(tx, talk.channel.id, one)
    if meant:
        return Reply(f"Unsubscribed from “{cards.inert(meant[0])}”.")
    if not have:
        return sorry("This channel follows no topics.")
    names = ", ".join(f"“{cards.inert(topic.query)}”" for topic in have)
    return sorry(f"This channel has no topic “{cards.inert(query)}”. It has {names}." if query else f"Which? {names}.")


async def show(talk: Conversation, argument: str) -> Reply:
    """The channel's topics."""
    async with talk.tools.store.read() as tx:
        have = await topics.of(tx, talk.channel.id)
    if not have:
        return Reply("This channel follows no topics yet. `/papers subscribe federated learning` begins one.")
    rows = []
    for topic in have:
        told = "muted" if topic.muted else await reach(talk, topic.query)
        rows.append(f"• {cards.inert(topic.query)}: {'Alerts at once. ' if topic.alert else ''}{told}")
    return Reply("Topics here:\n" + "\n".join(rows))


async def reach(talk: Conversation, query: str) -> str:
    """How much a topic would have brought in the last 30 days."""
    today = talk.now.astimezone(talk.zone).date()
    async with talk.tools.store.read() as tx:
        recent = await papers.news(tx, today - _LOOK_BACK, today + timedelta(days=1))
    if not recent:
        return "No papers were listed in the last 30 days to try it on."
    engine = talk.tools.library.engine
    matched = len(
        await asyncio.to_thread(lambda: engine.matching(query, [paper_id for paper_id in recent if paper_id in engine]))
    )
    text = f"It matches {matched:,} of the {len(recent):,} papers of the last 30 days."
    if matched > 20 and matched > _TOO_BROAD * len(recent):
        text += " That is a lot: a narrower topic tells me more."
    return text
