"""A channel that was lost is tried again at its own hour: once a day, silently, until it is back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.model.messages import Message, Place
from bot.ports.platform import AccessLost, PlatformError, Uncertain, WorkspaceLost
from bot.store import installations
from bot.store.database import Store
from bot.store.states import ChannelState
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import PLACE, BotHarness, demo_papers, harness_over


class Shutting(FakeChat):
    """A chat that refuses every post while it is `shut`."""

    def __init__(self, error: PlatformError) -> None:
        super().__init__(before=self._refuse)
        self.shut, self.error, self.tries = True, error, 0

    def _refuse(self, message: Message) -> None:
        self.tries += 1
        if self.shut:
            raise self.error


class Attended(Shutting):
    """One that can say whether the bot is in a channel."""

    said: Callable[[], bool]
    asked = 0

    async def attends(self, place: Place) -> bool:
        self.asked += 1
        return self.said()


async def a_lost_channel(store: Store, clock: Clock, chat: Shutting) -> BotHarness:
    harness = harness_over(store, clock, chat)
    harness.shelf.lists[clock.now.date()] = list(demo_papers()[:30])
    await harness.app.source_reading.read()
    await harness.invite()
    clock.advance(timedelta(hours=1, minutes=1))
    await beats(harness)
    assert (await harness.channel()).state is ChannelState.LOST
    return harness


async def beats(harness: BotHarness, many: int = 4) -> None:
    for _ in range(many):
        await harness.app.scheduler.tick()
        await harness.settle()


async def test_a_channel_that_is_open_again_goes_on_at_its_hour(store: Store, clock: Clock) -> None:
    chat = Shutting(AccessLost("missing permission"))
    harness = await a_lost_channel(store, clock, chat)
    chat.shut = False
    clock.advance(timedelta(hours=3))
    await beats(harness)
    assert chat.shown["c1"] == [], "not before its hour"
    await harness.next_morning()
    await beats(harness)
    channel = await harness.channel()
    assert (channel.state, channel.state_reason) == (ChannelState.ACTIVE, "")
    assert len([message for message in chat.shown["c1"] if message.message.card]) == 5
    assert len(chat.told) == 1


async def test_a_channel_that_stays_shut_is_tried_once_a_day_and_its_owner_is_told_once(
    store: Store, clock: Clock
) -> None:
    chat = Shutting(AccessLost("missing permission"))
    harness = await a_lost_channel(store, clock, chat)
    for day in range(1, 8):
        await harness.next_morning()
        await beats(harness)
        assert chat.tries == 1 + day
        assert (await harness.channel()).state is ChannelState.LOST
    assert len(chat.told) == 1
    chat.shut = False
    await harness.next_morning()
    await beats(harness)
    shown = [message.message.card.paper_id for message in chat.shown["c1"] if message.message.card]
    assert len(shown) == len(set(shown)) == 5, "what was planned for the lost days comes once, as one digest"
    chat.shut = True
    await harness.next_morning()
    await beats(harness)
    assert len(chat.told) == 2, "lost anew, it is told anew"


async def test_where_the_platform_says_that_the_bot_is_not_there_nothing_is_posted(store: Store, clock: Clock) -> None:
    chat = Attended(AccessLost("not_in_channel"))
    chat.said = lambda: False
    harness = await a_lost_channel(store, clock, chat)
    chat.shut = False
    for day in range(1, 4):
        await harness.next_morning()
        await beats(harness)
        assert (chat.tries, chat.asked) == (1, day)
        assert (await harness.channel()).state is ChannelState.LOST
    chat.said = lambda: True
    await harness.next_morning()
    await beats(harness)
    assert (await harness.channel()).state is ChannelState.ACTIVE
    assert chat.shown["c1"]


@pytest.mark.parametrize("error", [WorkspaceLost("token_revoked"), Uncertain("down")])
async def test_a_workspace_whose_token_died_is_asked_once_a_day_for_all_its_channels(
    sqlite_store: Store, clock: Clock, error: PlatformError
) -> None:
    chat = Attended(WorkspaceLost("token_revoked"))

    def dead() -> bool:
        raise error

    chat.said = dead
    harness = harness_over(sqlite_store, clock, chat)
    for number in range(1, 6):
        await harness.invite(Place("fake", f"c{number}", "W", name=f"c{number}"))
    await harness.invite()
    clock.advance(timedelta(hours=1, minutes=1))
    await beats(harness)
    for day in range(1, 4):
        await harness.next_morning()
        await beats(harness)
        # Of the workspace W one channel, and the one that is in no workspace.
        assert chat.asked == day * (2 if isinstance(error, WorkspaceLost) else 6)
    assert chat.told == []


async def test_a_workspace_that_removed_the_bot_is_left_alone(sqlite_store: Store, clock: Clock) -> None:
    chat = Shutting(WorkspaceLost("account_inactive"))
    harness = await a_lost_channel(sqlite_store, clock, chat)
    async with sqlite_store.write() as tx:
        texts = dict.fromkeys(("name", "bot_user", "bot", "installer", "token", "refresh_token"), "")
        ended = {"scopes": [], "installed_at": clock(), "revoked_at": clock()}
        await installations.put(tx, "fake", PLACE.workspace, **texts, **ended)
    for _ in range(3):
        await harness.next_morning()
        await beats(harness)
    assert chat.tries == 1
