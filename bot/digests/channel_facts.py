"""What the store knows of channels that their digests depend on, read for many channels at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import feedback
from bot.digests.feedback import EmojiTable, History
from bot.store import deliveries, pick_log, subscriptions, topics
from bot.store.channels import Channel
from bot.store.deliveries import Delivery
from bot.store.pick_log import LoggedPick
from bot.store.states import DeliveryKind
from bot.store.subscriptions import StoredSubscription
from recommender import Profile
from recommender.learning.threshold import PickOutcome, learned_threshold

_NEIGHBOURS_UNTIL = 100
"""With so many votes of its own, a channel gives its neighbours' votes a tenth of their weight: they are not read
any more."""


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What a channel's digest depends on. `profile` is what the engine learns its taste from; `surely_picked` are the
    logged picks that its bar is learned from; `latest` is its last digest."""

    channel: Channel
    profile: Profile
    history: History
    surely_picked: Sequence[LoggedPick] = ()
    latest: Delivery | None = None
    subscription: StoredSubscription | None = None

    def bar(self, day: date) -> float:
        """The share of random papers that the channel's picks must beat on a day."""
        channel, profile = self.channel, self.profile
        if not channel.bar_learned:
            return channel.bar
        voted_ids = {vote.paper_id for vote in profile.feedback}
        liked = {vote.paper_id for vote in profile.feedback if vote.value > 0}
        outcomes = [
            PickOutcome(pick.day, pick.fit, pick.paper_id in liked, pick.place)
            for pick in self.surely_picked
            if pick.place and pick.fit is not None and pick.paper_id in voted_ids
            if pick.day and pick.day < day
        ]
        return learned_threshold(outcomes, channel.bar, day)


async def read(
    tx: AsyncConnection, channels: Sequence[Channel], emoji: EmojiTable, *, neighbours: bool
) -> dict[int, ChannelFacts]:
    """The facts of each channel. With `neighbours`, channels with few votes get those of their workspace."""
    ids = [channel.id for channel in channels]
    histories = await feedback.histories(tx, ids, emoji)
    profiles = await _profiles(tx, channels, histories, emoji, neighbours=neighbours)
    learning_bar = [channel.id for channel in channels if channel.bar_learned]
    picks = await pick_log.surely_picked(tx, learning_bar)
    latest = await deliveries.latest_of_each(tx, ids, DeliveryKind.DIGEST)
    subscribed = await subscriptions.of_channels(tx, ids)
    return {
        channel.id: ChannelFacts(
            channel,
            profiles[channel.id],
            histories[channel.id],
            picks.get(channel.id, ()),
            latest.get(channel.id),
            subscribed.get(channel.id),
        )
        for channel in channels
    }


async def profile_of(tx: AsyncConnection, channel: Channel, emoji: EmojiTable, *, neighbours: bool) -> Profile:
    """What the engine learns a channel's taste from."""
    histories = await feedback.histories(tx, [channel.id], emoji)
    return (await _profiles(tx, [channel], histories, emoji, neighbours=neighbours))[channel.id]


async def _profiles(
    tx: AsyncConnection,
    channels: Sequence[Channel],
    histories: Mapping[int, History],
    emoji: EmojiTable,
    *,
    neighbours: bool,
) -> dict[int, Profile]:
    topics_by_channel = await topics.for_channels(tx, histories)
    profiles = {
        channel_id: Profile(tuple(history.feedback), tuple(topic.line for topic in topics_by_channel[channel_id]))
        for channel_id, history in histories.items()
    }
    beginners = [channel for channel in channels if neighbours and profiles[channel.id].votes < _NEIGHBOURS_UNTIL]
    for channel_id, votes in (await feedback.of_neighbours(tx, beginners, emoji)).items():
        profiles[channel_id] = replace(profiles[channel_id], neighbours=tuple(votes))
    return profiles
