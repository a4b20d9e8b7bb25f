"""Subscriptions by mail: confirmed once, sealed at rest, found by a keyed hash, and gone for good when they end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from bot.installations.encryption import TokenCipher
from bot.model.messages import Place
from bot.model.subscriptions import Content, Wish, read_address
from bot.ports.platform import NotAccepted
from bot.ports.subscriptions import TooManyConfirmations, WishRefused
from bot.settings import DigestSettings
from bot.store import channels, inbox, links, members, subscriptions, topics
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.states import ChannelState
from bot.subscriptions import StoredSubscriptions
from tests.fakes.clock import Clock
from tests.store.whole import add_channel, dump

ADA = "Ada@example.org"
WISH = Wish(ADA, zone="Europe/Berlin")
SEARCH = Wish(ADA, Content.SEARCH, "federated learning", weekly=True)
KEYS = [Fernet.generate_key().decode() for _ in range(2)]


def over(store: Store, clock: Clock, *keys: str) -> StoredSubscriptions:
    cipher = TokenCipher(keys or KEYS[:1], Path("unused"))
    return StoredSubscriptions(store, cipher, clock, "mail", DigestSettings().channel_defaults())


async def channel_at(store: Store, place: Place) -> Channel:
    async with store.read() as tx:
        channel = await channels.find(tx, place)
    assert channel is not None
    return channel


async def test_a_confirmed_wish_is_a_channel_with_a_schedule(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    wish = mail.wish_of(await mail.request(WISH))
    assert wish == WISH
    place = await mail.confirm(wish)
    channel = await channel_at(store, place)
    assert (channel.state, channel.public) == (ChannelState.ACTIVE, False)
    assert (channel.hour, channel.days, channel.zone, channel.titles) == ("09:00", "daily", "Europe/Berlin", 0)
    assert channel.next_due_at is not None
    assert clock() < channel.next_due_at <= clock() + timedelta(days=1)
    assert await mail.address_of(place) == ADA


async def test_the_address_stands_nowhere_in_the_store(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    await mail.confirm(mail.wish_of(await mail.request(WISH)) or WISH)
    assert "ada" not in repr(await dump(store)).casefold()


async def test_a_search_follows_its_query_once_a_week(store: Store, clock: Clock) -> None:
    place = await over(store, clock).confirm(SEARCH)
    channel = await channel_at(store, place)
    assert (channel.days, channel.count, channel.bar, channel.guess) == ("mon", 10, 0.0, False)
    async with store.read() as tx:
        assert [topic.query for topic in await topics.for_channel(tx, channel.id)] == ["federated learning"]
        stored = await subscriptions.of_channel(tx, channel.id)
    assert stored is not None
    assert (stored.content, stored.subject) == (Content.SEARCH, "federated learning")


async def test_confirming_twice_is_the_same_as_once_and_may_change_the_schedule(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    first = await mail.confirm(WISH)
    second = await mail.confirm(Wish("ada@example.org", weekly=True, hour="17:00"))
    assert (first.address, len((await dump(store))["subscriptions"])) == (second.address, 1)
    channel = await channel_at(store, first)
    assert (channel.hour, channel.days) == ("17:00", "mon")
    assert (await mail.confirm(SEARCH)).address != first.address


async def test_confirming_at_the_same_time_makes_one_subscription(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    places = await asyncio.gather(*(mail.confirm(WISH) for _ in range(5)))
    assert len({place.address for place in places}) == 1
    left = await dump(store)
    assert (len(left["subscriptions"]), len(left["channels"])) == (1, 1)


async def test_an_address_gets_three_confirmations_a_day(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    for wish in (WISH, SEARCH, Wish("ADA@example.org")):
        await mail.request(wish)
    with pytest.raises(TooManyConfirmations):
        await mail.request(WISH)
    await mail.request(Wish("ben@example.org"))
    clock.advance(timedelta(days=1))
    await mail.request(WISH)


async def test_a_confirmation_holds_for_two_days_and_no_other_token_is_one(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    token = await mail.request(WISH)
    assert mail.wish_of(mail.seal("off", "x")) is None
    assert mail.open("wish", token) is None
    assert over(store, clock, KEYS[1]).wish_of(token) is None
    clock.advance(timedelta(days=2, seconds=2))
    assert mail.wish_of(token) is None


@given(st.text(max_size=300))
def test_a_made_up_token_opens_nothing(token: str) -> None:
    cipher = TokenCipher(KEYS, Path("unused"))
    mail = StoredSubscriptions(Store.__new__(Store), cipher, Clock(), "mail", DigestSettings().channel_defaults())
    assert mail.wish_of(token) is None
    assert mail.open("off", token) is None


async def test_a_token_opens_for_its_purpose_alone(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    token = mail.seal("vote", "place", "2603.1/ö 2", "1")
    clock.advance(timedelta(days=3650))
    assert mail.open("vote", token) == ["place", "2603.1/ö 2", "1"]
    assert mail.open("off", token) is None


async def test_an_address_has_ten_subscriptions_at_most(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    for number in range(10):
        await mail.confirm(Wish(ADA, Content.SEARCH, f"words {number}"))
    with pytest.raises(WishRefused, match="10 subscriptions already"):
        await mail.confirm(WISH)
    await mail.confirm(Wish("ben@example.org"))


async def test_a_link_must_lead_somewhere_both_times(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    async with store.write() as tx:
        channel = await add_channel(tx)
        secret = await links.make(tx, channel.id, "ada", clock.now)
    assert secret is not None
    wish = Wish(ADA, Content.CHANNEL, secret)
    token = await mail.request(wish)
    with pytest.raises(WishRefused, match="leads nowhere"):
        await mail.request(Wish(ADA, Content.CHANNEL, "another"))
    await mail.confirm(wish)
    assert secret not in repr(await dump(store))
    async with store.write() as tx:
        await links.revoke(tx, channel.id, clock.now)
    with pytest.raises(WishRefused, match="leads nowhere"):
        await mail.confirm(mail.wish_of(token) or wish)


async def test_ending_deletes_everything_and_ending_again_changes_nothing(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    place = await mail.confirm(SEARCH)
    other = await mail.confirm(WISH)
    assert await mail.end(place)
    assert not await mail.end(place)
    assert await mail.address_of(place) is None
    assert await mail.address_of(other) == ADA
    left = await dump(store)
    assert (len(left["subscriptions"]), len(left["channels"]), left["topics"]) == (1, 1, [])


async def test_two_refusals_in_a_row_pause_all_of_an_address(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    place, other = await mail.confirm(WISH), await mail.confirm(SEARCH)
    assert not await mail.refused(place)
    await mail.accepted(place)
    assert not await mail.refused(place)
    assert await mail.refused(place)
    assert [await mail.address_of(each) for each in (place, other)] == [None, None]
    await mail.confirm(WISH)
    assert [await mail.address_of(each) for each in (place, other)] == [ADA, None]
    assert not await mail.refused(place)


async def test_a_bounce_pauses_the_address_and_its_channels(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    place, other = await mail.confirm(WISH), await mail.confirm(SEARCH)
    assert await mail.bounced(place)
    assert await mail.bounced(place)
    for each in (place, other):
        channel = await channel_at(store, each)
        assert (channel.state, channel.state_reason) == (ChannelState.LOST, "a mail came back")
        assert await mail.address_of(each) is None
    await mail.confirm(WISH)
    assert (await channel_at(store, place)).state is ChannelState.ACTIVE
    assert not await mail.bounced(Place("mail", "nobody"))


async def test_a_forgotten_member_leaves_no_subscription(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    for wish in (Wish(ADA, platform="slack", workspace="W", member="U1"), Wish("ben@example.org")):
        await mail.confirm(wish)
    async with store.write() as tx:
        data = await members.data_of(tx, "slack", "W", "U1")
        rows = await members.rows_of(tx, "slack", "W", "U1")
        assert (data.subscriptions, data.entries) == (1, 1)
        assert [kind for kind, _ in rows] == ["subscription"]
        assert await members.forget(tx, "slack", "W", "U1", clock()) == 1
        assert await subscriptions.of_member(tx, "slack", None, "U1") == []
        assert len(await subscriptions.every(tx)) == 1


async def test_a_member_ends_their_own_subscriptions(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    await mail.confirm(Wish(ADA, platform="slack", workspace="W", member="U1"))
    await mail.confirm(Wish(ADA, Content.SEARCH, "x", platform="slack", workspace="W", member="U2"))
    assert await mail.end_all_of("slack", "V", "U1") == 0
    assert await mail.end_all_of("slack", "W", "U1") == 1
    assert await mail.end_all_of("slack", None, "U1") == 0


async def test_new_keys_take_over_and_the_address_is_still_found(store: Store, clock: Clock) -> None:
    place = await over(store, clock, KEYS[0]).confirm(WISH)
    both = over(store, clock, KEYS[1], KEYS[0])
    assert (await both.confirm(WISH)).address == place.address
    assert (await both.reseal(), await both.reseal()) == (1, 0)
    new = over(store, clock, KEYS[1])
    assert await new.address_of(place) == ADA
    assert (await new.confirm(WISH)).address == place.address


async def test_without_its_key_an_address_waits_for_it_and_the_others_go_on(store: Store, clock: Clock) -> None:
    lost = await over(store, clock, KEYS[0]).confirm(WISH)
    mail = over(store, clock, KEYS[1])
    readable = await mail.confirm(Wish("ben@example.org"))
    with pytest.raises(NotAccepted, match="no encryption key opens the address"):
        await mail.address_of(lost)
    assert await mail.address_of(readable) == "ben@example.org"
    assert (await mail.reseal(), await mail.count_unreadable()) == (0, 1)
    assert await over(store, clock, KEYS[1], KEYS[0]).count_unreadable() == 0


async def test_the_events_of_confirmations_name_nobody(store: Store, clock: Clock) -> None:
    mail = over(store, clock)
    await mail.request(WISH)
    async with store.write() as tx:
        assert await inbox.unfinished(tx) == []
    assert "example" not in repr((await dump(store))["inbox"])


@pytest.mark.parametrize(
    "text",
    ["", "ada", "ada@", "@example.org", "ada@example", "a b@example.org", "ada@example.org\r\nBcc: x@y.zz",
     "ada@1.2.3.4",
     '"a b"@example.org', "ada@[::1]", "a" * 65 + "@example.org", "ada@" + "x" * 64 + ".org", "ada..b@example.org",
     "ada@-x.org", "ada@example..org", "<ada@example.org>", "ada@example.org,ben@example.org"],
)  # fmt: skip
def test_another_text_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no mail address like you@example\.org"):
        read_address(text)


@given(st.text(max_size=80) | st.emails())
def test_an_address_that_is_read_fits_into_a_header_and_a_command(text: str) -> None:
    try:
        address = read_address(text)
    except ValueError:
        return
    assert address.isascii()
    assert not any(char.isspace() or char in '<>",;:()[]\\' for char in address)
    assert read_address(address) == address


async def test_the_row_goes_with_its_channel(store: Store, clock: Clock) -> None:
    place = await over(store, clock).confirm(WISH)
    channel = await channel_at(store, place)
    async with store.write() as tx:
        assert await subscriptions.delete(tx, [channel.id], clock()) == 1
        assert (await tx.execute(sa.text("select count(*) from subscriptions"))).scalar_one() == 0
