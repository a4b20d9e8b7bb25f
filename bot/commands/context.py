"""What a verb needs to answer: the tools of the house, and where and by whom it was said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests.composer import Digests
from bot.digests.feedback import EmojiTable
from bot.model.messages import Asker, Kind, Place, Reply
from bot.model.text import cut, plain_text
from bot.paper_index import PaperIndex
from bot.ports.platform import Attending, Capabilities, Platform, PlatformError
from bot.private_indexes import PrivateIndexes
from bot.store import contributions, inbox, papers
from bot.store.channels import Channel
from bot.store.database import Store
from recommender import Paper
from recommender.paper import arxiv_id
from recommender.text import normalized

LookUp = Callable[[Sequence[str]], Awaitable[list[Paper]]]
"""Asks the sources for papers by arXiv id; those nobody knows are left out. May raise anything: that is no answer."""
Deliver = Callable[[int], Awaitable[None]]
"""Sends what is planned for a channel."""
Outdated = Callable[[int, str], None]
"""Has the message of a paper in a channel written anew soon: what was voted by button there has changed."""
NOT_INVITED = "not invited yet"
"""Why a channel is paused where nobody asked for digests."""
_TELLING = 8
"""Letters from which on a part of a title names a paper."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The parts of the house that verbs use. `clock` gives the time in UTC."""

    store: Store
    paper_index: PaperIndex
    private: PrivateIndexes
    digests: Digests
    emoji: EmojiTable
    clock: Callable[[], datetime]
    look_up: LookUp
    deliver: Deliver
    platforms: Mapping[str, Platform]
    outdated: Outdated

    def known_in(self, place: Place) -> str | None:
        """The workspace in which a member of this place is who they are; None where they are so in all of them."""
        everywhere = self.platforms[place.platform].capabilities.one_member_everywhere
        return None if everywhere else place.workspace


@dataclass(frozen=True, slots=True)
class Conversation:
    """One question: its place and asker, the channel as stored, and the time; `event_id` tells it from any other that
    the platform may tell, "" where none can come twice."""

    tools: Tools
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
    def can(self) -> Capabilities:
        """What the platform can do where this is said."""
        return self.tools.platforms[self.place.platform].capabilities

    @property
    def may_manage(self) -> bool:
        """Whether the asker may change what the channel gets: managers, who invited the bot, anyone in private."""
        return self.asker.manager or self.place.kind is Kind.DIRECT or self.asker.member == self.channel.owner

    async def is_outside(self) -> bool:
        """Whether the bot is surely not in the place where this is said, so that nothing can be posted there."""
        platform = self.tools.platforms[self.place.platform]
        try:
            return isinstance(platform, Attending) and not await platform.attends(self.place)
        except PlatformError:
            return False

    async def first_told(self, tx: AsyncConnection) -> bool:
        """Whether this was never told before; goes into the transaction that does the work."""
        if not self.event_id:
            return True
        first = await inbox.receive(tx, self.place.platform, self.event_id, {}, self.now, self.asker.member)
        if first:
            await inbox.finish(tx, self.place.platform, self.event_id)
        return first

    async def paper(self, text: str) -> Paper | None:
        """The paper that an id, a link or a title names; one nobody here knows is looked up at the sources."""
        found = await self.known_paper(text)
        wanted = arxiv_id(text)
        if found or not wanted:
            return found
        for paper in await self.look_up([wanted]):
            [paper_id] = await self.record([paper])
            async with self.tools.store.read() as tx:
                return await papers.get(tx, paper_id)
        return None

    async def known_paper(self, text: str) -> Paper | None:
        """The paper in the store that an id, a link or a title (or a telling part of one) names."""
        async with self.tools.store.read() as tx:
            paper_id = await contributions.resolve(tx, text, self.channel.id)
            if paper_id:
                return await papers.get(tx, paper_id)
            part = _letters(text)
            hits = await asyncio.to_thread(self.tools.paper_index.engine.search, text, 5) if part else []
            own = (await self.tools.private.engine(tx, self.channel.id)) if part else None
            hits += await asyncio.to_thread(own.search, text, 5) if own else []
            near = [hit.paper_id for hit in hits]
            for paper in (await papers.get_many(tx, near)).values():
                title = _letters(paper.title)
                if part == title or (len(part) >= _TELLING and part in title):
                    return paper
        return None

    async def record(self, found: Sequence[Paper]) -> list[str]:
        """Keep papers that a source was asked for, in the store and in the index; their ids."""
        async with self.tools.store.write() as tx:
            recorded = await papers.record(tx, found, self.now)
        await self.tools.paper_index.sync()
        return recorded.ids

    async def look_up(self, ids: Sequence[str]) -> list[Paper]:
        """Papers the sources know by these arXiv ids; none when they do not answer."""
        try:
            return await self.tools.look_up(ids)
        except Exception:
            return []


def sorry(text: str, field: str = "") -> Reply:
    """A reply that says what was wrong and how to mend it; `field` is what was wrong of a form."""
    return Reply(text, ok=False, field=field)


def not_here() -> Reply:
    """The reply to who wants something posted where the bot is not."""
    return sorry("I am not in this channel, so I can't post here: invite me first.")


def no_such_paper(text: str) -> Reply:
    """The reply to a paper nobody knows."""
    if not text:
        return sorry("Which paper? Give its arXiv id, a link, or its title.")
    if arxiv_id(text):
        return sorry(f"I don't have {arxiv_id(text)}, and arXiv did not tell me about it. Check the id, or try later.")
    shown = cut(plain_text(text), 80)
    return sorry(f"I know no paper called “{shown}”. Give its arXiv id, a link, or its whole title.")


def _letters(text: str) -> str:
    """What tells titles apart: no case, accents, punctuation or spaces."""
    return "".join(char for char in normalized("NFKD", text).casefold() if char.isalnum())
