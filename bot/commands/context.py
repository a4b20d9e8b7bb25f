"""What a command needs to answer: the services it uses, and who asks, where and when."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands.names import SEARCH
from bot.digests.composer import DigestComposer
from bot.digests.feedback import EmojiTable
from bot.model.commands import CommandSet, CommandTraits
from bot.model.messages import Action, Asker, Place, PlaceKind, Reply
from bot.model.page_address import PageAddress
from bot.model.text import cut, plain_text
from bot.paper_index import PaperIndex
from bot.ports.platform import Attending, Capabilities, Platform, PlatformError, Zoned, capabilities_in
from bot.private_indexes import PrivateIndexes
from bot.reports.channel_view import ChannelView
from bot.sources.zotero import Zotero
from bot.store import contributions, inbox, papers
from bot.store.channel_feeds import ChannelFeed
from bot.store.channels import Channel
from bot.store.common_feeds import CommonFeed
from bot.store.database import Store
from recommender import Paper
from recommender.paper import arxiv_id, canonical_id, is_id
from recommender.text import normalized

LookUp = Callable[[Sequence[str]], Awaitable[list[Paper]]]
"""Asks the sources for papers by their ids, and leaves out unknown ids. Any exception means that no source answered."""
Deliver = Callable[[int], Awaitable[None]]
"""Sends the posts that are planned for a channel."""
RefreshTally = Callable[[int, str], None]
"""Has the message of a paper (channel id, paper id) rewritten soon, because its votes by button have changed."""
UTC_ZONE = "UTC"
_ZONE_SECONDS = 5.0
"""How long a platform may take to tell a member's time zone."""
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_LONGEST_SEARCH = 200
_TELLING = 8
"""Letters that a part of a title needs to name a paper."""


class CommonFeedReader(Protocol):
    """Adds and drops feeds for all channels."""

    async def add_feed(self, feed: CommonFeed) -> int:
        """Add a feed, if it can be read. Returns the number of papers that it lists. Raises SourceError."""
        ...

    async def drop_feed(self, name: str) -> None:
        """Read a feed no more."""
        ...


class ChannelFeedReader(Protocol):
    """Reads the feeds of channels."""

    @property
    def are_read(self) -> bool:
        """Whether feeds of channels are read here."""
        ...

    async def read(self, feed: ChannelFeed) -> int:
        """Read one feed. Returns the number of papers that it lists. Raises SourceError."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the bot that commands use. `clock` gives the time in UTC."""

    commands: CommandSet[Command]
    store: Store
    paper_index: PaperIndex
    private: PrivateIndexes
    digests: DigestComposer
    emoji: EmojiTable
    clock: Callable[[], datetime]
    look_up: LookUp
    deliver: Deliver
    platforms: Mapping[str, Platform]
    refresh_tally: RefreshTally
    zotero: Zotero | None = None
    channel_feeds: ChannelFeedReader | None = None
    source_names: Sequence[str] = ()
    default_zone: str = ""
    """The time zone of new channels; "" for that of the member who begins there."""
    page: PageAddress = field(default_factory=PageAddress)
    common_feeds: CommonFeedReader | None = None
    operators: frozenset[str] = frozenset()
    """The members who run the bot, as `operator_name` names them."""

    def operator_name(self, place: Place, member: str) -> str:
        """The member as `sources.operators` in the settings names operators."""
        workspace = self.known_in(place)
        return f"{place.platform}:{member}" if workspace is None else f"{place.platform}:{workspace}/{member}"

    async def zone_for(self, place: Place, member: str) -> str:
        """The time zone in which a member begins a channel: the default, else the member's own, else UTC."""
        platform = self.platforms[place.platform]
        if self.default_zone or not member or not isinstance(platform, Zoned):
            return self.default_zone or UTC_ZONE
        try:
            async with asyncio.timeout(_ZONE_SECONDS):
                zone = await platform.zone_of(place, member)
        except (PlatformError, TimeoutError):
            return UTC_ZONE
        return zone if zone in available_timezones() else UTC_ZONE

    def known_in(self, place: Place) -> str | None:
        """The workspace that a member id of this place belongs to; None where ids are the same in all workspaces."""
        everywhere = self.platforms[place.platform].capabilities.one_member_everywhere
        return None if everywhere else place.workspace


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One run of a command: its place and asker, the channel as stored, and the time.

    `offset` is the first entry of a list to show. `event_id` is the platform's id of the event, "" where no event can
    arrive twice.
    """

    services: Services
    place: Place
    asker: Asker
    channel: Channel
    now: datetime
    offset: int = field(default=0)
    event_id: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The channel's time zone."""
        return ZoneInfo(self.channel.zone)

    @property
    def view(self) -> ChannelView:
        """The channel for the reports about it."""
        services = self.services
        parts = services.store, services.paper_index, services.digests, services.emoji
        return ChannelView(self.channel, *parts, self.now)

    @property
    def can(self) -> Capabilities:
        """What the platform can do in this place."""
        return capabilities_in(self.services.platforms[self.place.platform], self.place)

    @property
    def may_manage(self) -> bool:
        """Whether the asker may change what the channel gets: managers, who invited the bot, anyone in private."""
        return self.asker.manager or self.place.kind is PlaceKind.DIRECT or self.asker.member == self.channel.owner

    @property
    def is_operator(self) -> bool:
        """Whether the asker runs the bot: the platform knows it, or the settings name the member."""
        return self.asker.operator or (
            bool(self.asker.member)
            and self.services.operator_name(self.place, self.asker.member) in self.services.operators
        )

    async def bot_is_member(self) -> bool:
        """Whether the bot is in the place, so that it can post there. False only where the platform says so: a platform
        that cannot tell, or does not answer, counts as yes."""
        platform = self.services.platforms[self.place.platform]
        try:
            return not isinstance(platform, Attending) or await platform.attends(self.place)
        except PlatformError:
            return True

    async def may_become_owner(self) -> bool:
        """Whether the channel has no owner and its first manager may become it: where the bot has to be invited, it is
        there because some member wanted it, and its platform may not have told who."""
        invited = isinstance(self.services.platforms[self.place.platform], Attending)
        return invited and not self.channel.owner and await self.bot_is_member()

    async def claim_event(self, tx: AsyncConnection) -> bool:
        """Whether this event is new, which the transaction that does its work writes down."""
        if not self.event_id:
            return True
        return await inbox.receive(tx, self.place.platform, self.event_id, {}, self.now, self.asker.member, done=True)

    async def paper(self, text: str) -> Paper | None:
        """The paper that an id, a link or a title names. A paper that the store lacks is looked up at the sources."""
        stored_paper = await self.known_paper(text)
        if stored_paper or not is_id(text):
            return stored_paper
        for paper in await self.look_up([canonical_id(text)]):
            [paper_id] = await self.record([paper])
            async with self.services.store.read() as tx:
                return await papers.get(tx, paper_id)
        return None

    async def known_paper(self, text: str) -> Paper | None:
        """The paper in the store that an id, a link or a title (or a telling part of one) names."""
        part = _letters(text)
        async with self.services.store.read() as tx:
            paper_id = await contributions.resolve(tx, text, self.channel.id)
            if paper_id:
                return await papers.get(tx, paper_id)
        private_engine = (await self.services.private.engine(self.channel.id)) if part else None
        hits = await asyncio.to_thread(self.services.paper_index.engine.search, text, 5) if part else []
        hits += await asyncio.to_thread(private_engine.search, text, 5) if private_engine else []
        async with self.services.store.read() as tx:
            for paper in (await papers.get_many(tx, [hit.paper_id for hit in hits])).values():
                title = _letters(paper.title)
                if part == title or (len(part) >= _TELLING and part in title):
                    return paper
        return None

    async def record(self, batch: Sequence[Paper]) -> list[str]:
        """Put papers from a source into the store and the index, and return their ids."""
        async with self.services.store.write() as tx:
            result = await papers.record(tx, batch, self.now)
        await self.services.paper_index.sync()
        return result.ids

    async def look_up(self, ids: Sequence[str]) -> list[Paper]:
        """The papers that the sources have under these ids; none when no source answers."""
        try:
            return await self.services.look_up(ids)
        except Exception:
            return []


@dataclass(frozen=True, slots=True)
class Command(CommandTraits):
    """A command with the function that answers it. The function gets the argument as text. `values` gives whole
    arguments that complete one, for a channel and its platform; without it the words in the usage do."""

    handler: Callable[[CommandContext, str], Coroutine[Any, Any, Reply]]
    values: Callable[[Channel, Capabilities, str], Sequence[str]] | None = None


def error_reply(text: str, field: str = "") -> Reply:
    """A reply that says what was wrong and how to mend it. `field` names the form field that was wrong."""
    return Reply(text, ok=False, field=field)


def not_here() -> Reply:
    """The reply to a member who wants a post in a place that the bot is not in."""
    return error_reply("I am not in this channel, so I can't post here: invite me first.")


def no_such_paper(text: str) -> Reply:
    """The reply where no paper matches."""
    if not text:
        return error_reply("Which paper? Give its arXiv id, a link, or its title.")
    if arxiv_id(text):
        return error_reply(
            f"I don't have {arxiv_id(text)}, and arXiv did not tell me about it. Check the id, or try later."
        )
    quoted_text = cut(plain_text(text), 80)
    if is_id(text):
        return error_reply(f"I don't have {quoted_text}, and no source told me about it. Check the link, or try later.")
    if _LINK.match(text) and len(text.split()) == 1:
        return error_reply(
            f"I have no paper under {quoted_text}. I look up ids and links of arXiv, and those of bioRxiv, medRxiv and "
            "OpenReview where they are sources here. Other pages I know once a feed brought them."
        )
    reply = error_reply(f"I know no paper called “{quoted_text}”. Give its arXiv id, a link, or its whole title.")
    if len(text) > _LONGEST_SEARCH:
        return reply
    return replace(reply, actions=(Action(f"Search “{cut(plain_text(text), 40)}”", SEARCH, text),))


def _letters(text: str) -> str:
    """A title reduced to its letters and digits: no case, accents, punctuation or spaces."""
    return "".join(char for char in normalized("NFKD", text).casefold() if char.isalnum())
