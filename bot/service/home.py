"""What is one member's own: their topics, what they saved, and the channels they manage."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands import schedule
from bot.commands.context import Services
from bot.digests import cards, feedback
from bot.model.messages import Action, Asker, Entry, Home, Line, Overview, Place, PlaceKind
from bot.model.text import count, cut, plain_text
from bot.store import channels, papers, saved, topics, votes
from bot.store.channels import Channel
from bot.store.states import ChannelState
from bot.store.topics import Topic

_PAGE = 10
_CHANNELS = 20
_NAMES = 5
_WELCOME = (
    "I bring the few new papers that you will like, and learn from what you make of them.\n"
    "• Send me a message, `subscribe federated learning` (any topic): your own digest begins.\n"
    "• Send me any words, and I search for them.\n"
    "• Save, under a card, keeps a paper here.\n"
    "• Invite me to a channel, and I post there every day."
)


async def build_home(services: Services, place: Place, asker: Asker, rooms: Collection[str], offset: int) -> Home:
    """The home of an asker, whose direct conversation is `place` and who is in these rooms."""
    async with services.store.read() as tx:
        channel = await channels.find(tx, place)
        followed = await topics.for_channel(tx, channel.id) if channel else []
        kept = [i for i, _ in await saved.for_member(tx, place.platform, services.known_in(place), asker.member)]
        start = offset if offset < len(kept) else 0
        found = await papers.get_many(tx, kept[start : start + _PAGE])
        managed = [
            one
            for one in await channels.in_workspace(tx, place.platform, place.workspace)
            if _manages(asker, one) and one.place.address in rooms
        ]
        overviews = [await _overview(tx, services, one) for one in managed[:_CHANNELS]]
        mine = Overview(place, _WELCOME)
        if channel and (followed or channel.state is not ChannelState.NEW):
            mine = await _overview(tx, services, channel)
    return Home(
        mine=mine,
        topics=tuple(_entry(topic) for topic in followed),
        saved=tuple(
            Entry(cards.line(paper, cards.authors_line(paper.authors)), Action("Remove", "unsave", paper.id))
            for paper in found.values()
        ),
        kept=len(kept),
        actions=tuple(_pages(start, len(kept))),
        channels=tuple(overviews),
        left_out=len(managed) - len(overviews),
    )


def _manages(asker: Asker, channel: Channel) -> bool:
    invited = channel.place.kind is not PlaceKind.DIRECT and channel.state is not ChannelState.NEW
    return invited and (asker.manager or channel.owner == asker.member)


async def _overview(tx: AsyncConnection, services: Services, channel: Channel) -> Overview:
    """How a channel stands, and what a manager may do about it."""
    standing = feedback.standing(await votes.for_channel(tx, channel.id), services.emoji)
    followed = await topics.for_channel(tx, channel.id)
    names = ", ".join(f"“{cut(plain_text(topic.line), 60)}”" for topic in followed[:_NAMES]) or "none yet"
    more = f" and {len(followed) - _NAMES} more" if len(followed) > _NAMES else ""
    members = len({vote.member for vote in standing})
    learned = f"Learned from {count(len(standing), 'vote')}"
    if channel.place.kind is not PlaceKind.DIRECT:
        learned += f" by {count(members, 'member')}. Topics: {names}{more}"
    actions: tuple[Action, ...] = (Action("Schedule", "schedule"), Action("Settings", "settings"))
    if channel.state is ChannelState.LOST:
        back = services.platforms[channel.place.platform].capabilities.way_back
        told, actions = f"I can't post here: {channel.state_reason}. {back}, and all is as it was.", ()
    elif channel.state in (ChannelState.PAUSED, ChannelState.NEW):
        told, actions = "Paused: no digests until they are resumed.", (Action("Resume", "resume"), *actions)
    else:
        told, actions = schedule.when(channel), (Action("Pause", "pause"), *actions)
    return Overview(channel.place, f"{told}\n{learned}.", actions)


def _entry(topic: Topic) -> Entry:
    how = "muted" if topic.muted else "alerts at once" if topic.alert else ""
    title = cut(plain_text(topic.query), 200)
    return Entry(Line("", title, detail=how), Action("Drop", "unsubscribe", topic.query))


def _pages(start: int, kept: int) -> Sequence[Action]:
    newer = [Action("Newer", "saved", offset=max(start - _PAGE, 0))] if start else []
    older = [Action("Older", "saved", offset=start + _PAGE)] if start + _PAGE < kept else []
    return [*newer, *older]
