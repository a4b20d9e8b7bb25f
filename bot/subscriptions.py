"""Subscriptions by mail: encrypted addresses that a keyed hash finds, and the sealed tokens in links of mails."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from hmac import compare_digest
from secrets import token_hex

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.installations.encryption import TokenCipher, TokensUnreadable
from bot.model.channel_defaults import ChannelDefaults
from bot.model.messages import Place, PlaceKind
from bot.model.schedule import Rule
from bot.model.subscriptions import Content, Wish
from bot.ports.platform import Clock, NotAccepted
from bot.ports.subscriptions import TooManyConfirmations, WishRefused
from bot.store import channels, inbox, links, subscriptions, topics
from bot.store.database import Store
from bot.store.states import ChannelState
from bot.store.subscriptions import StoredSubscription

CONFIRMATION_LIFETIME = timedelta(days=2)
_CONFIRMATIONS_A_DAY = 3
_REQUESTS_A_DAY = 10
"""Confirmations that one member of a chat may ask for in a day, for whatever addresses."""
_MOST_FOR_AN_ADDRESS = 10
_REFUSALS_IN_A_ROW = 2
"""Mails that may be refused for good one after the other before the address is paused."""
_WEEKLY_ON = "mon"
_MOST_CARDS = 10
_SIGNATURE = 20
"""Characters of a signature: 80 bits, which nobody guesses over the network."""
_WISH = "wish"
_KEYLESS_SECONDS = 3_600.0
"""When to try again to send to an address that no key opens: the operator may bring the key back."""
REFUSED = "the mailbox refuses mail"
BOUNCED = "a mail came back"


class _BegunMeanwhile(Exception):
    """Another confirmation of the same wish was faster; rolls the transaction back."""


class StoredSubscriptions:
    """Implements `bot.ports.subscriptions.Subscriptions` for one platform. A new channel gets the `defaults`."""

    def __init__(
        self,
        store: Store,
        cipher: TokenCipher,
        clock: Clock,
        platform: str,
        defaults: ChannelDefaults,
    ) -> None:
        self._store, self._cipher, self._clock, self._platform = store, cipher, clock, platform
        self._defaults = defaults

    async def check(self, wish: Wish) -> None:
        """Raise WishRefused for a wish that can't be fulfilled now, whoever's address it names."""
        if wish.content is Content.SEARCH and not wish.subject.strip():
            raise WishRefused("Which papers? Name some words, as in a search.")
        if wish.content is Content.CHANNEL:
            async with self._store.read() as tx:
                link = await links.find(tx, wish.subject)
            if link is None or not link.works:
                raise WishRefused("This link leads nowhere any more. Ask whoever gave it to you for the new one.")

    async def request(self, wish: Wish) -> str:
        """A token that confirms a wish within two days. Raises TooManyConfirmations and WishRefused."""
        await self.check(wish)
        now, asker = self._clock(), f"{wish.platform} {wish.workspace} {wish.member}"
        async with self._store.write() as tx:
            may_ask = not wish.member or await self._claim(tx, f"asker {asker}", _REQUESTS_A_DAY, now)
            if not may_ask or not await self._claim(tx, _address(wish.address), _CONFIRMATIONS_A_DAY, now):
                raise TooManyConfirmations
        return self._sealed(_WISH, json.dumps(asdict(wish)), now)

    async def _claim(self, tx: AsyncConnection, text: str, most: int, now: datetime) -> bool:
        """Note one more confirmation of today for a text, of which the store keeps a keyed hash; False if it had as
        many as it may."""
        event = f"confirmation {self._cipher.fingerprints(text)[0]} {now.date().isoformat()}"
        for number in range(most):
            if await inbox.receive(tx, self._platform, f"{event} {number}", {}, now, done=True):
                return True
        return False

    def wish_of(self, token: str) -> Wish | None:
        """The wish that a token confirms; None for anything else, and for a token that is too old."""
        content = self._cipher.decrypt_fresh(token, self._clock(), CONFIRMATION_LIFETIME)
        purpose, _, text = content.partition(" ")
        if purpose != _WISH:
            return None
        values = json.loads(text)
        return Wish(**{**values, "content": Content(values["content"])})

    async def confirm(self, wish: Wish) -> Place:
        """Begin a subscription, or begin it again with another schedule. Raises WishRefused."""
        await self.check(wish)
        while True:
            # Where another confirmation of the same wish was faster, the second round finds its row.
            with contextlib.suppress(_BegunMeanwhile):
                return await self._begin(wish)

    async def _begin(self, wish: Wish) -> Place:
        now, hashes = self._clock(), self._hashes(wish.address)
        subject = links.token_hash(wish.subject) if wish.content is Content.CHANNEL else wish.subject.strip()
        async with self._store.write() as tx:
            earlier = await subscriptions.of_address(tx, hashes)
            same = next((each for each in earlier if (each.content, each.subject) == (wish.content, subject)), None)
            if same:
                return await self._begin_again(tx, same, wish, now)
            if len(earlier) >= _MOST_FOR_AN_ADDRESS:
                raise WishRefused(f"This address has {len(earlier)} subscriptions already. Leave one of them first.")
            place = Place(self._platform, token_hex(8), kind=PlaceKind.DIRECT, private=True)
            values = asdict(self._defaults) | self._schedule(wish, now) | self._choice(wish)
            channel = await channels.add(tx, place, owner="", created_at=now, **values)
            is_new = await subscriptions.add(
                tx,
                channel.id,
                address=self._cipher.encrypt(wish.address, now),
                address_hash=hashes[0],
                content=wish.content,
                subject=subject,
                platform=wish.platform,
                workspace=wish.workspace,
                member=wish.member,
                confirmed_at=now,
            )
            if not is_new:
                raise _BegunMeanwhile
            if wish.content is Content.SEARCH:
                await topics.put(tx, channel.id, subject, muted=False, alert=False, member="", now=now)
        return place

    async def _begin_again(self, tx: AsyncConnection, stored: StoredSubscription, wish: Wish, now: datetime) -> Place:
        await subscriptions.change(tx, stored.channel_id, refusals=0, paused="")
        active = {"state": ChannelState.ACTIVE, "state_reason": ""}
        await channels.change(tx, stored.channel_id, **active, **self._schedule(wish, now))
        channel = await channels.get(tx, stored.channel_id)
        assert channel is not None
        return channel.place

    @staticmethod
    def _schedule(wish: Wish, now: datetime) -> dict[str, object]:
        """The columns of a channel that say when its digests come."""
        days = _WEEKLY_ON if wish.weekly else "daily"
        hour = Rule.of(wish.hour, days, wish.zone).after(now)
        return {
            "hour": wish.hour,
            "days": days,
            "zone": wish.zone,
            "next_due_at": hour.at,
            "next_due_on": hour.local_date,
        }

    def _choice(self, wish: Wish) -> dict[str, object]:
        """The columns of a channel that say how its papers are chosen. A search or a channel gets all that it asked
        for, and no guess."""
        if wish.content is Content.TRENDING:
            return {"titles": 0, "count": _MOST_CARDS if wish.weekly else self._defaults.count}
        return {"titles": 0, "count": _MOST_CARDS, "bar": 0.0, "bar_learned": False, "guess": False}

    def seal(self, purpose: str, *values: str) -> str:
        """A token for a link. It holds for ever, and nobody else can make or read it."""
        return self._sealed(purpose, json.dumps(values, ensure_ascii=False), self._clock())

    def open(self, purpose: str, token: str) -> list[str] | None:
        """The values in a token that was sealed for this purpose; None for anything else."""
        try:
            content = self._cipher.decrypt(token)
        except (TokensUnreadable, ValueError):
            return None
        sealed_for, _, text = content.partition(" ")
        return list(json.loads(text)) if sealed_for == purpose and purpose != _WISH else None

    def _sealed(self, purpose: str, text: str, now: datetime) -> str:
        return self._cipher.encrypt(f"{purpose} {text}", now)

    def signature(self, purpose: str, text: str) -> str:
        """A short signature of a text, of 20 letters and digits."""
        return self._cipher.fingerprints(f"{purpose} {text}")[0][:_SIGNATURE]

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        """Whether a signature is one of ours for this purpose and text."""
        hashes = self._cipher.fingerprints(f"{purpose} {text}")
        return any(compare_digest(each[:_SIGNATURE].encode(), signature.encode()) for each in hashes)

    async def address_of(self, place: Place) -> str | None:
        """The mail address of a place; None if its subscription has ended or is paused. Raises NotAccepted where no key
        opens it."""
        async with self._store.read() as tx:
            stored = await subscriptions.at(tx, self._platform, place.address)
        if stored is None or stored.paused:
            return None
        address = self._opened(stored)
        if address is None:
            raise NotAccepted("no encryption key opens the address", _KEYLESS_SECONDS)
        return address

    def _opened(self, stored: StoredSubscription) -> str | None:
        try:
            return self._cipher.decrypt(stored.address)
        except TokensUnreadable:
            return None

    async def count_unreadable(self) -> int:
        """The number of subscriptions whose address no key opens."""
        async with self._store.read() as tx:
            return sum(self._opened(each) is None for each in await subscriptions.every(tx))

    async def accepted(self, place: Place) -> None:
        """A mail was accepted: forget earlier refusals."""
        async with self._store.read() as tx:
            stored = await subscriptions.at(tx, self._platform, place.address)
        if stored and stored.refusals:
            async with self._store.write() as tx:
                await subscriptions.change(tx, stored.channel_id, refusals=0)

    async def refused(self, place: Place) -> bool:
        """A mail was refused for good. Returns whether that was once too often, and its address is paused now."""
        async with self._store.write() as tx:
            stored = await subscriptions.at(tx, self._platform, place.address)
            if stored is None:
                return False
            is_paused = await subscriptions.count_refusal(tx, stored.channel_id) >= _REFUSALS_IN_A_ROW
            if is_paused:
                await subscriptions.pause_address(tx, stored.address_hash, REFUSED)
        return is_paused

    async def bounced(self, place: Place) -> bool:
        """A mail came back: pause its address. False if there is no such subscription."""
        async with self._store.write() as tx:
            stored = await subscriptions.at(tx, self._platform, place.address)
            if stored and not stored.paused:
                await subscriptions.pause_address(tx, stored.address_hash, BOUNCED)
                await self._lose(tx, await subscriptions.of_address(tx, [stored.address_hash]))
        return stored is not None

    @staticmethod
    async def _lose(tx: AsyncConnection, stored: Sequence[StoredSubscription]) -> None:
        """Mark the channels of paused subscriptions as lost, so that no digest is made for them."""
        for each in stored:
            await channels.change_from(
                tx, each.channel_id, ChannelState.ACTIVE, state=ChannelState.LOST, state_reason=each.paused
            )

    async def end(self, place: Place) -> bool:
        """Delete a subscription with all that it has. False if there is none."""
        async with self._store.write() as tx:
            stored = await subscriptions.at(tx, self._platform, place.address)
            return stored is not None and bool(await subscriptions.delete(tx, [stored.channel_id], self._clock()))

    async def end_all_of(self, platform: str, workspace: str | None, member: str) -> int:
        """Delete the subscriptions that a member asked for. Returns their number."""
        async with self._store.write() as tx:
            stored = await subscriptions.of_member(tx, platform, workspace, member)
            return await subscriptions.delete(tx, [each.channel_id for each in stored], self._clock())

    async def count_at(self, address: str) -> int:
        """The number of subscriptions of a mail address."""
        async with self._store.read() as tx:
            return len(await subscriptions.of_address(tx, self._hashes(address)))

    async def end_all_at(self, address: str) -> int:
        """Delete the subscriptions of a mail address. Returns their number."""
        async with self._store.write() as tx:
            stored = await subscriptions.of_address(tx, self._hashes(address))
            return await subscriptions.delete(tx, [each.channel_id for each in stored], self._clock())

    async def reseal(self) -> int:
        """Encrypt all addresses with the first key, so that older keys can go. Returns how many were changed. An
        address that no key opens is left as it is."""
        async with self._store.read() as tx:
            old = [each for each in await subscriptions.every(tx) if not self._cipher.uses_first_key(each.address)]
        opened = {each: address for each in old if (address := self._opened(each))}
        if opened:
            async with self._store.write() as tx:
                for each, address in opened.items():
                    sealed = self._cipher.rotate(each.address)
                    await subscriptions.change(
                        tx, each.channel_id, address=sealed, address_hash=self._hashes(address)[0]
                    )
        return len(opened)

    def _hashes(self, address: str) -> tuple[str, ...]:
        return self._cipher.fingerprints(_address(address))


def _address(address: str) -> str:
    """An address as it is hashed. Nobody has two mailboxes whose names differ in capitals alone."""
    return f"address {address.casefold()}"
