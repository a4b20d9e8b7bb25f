"""A channel with the parts of the bot that tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.digests.composer import DigestComposer
from bot.digests.feedback import EmojiTable
from bot.paper_index import PaperIndex
from bot.store.channels import Channel
from bot.store.database import Store


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel as stored, the parts of the bot that tell of it, and the time."""

    channel: Channel
    store: Store
    paper_index: PaperIndex
    digests: DigestComposer
    emoji: EmojiTable
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The channel's time zone."""
        return ZoneInfo(self.channel.zone)

    @property
    def today(self) -> date:
        """The channel's local day."""
        return self.now.astimezone(self.zone).date()
