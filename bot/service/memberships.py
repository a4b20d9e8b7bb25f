"""The places that the bot is in: invited, renamed, shut out, and back again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import structlog

from bot.commands import schedule
from bot.commands.context import NOT_INVITED, Services
from bot.model.messages import Kind, Place, Reply
from bot.ports.platform import Describing, PlatformError
from bot.settings import Digest as NewChannel
from bot.store import channels
from bot.store.channels import Channel
from bot.store.states import ChannelState

log = structlog.get_logger(__name__)


class Rooms:
    """The half of the service that knows where the bot is; a channel never seen gets the values of `new_channel`."""

    def __init__(self, services: Services, new_channel: NewChannel) -> None:
        self._services, self._new = services, new_channel

    async def joined(self, place: Place, by: str) -> Reply:
        """The bot was invited: digests begin, or go on with everything as it was."""
        now = self._services.clock()
        channel = await self._open(place, owner=by)
        again = channel.state is ChannelState.LOST
        async with self._services.store.write() as tx:
            await channels.change(tx, channel.id, **_told(place), owner=by or channel.owner)
            if channel.state_reason == NOT_INVITED or (again and channel.next_due_at is not None):
                await schedule.wake(tx, channel, now)
            elif again:  # lost while it was paused: paused it stays
                await channels.change(tx, channel.id, state=ChannelState.PAUSED, state_reason="paused here")
            channel = await channels.get(tx, channel.id) or channel
        hello = (
            "I am back, with everything I knew."
            if again
            else "Hello, I am Paperboy: I bring the new papers this channel will like."
        )
        late = channel.next_due_at is not None and channel.next_due_at <= now
        return Reply(
            f"{hello} Next digest: {'in a moment' if late else schedule.next_digest(channel)}.\n"
            "React to a card with 👍 or 👎 and I learn. `/papers subscribe federated learning` (any topic) gives me a "
            "start, `/papers schedule 09:00 weekdays Europe/Berlin 5` sets the hour, `/papers help` tells the rest.",
            public=True,
        )

    async def left(self, place: Place, why: str) -> None:
        """The bot may not write there any more: everything is kept until it is invited again."""
        channel = await self._find(place)
        if channel and channel.state_reason != NOT_INVITED:
            async with self._services.store.write() as tx:
                await channels.change(tx, channel.id, state=ChannelState.LOST, state_reason=why)

    async def renamed(self, place: Place) -> None:
        """The place has a new name, or became private or public, or is known better."""
        channel = await self._find(place)
        if channel:
            async with self._services.store.write() as tx:
                await channels.change(tx, channel.id, **_told(place))

    async def workspace_removed(self, platform: str, workspace: str, why: str) -> None:
        """The bot may act nowhere in a workspace any more: everything there is kept."""
        log.warning("A workspace is lost; what it taught is kept.", platform=platform, why=f"{workspace}: {why}")
        async with self._services.store.write() as tx:
            await channels.lose_all(tx, platform, workspace, why)

    async def sync_memberships(
        self, platform: str, workspace: str, rooms: Collection[Place]
    ) -> list[tuple[Place, Reply]]:
        """These are the rooms that the bot is in now: what was lost there goes on. A conversation with one member is
        no room that anybody can put the bot out of: it goes on as well, and is greeted if it gets digests."""
        async with self._services.store.read() as tx:
            known = await channels.in_workspace(tx, platform, workspace)
        there, greetings = {room.address: room for room in rooms}, []
        for channel in known:
            room = there.get(channel.place.address)
            if channel.state is ChannelState.LOST and (room or channel.place.kind is Kind.DIRECT):
                greeting = await self.joined(room or channel.place, "")
                if room or channel.next_due_at:
                    greetings.append((room or channel.place, greeting))
            elif room and room != channel.place:
                await self.renamed(room)
        return greetings

    async def _find(self, place: Place) -> Channel | None:
        async with self._services.store.read() as tx:
            return await channels.find(tx, place)

    async def _described(self, place: Place) -> Place:
        """A place never seen before, as its platform knows it."""
        platform = self._services.platforms[place.platform]
        if place.private is None and isinstance(platform, Describing):
            try:
                return await platform.describe(place)
            except PlatformError as error:
                log.warning("A platform does not say what a new place is; it is taken for private.", why=str(error))
        return place

    async def _open(self, place: Place, owner: str) -> Channel:
        """The channel at a place; one never seen is remembered as paused, since nobody asked for digests there."""
        found = await self._find(place)
        if found:
            if place.private and not found.place.private:
                await self.renamed(replace(place, name=place.name or found.place.name))
            return found
        place = await self._described(place)
        async with self._services.store.write() as tx:
            found = await channels.find(tx, place)
            if found:
                return found
            await channels.add(
                tx,
                place,
                owner=owner,
                hour=self._new.hour,
                days=self._new.days,
                zone=self._new.zone,
                count=self._new.count,
                bar=self._new.bar,
                guess=self._new.guess,
                style=self._new.style,
                titles=self._new.titles,
                created_at=self._services.clock(),
            )
            channel = await channels.find(tx, place)
            assert channel is not None
            await channels.change(tx, channel.id, state=ChannelState.PAUSED, state_reason=NOT_INVITED)
            return await channels.get(tx, channel.id) or channel


def _told(place: Place) -> dict[str, object]:
    """What a place tells of its channel's row; whether it is private only where that is told."""
    return {"name": place.name, "kind": place.kind} | ({} if place.private is None else {"private": place.private})
