"""Lost channels: each is tried again at its own hour, in case the bot has access again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from bot.jobs.work import ALL
from bot.model.schedule import Hour, Rule
from bot.ports.platform import Attending, Clock, Platform, PlatformError, WorkspaceLost
from bot.store import channels, deliveries, installations
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.states import ChannelState

log = structlog.get_logger(__name__)
_TRIED_AT_ONCE = 10
_LOOKING_SECONDS = 30.0
"""How long a platform may take to say whether the bot is in a channel."""


class LostChannels:
    """Makes lost channels active again. `grace` is how late a digest is still delivered."""

    def __init__(self, store: Store, platforms: Mapping[str, Platform], clock: Clock, grace: timedelta) -> None:
        self._store, self._platforms, self._clock, self._grace = store, platforms, clock, grace

    async def due(self) -> Sequence[str]:
        """ALL if there is a lost channel whose hour has come."""
        return ALL if await self._due() else ()

    async def try_again(self) -> None:
        """Make the lost channels active whose hour has come, unless something says that the bot still has no access.
        Their digest is planned next, and its first post shows whether the channel is back. Nobody is told if it is
        not."""
        while due_channels := await self._due():
            removed_workspaces = set[tuple[str, str]]()
            for channel in due_channels:
                workspace = channel.place.platform, channel.place.workspace
                if workspace not in removed_workspaces and await self._may_be_back(channel, removed_workspaces):
                    too_late = self._clock() - self._grace
                    async with self._store.write() as tx:
                        await channels.change_from(tx, channel.id, ChannelState.LOST, state=ChannelState.ACTIVE)
                        # The digest that is made now may bring the papers of an earlier one that was never sent.
                        await deliveries.drop_waiting(tx, channel.id, "too late to be news", too_late)
                else:
                    await self._postpone(channel)

    async def _due(self) -> list[Channel]:
        async with self._store.read() as tx:
            return await channels.due(tx, self._clock(), list(self._platforms), _TRIED_AT_ONCE, ChannelState.LOST)

    async def _may_be_back(self, channel: Channel, removed_workspaces: set[tuple[str, str]]) -> bool:
        """Whether the bot may be back in a channel, as far as that can be known without posting. Adds to
        `removed_workspaces` the workspaces whose other channels need not be tried."""
        place = channel.place
        async with self._store.read() as tx:
            removed = await installations.has_ended(tx, place.platform, place.workspace)
        platform = self._platforms[place.platform]
        try:
            if not removed and isinstance(platform, Attending):
                async with asyncio.timeout(_LOOKING_SECONDS):
                    return await platform.attends(place)
        except WorkspaceLost:
            removed = True
        except (PlatformError, TimeoutError) as error:
            log.info("A lost channel could not be looked at.", channel=channel.id, why=str(error))
            return False
        if removed:
            removed_workspaces.add((place.platform, place.workspace))
        return not removed

    async def _postpone(self, channel: Channel) -> None:
        """Go on to the next hour of a channel that is still lost."""
        now, due = self._clock(), channel.next_due_at
        assert due is not None
        try:
            next_hour = Rule.of(channel.hour, channel.days, channel.zone).after(now)
        except (LookupError, ValueError):  # a time zone that is no longer known: its digest says so when it is made
            next_hour = Hour((now + timedelta(days=1)).date(), now + timedelta(days=1))
        async with self._store.write() as tx:
            await channels.change_due(tx, channel.id, due, next_hour.at, next_hour.local_date)
