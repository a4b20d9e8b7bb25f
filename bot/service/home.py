"""A member's home page: their topics, their saved papers, and the channels that they manage."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands import schedule
from bot.commands.context import Services
from bot.commands.names import PAUSE, RESUME, SAVED, SCHEDULE, SETTINGS, UNSAVE, UNSUBSCRIBE
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


async def build_home(services: Services, place: Place, asker: Asker, addresses: Collection[str], offset: int) -> Home:
    """The home page of an asker. `place` is their direct conversation; `addresses` are those of their channels."""
    async with services.store.read() as tx:
        channel = await channels.find(tx, place)
        channel_topics = await topics.for_channel(tx, channel.id) if channel else []
        saved_ids = [i for i, _ in await saved.for_member(tx, place.platform, services.known_in(place), asker.member)]
        start = offset if offset < len(saved_ids) else 0
        saved_papers = await papers.get_many(tx, saved_ids[start : start + _PAGE])
        managed_channels = [
            managed_channel
            for managed_channel in await channels.in_workspace(tx, place.platform, place.workspace)
            if _manages(asker, managed_channel) and managed_channel.place.address in addresses
        ]
        overviews = [await _overview(tx, services, managed_channel) for managed_channel in managed_channels[:_CHANNELS]]
        own_overview = Overview(place, _WELCOME)
        if channel and (channel_topics or channel.state is not ChannelState.NEW):
            own_overview = await _overview(tx, services, channel)
    return Home(
        mine=own_overview,
        topics=tuple(_entry(topic) for topic in channel_topics),
        saved=tuple(
            Entry(cards.line(paper, cards.authors_line(paper.authors)), Action("Remove", UNSAVE, paper.id))
            for paper in saved_papers.values()
        ),
        kept=len(saved_ids),
        actions=tuple(_pages(start, len(saved_ids))),
        channels=tuple(overviews),
        left_out=len(managed_channels) - len(overviews),
    )


def _manages(asker: Asker, channel: Channel) -> bool:
    invited = channel.place.kind is not PlaceKind.DIRECT and channel.state is not ChannelState.NEW
    return invited and (asker.manager or channel.owner == asker.member)


async def _overview(tx: AsyncConnection, services: Services, channel: Channel) -> Overview:
    """The state of a channel, with the buttons that a manager has."""
    standing_votes = feedback.standing_votes(await votes.for_channel(tx, channel.id), services.emoji)
    channel_topics = await topics.for_channel(tx, channel.id)
    names = ", ".join(f"“{cut(plain_text(topic.line), 60)}”" for topic in channel_topics[:_NAMES]) or "none yet"
    suffix = f" and {len(channel_topics) - _NAMES} more" if len(channel_topics) > _NAMES else ""
    members = len({vote.member for vote in standing_votes})
    learned = f"Learned from {count(len(standing_votes), 'vote')}"
    if channel.place.kind is not PlaceKind.DIRECT:
        learned += f" by {count(members, 'member')}. Topics: {names}{suffix}"
    actions: tuple[Action, ...] = (Action("Schedule", SCHEDULE), Action("Settings", SETTINGS))
    if channel.state is ChannelState.LOST:
        way_back = services.platforms[channel.place.platform].capabilities.way_back
        state_text, actions = f"I can't post here: {channel.state_reason}. {way_back}, and all is as it was.", ()
    elif channel.state in (ChannelState.PAUSED, ChannelState.NEW):
        state_text, actions = "Paused: no digests until they are resumed.", (Action("Resume", RESUME), *actions)
    else:
        state_text, actions = schedule.when(channel), (Action("Pause", PAUSE), *actions)
    return Overview(channel.place, f"{state_text}\n{learned}.", actions)


def _entry(topic: Topic) -> Entry:
    detail = "muted" if topic.muted else "alerts at once" if topic.alert else ""
    title = cut(plain_text(topic.query), 200)
    return Entry(Line("", title, detail=detail), Action("Drop", UNSUBSCRIBE, topic.query))


def _pages(start: int, total: int) -> Sequence[Action]:
    newer = [Action("Newer", SAVED, offset=max(start - _PAGE, 0))] if start else []
    older = [Action("Older", SAVED, offset=start + _PAGE)] if start + _PAGE < total else []
    return [*newer, *older]
