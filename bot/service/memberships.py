"""Channel membership: the bot is invited, a channel is renamed, access is lost and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import asdict, replace
from weakref import WeakValueDictionary

import structlog

from bot.commands import schedule
from bot.commands.context import UTC_ZONE, Services
from bot.commands.names import DIGEST
from bot.digests.hours import next_hour
from bot.model.channel_defaults import ChannelDefaults
from bot.model.messages import Action, Place, PlaceKind, Reply
from bot.ports.platform import Attending, Describing, PlatformError
from bot.reports.digest_time import next_digest
from bot.store import channels
from bot.store.channels import Channel
from bot.store.states import ChannelState

log = structlog.get_logger(__name__)
_ZONE_NOTE = "The zone is my best guess for whoever invited me."


class ChannelMembership:
    """Follows the bot into channels and out of them. A channel that was never seen gets the `defaults`."""

    def __init__(self, services: Services, defaults: ChannelDefaults) -> None:
        self._services, self._defaults = services, defaults
        self._joining: WeakValueDictionary[Place, asyncio.Lock] = WeakValueDictionary()

    async def joined(self, place: Place, by: str) -> Reply:
        """The bot was invited: digests begin, or go on as before. The reply greets the channel."""
        async with self._one_at_a_time(place):
            return await self._join(place, by)

    def _one_at_a_time(self, place: Place) -> asyncio.Lock:
        """The lock of a place. When the bot starts, the event of an invitation may come while its channels are listed:
        only the first of both greets."""
        key = Place(place.platform, place.address, place.workspace)
        lock = self._joining.get(key) or asyncio.Lock()
        self._joining[key] = lock
        return lock

    async def _join(self, place: Place, by: str, *, missed: bool = False) -> Reply:
        """Begin in a channel, or go on. With `missed` nobody told of the invitation: the text of the reply is empty if
        another process has begun in the channel meanwhile."""
        now = self._services.clock()
        channel = await self.find_or_add(place, owner=by)
        was_lost, is_new = channel.state is ChannelState.LOST, channel.state is ChannelState.NEW
        zone = channel.zone
        if by and zone == UTC_ZONE and (is_new or not channel.owner):
            zone = await self._services.zone_for(place, by)
        if channel.state is ChannelState.ACTIVE and by and not channel.owner:
            return await self._take_owner(channel, place, by, zone)
        async with self._services.store.write() as tx:
            current = (await channels.locked(tx, [channel.id])).get(channel.id, channel)
            begun = current.state is not channel.state or channel.state not in (ChannelState.NEW, ChannelState.LOST)
            if missed and begun:
                return Reply("")
            await channels.change(tx, channel.id, **_columns(place), owner=by or channel.owner, zone=zone)
            channel = await channels.get(tx, channel.id) or channel
            if is_new or (was_lost and channel.next_due_at is not None):
                await schedule.wake(tx, channel, now)
            elif was_lost:  # it was paused when it was lost, and stays so
                await channels.change(tx, channel.id, state=ChannelState.PAUSED, state_reason="paused here")
            channel = await channels.get(tx, channel.id) or channel
        hello = (
            "I am back, with everything I knew."
            if was_lost
            else "Hello, I am Paperboy: I bring the new papers this channel will like."
        )
        is_late = channel.next_due_at is not None and channel.next_due_at <= now
        zone_note = f" {_ZONE_NOTE}" if is_new and zone not in (UTC_ZONE, self._services.default_zone) else ""
        return Reply(
            f"{hello} Next digest: {'in a moment' if is_late else next_digest(channel)}.{zone_note}\n"
            "React to a card with 👍 or 👎 and I learn. `/papers subscribe federated learning` (any topic) gives me a "
            "start, `/papers schedule 09:00 weekdays Europe/Berlin 5` sets the hour, `/papers help` tells the rest.",
            actions=() if was_lost else (Action("Show me one now", DIGEST),),
            public=True,
        )

    async def _take_owner(self, channel: Channel, place: Place, by: str, zone: str) -> Reply:
        """Record the inviter of a channel that was greeted when the bot started. The reply says when digests come in
        their time zone; its text is empty where that changes nothing."""
        async with self._services.store.write() as tx:
            await channels.change(tx, channel.id, **_columns(place), owner=by, zone=zone)
            stored = await channels.get(tx, channel.id) or channel
            if zone == channel.zone:
                return Reply("")
            hour = await next_hour(tx, stored, self._services.clock())
            await channels.change(tx, channel.id, next_due_at=hour.at, next_due_on=hour.local_date)
            stored = await channels.get(tx, channel.id) or stored
        return Reply(f"{_ZONE_NOTE} Next digest: {next_digest(stored)}.", public=True)

    async def left(self, place: Place, reason: str) -> None:
        """The bot may not post in a place any more. Everything is kept until it is invited again."""
        channel = await self.find(place)
        if channel and channel.state is not ChannelState.NEW:
            async with self._services.store.write() as tx:
                await channels.change(tx, channel.id, state=ChannelState.LOST, state_reason=reason)

    async def renamed(self, place: Place) -> None:
        """The place has a new name, or became private or public."""
        channel = await self.find(place)
        if channel:
            async with self._services.store.write() as tx:
                await channels.change(tx, channel.id, **_columns(place))

    async def workspace_removed(self, platform: str, workspace: str, reason: str) -> None:
        """The bot lost access to a whole workspace. Everything there is kept."""
        log.warning("A workspace is lost; what it taught is kept.", platform=platform, why=f"{workspace}: {reason}")
        async with self._services.store.write() as tx:
            await channels.lose_all(tx, platform, workspace, reason)

    async def sync_memberships(
        self, platform: str, workspace: str, places: Collection[Place]
    ) -> list[tuple[Place, Reply]]:
        """Bring the stored channels in step with the list of channels that the bot is in now. Lost channels among them
        go on; where the bot has to be invited, a channel that is not known yet begins, because its invitation was
        missed. Nobody can remove the bot from a direct conversation, so those go on as well. Returns the greetings of
        these channels; a direct conversation gets one only if it gets digests."""
        async with self._services.store.read() as tx:
            stored_channels = await channels.in_workspace(tx, platform, workspace)
        places_by_address, greetings = {place.address: place for place in places}, []
        for channel in stored_channels:
            place = places_by_address.get(channel.place.address)
            if channel.state is ChannelState.LOST and (place or channel.place.kind is PlaceKind.DIRECT):
                async with self._one_at_a_time(channel.place):
                    greeting = await self._join(place or channel.place, "", missed=True)
                if place or channel.next_due_at:
                    greetings.append((place or channel.place, greeting))
            elif place and place != channel.place:
                await self.renamed(place)
        if isinstance(self._services.platforms[platform], Attending):
            begun = {channel.place.address for channel in stored_channels if channel.state is not ChannelState.NEW}
            for address, place in places_by_address.items():
                if address not in begun and place.kind is not PlaceKind.DIRECT:
                    async with self._one_at_a_time(place):
                        stored = await self.find(place)
                        if stored is None or stored.state is ChannelState.NEW:
                            greetings.append((place, await self._join(place, "", missed=True)))
        return [(place, greeting) for place, greeting in greetings if greeting.text]

    async def find(self, place: Place) -> Channel | None:
        """The stored channel of a place; None if the bot was never there."""
        async with self._services.store.read() as tx:
            return await channels.find(tx, place)

    async def _described(self, place: Place) -> Place:
        """A place that was never seen before, with the name and the privacy that its platform tells."""
        platform = self._services.platforms[place.platform]
        if place.private is None and isinstance(platform, Describing):
            try:
                return await platform.describe(place)
            except PlatformError as error:
                log.warning("A platform does not say what a new place is; it is taken for private.", why=str(error))
        return place

    async def find_or_add(self, place: Place, owner: str) -> Channel:
        """The channel at a place. A channel that was never seen is added as new, since nobody asked for digests
        there."""
        stored = await self.find(place)
        if stored:
            if place.private and not stored.place.private:
                await self.renamed(replace(place, name=place.name or stored.place.name))
            return stored
        place = await self._described(place)
        zone = await self._services.zone_for(place, owner)
        async with self._services.store.write() as tx:
            stored = await channels.find(tx, place)
            if stored:
                return stored
            now = self._services.clock()
            values = asdict(self._defaults) | {"zone": zone}
            return await channels.add(tx, place, owner=owner, created_at=now, state=ChannelState.NEW, **values)


def _columns(place: Place) -> dict[str, object]:
    """The columns of a channel's row that a place tells. `private` is left out where the place does not tell it."""
    return {"name": place.name, "kind": place.kind} | ({} if place.private is None else {"private": place.private})
