"""The first day in a channel: its time zone, its owner, and a digest at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.model.messages import Action, Asker, Place, PlaceKind
from bot.ports.platform import NotAccepted
from bot.settings import DigestSettings
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import ADA, BEN, PLACE, BotHarness, demo_papers, harness_over

OTHER = Place("fake", "c2", name="nlp")


@dataclass
class ZonedChat(FakeChat):
    """A platform where the bot has to be invited, and that knows the zones of its members."""

    zones: dict[str, str] = field(default_factory=lambda: {"ada": "America/New_York"})
    away: bool = False
    outside: set[str] = field(default_factory=set)

    async def zone_of(self, place: Place, member: str) -> str:
        if self.away:
            raise NotAccepted("it does not answer")
        return self.zones.get(member, "")

    async def attends(self, place: Place) -> bool:
        return place.address not in self.outside


_DIGEST = DigestSettings(titles=0, bar=0.0)


@pytest.fixture
def zoned(sqlite_store: Store, clock: Clock) -> BotHarness:
    return harness_over(sqlite_store, clock, ZonedChat(), digest=_DIGEST)


async def test_a_new_channel_gets_the_time_zone_of_its_inviter_and_the_greeting_says_so(zoned: BotHarness) -> None:
    greeting = await zoned.invite(by="ada")
    assert (await zoned.channel()).zone == "America/New_York"
    assert "09:00 (America/New_York)" in greeting.text
    assert "whoever invited me" in greeting.text


async def test_two_processes_that_find_an_unknown_channel_greet_it_once(store: Store, clock: Clock) -> None:
    chat = ZonedChat()
    both = [harness_over(store, clock, chat, process=name, digest=_DIGEST) for name in ("one", "other")]
    for place in (PLACE, OTHER):
        found = await asyncio.gather(*(one.app.service.sync_memberships("fake", "", [place]) for one in both))
        assert [greeted for greetings in found for greeted, _ in greetings] == [place]


async def test_a_question_before_the_invitation_does_not_settle_the_zone(zoned: BotHarness) -> None:
    await zoned.say("stats", BEN)
    await zoned.invite(by="ada")
    assert (await zoned.channel()).zone == "America/New_York"


async def test_a_zone_that_was_set_before_the_invitation_stays(zoned: BotHarness) -> None:
    await zoned.say("schedule 9am Berlin", ADA)
    await zoned.invite(by="ada")
    assert (await zoned.channel()).zone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("member", "zone", "away"), [("ben", "", False), ("ben", "Mars/Base", False), ("ada", "Asia/Tokyo", True)]
)
async def test_a_zone_that_is_unknown_or_no_zone_leaves_utc(
    zoned: BotHarness, member: str, zone: str, away: bool
) -> None:
    assert isinstance(zoned.chat, ZonedChat)
    zoned.chat.zones, zoned.chat.away = {member: zone}, away
    greeting = await zoned.invite(by=member)
    assert (await zoned.channel()).zone == "UTC"
    assert "whoever invited me" not in greeting.text


async def test_the_zone_in_the_settings_wins(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock, ZonedChat(), digest=DigestSettings(zone="Asia/Tokyo"))
    greeting = await harness.invite(by="ada")
    assert (await harness.channel()).zone == "Asia/Tokyo"
    assert "whoever invited me" not in greeting.text


async def test_resume_in_a_channel_that_was_never_greeted_takes_the_zone_of_who_says_it(zoned: BotHarness) -> None:
    assert (await zoned.say("resume", ADA)).ok
    channel = await zoned.channel()
    assert (channel.zone, channel.owner) == ("America/New_York", "ada")


async def test_a_direct_conversation_begins_in_the_members_own_zone(zoned: BotHarness) -> None:
    place = Place("fake", "d1", kind=PlaceKind.DIRECT)
    await zoned.say("subscribe graphs", ADA, place)
    assert (await zoned.channel(place)).zone == "America/New_York"


async def test_channels_that_invited_the_bot_while_it_was_down_are_greeted_once(zoned: BotHarness) -> None:
    await zoned.invite(PLACE)
    sync = zoned.app.service.sync_memberships
    greetings = await sync("fake", PLACE.workspace, [PLACE, OTHER])
    assert [(place, "Hello, I am Paperboy" in reply.text) for place, reply in greetings] == [(OTHER, True)]
    assert await sync("fake", PLACE.workspace, [PLACE, OTHER]) == []


async def test_the_late_event_of_an_invitation_tells_the_owner_and_greets_no_second_time(zoned: BotHarness) -> None:
    await zoned.app.service.sync_memberships("fake", OTHER.workspace, [OTHER])
    assert (await zoned.app.service.joined(OTHER, "ben")).text == ""
    assert (await zoned.channel(OTHER)).owner == "ben"


async def test_the_late_event_of_an_invitation_tells_the_zone_too(zoned: BotHarness) -> None:
    await zoned.app.service.sync_memberships("fake", OTHER.workspace, [OTHER])
    reply = await zoned.app.service.joined(OTHER, "ada")
    assert "09:00 (America/New_York)" in reply.text
    assert "Hello" not in reply.text
    channel = await zoned.channel(OTHER)
    assert (channel.owner, channel.zone) == ("ada", "America/New_York")
    assert channel.next_due_at
    assert channel.next_due_at.hour == 14


async def test_an_invitation_while_the_channels_are_listed_greets_once(zoned: BotHarness) -> None:
    service = zoned.app.service
    sync = service.sync_memberships("fake", OTHER.workspace, [OTHER])
    reply, greetings = await asyncio.gather(service.joined(OTHER, "ada"), sync)
    assert ("Hello" in reply.text, greetings) == (True, [])
    assert (await zoned.channel(OTHER)).owner == "ada"


async def test_platforms_that_need_no_invitation_greet_no_unknown_channel(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    assert await harness.app.service.sync_memberships("fake", "", [PLACE, OTHER]) == []


@pytest.mark.parametrize("line", ["resume", "schedule 08:00", "subscribe graphs"])
async def test_who_first_manages_a_channel_without_an_owner_becomes_its_owner(zoned: BotHarness, line: str) -> None:
    await zoned.app.service.sync_memberships("fake", OTHER.workspace, [OTHER])
    assert (await zoned.say(line, BEN, OTHER)).ok
    assert (await zoned.channel(OTHER)).owner == "ben"
    refused = await zoned.say(line, Asker("cem"), OTHER)
    assert (refused.ok, "whoever invited me" in refused.text) == (False, True)


async def test_nobody_becomes_owner_where_the_bot_is_not_or_need_not_be_invited(
    zoned: BotHarness, sqlite_store: Store, clock: Clock
) -> None:
    assert isinstance(zoned.chat, ZonedChat)
    zoned.chat.outside = {OTHER.address}
    assert not (await zoned.say("schedule 08:00", BEN, OTHER)).ok
    assert (await zoned.channel(OTHER)).owner == ""
    harness = harness_over(sqlite_store, clock)
    assert not (await harness.say("schedule 08:00", BEN, Place("fake", "c3"))).ok


async def _listed(harness: BotHarness) -> None:
    await harness.list_papers(demo_papers()[:8])


async def test_the_greeting_offers_a_digest_that_is_posted_at_once_and_only_once_that_day(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = harness_over(sqlite_store, clock, digest=_DIGEST)
    await _listed(harness)
    greeting = await harness.invite()
    [button] = greeting.actions
    assert (button.label, button.command) == ("Show me one now", "digest")
    reply = await harness.app.service.act(PLACE, ADA, button)
    assert reply.text.startswith("Here it is. The next digest: ")
    cards = [shown.message.card for shown in harness.chat.shown[PLACE.address] if shown.message.card]
    assert len(cards) == 5
    again = await harness.app.service.act(PLACE, ADA, button)
    assert again.text.startswith("Today's digest, as it came at ")
    assert list(again.cards) == cards
    await harness.beat_until_settled()
    assert len([shown for shown in harness.chat.shown[PLACE.address] if shown.message.card]) == 5
    clock.now += timedelta(days=1)
    await harness.list_papers(demo_papers()[8:16])
    clock.now = clock.now.replace(hour=9, minute=1)
    await harness.beat_until_settled()
    assert len([shown for shown in harness.chat.shown[PLACE.address] if shown.message.card]) == 10


async def test_a_member_who_may_not_manage_sees_the_digest_alone(zoned: BotHarness) -> None:
    await _listed(zoned)
    await zoned.invite()
    reply = await zoned.app.service.act(PLACE, BEN, Action("", "digest"))
    assert (len(reply.cards), reply.public) == (5, False)
    assert not zoned.chat.shown[PLACE.address]


@pytest.mark.parametrize("style", ["cards", "compact", "thread"])
async def test_today_shows_the_digest_of_today_again_in_every_style(
    sqlite_store: Store, clock: Clock, style: str
) -> None:
    harness = harness_over(sqlite_store, clock, digest=_DIGEST)
    await _listed(harness)
    await harness.invite()
    assert (await harness.say(f"settings style {style}")).ok
    await harness.say("digest")
    reply = await harness.say("today")
    assert len(reply.cards) + len(reply.lines) == 5
    since = reply.actions[0]
    assert (since.label, since.command, since.argument) == ("What came since", "today", "new")
    assert "since the last digest" in (await harness.app.service.act(PLACE, ADA, since)).text
    await harness.list_papers(demo_papers()[8:9])
    assert len((await harness.app.service.act(PLACE, ADA, since)).cards) == 1


async def test_digest_in_a_paused_channel_says_how_to_begin(zoned: BotHarness) -> None:
    await zoned.invite()
    await zoned.say("pause")
    reply = await zoned.say("digest")
    assert (reply.ok, "`/papers resume`" in reply.text) == (False, True)
