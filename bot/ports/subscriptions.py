"""The third port: what a platform for mail needs to know of its subscriptions, and the command in chat of mail."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from bot.model.messages import Place
from bot.model.subscriptions import Wish


class TooManyConfirmations(Exception):
    """An address was sent as many confirmations as it may get in a day."""


class WishRefused(Exception):
    """A wish can't be fulfilled. The text is for the person who has it, and says what would help."""


class Subscriptions(Protocol):
    """The stored subscriptions, and the sealed tokens in links of mails."""

    async def check(self, wish: Wish) -> None:
        """Raise WishRefused for a wish that can't be fulfilled now, whoever's address it names."""
        ...

    async def request(self, wish: Wish) -> str:
        """A token that confirms a wish within two days. Raises TooManyConfirmations and WishRefused."""
        ...

    def wish_of(self, token: str) -> Wish | None:
        """The wish that a token confirms; None for anything else, and for a token that is too old."""
        ...

    async def confirm(self, wish: Wish) -> Place:
        """Begin a subscription, or begin it again with another schedule. Raises WishRefused."""
        ...

    def seal(self, purpose: str, *values: str) -> str:
        """A token for a link. It holds for ever, and nobody else can make or read it."""
        ...

    def open(self, purpose: str, token: str) -> list[str] | None:
        """The values in a token that was sealed for this purpose; None for anything else."""
        ...

    def signature(self, purpose: str, text: str) -> str:
        """A short signature of a text, of 20 letters and digits."""
        ...

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        """Whether a signature is one of ours for this purpose and text."""
        ...

    async def address_of(self, place: Place) -> str | None:
        """The mail address of a place; None if its subscription has ended or is paused. Raises NotAccepted where no key
        opens it."""
        ...

    async def accepted(self, place: Place) -> None:
        """A mail was accepted: forget earlier refusals."""
        ...

    async def refused(self, place: Place) -> bool:
        """A mail was refused for good. Returns whether that was once too often, and its address is paused now."""
        ...

    async def bounced(self, place: Place) -> bool:
        """A mail came back: pause its address. False if there is no such subscription."""
        ...

    async def end(self, place: Place) -> bool:
        """Delete a subscription with all that it has. False if there is none."""
        ...

    async def end_all_of(self, platform: str, workspace: str | None, member: str) -> int:
        """Delete the subscriptions that a member asked for. Returns their number."""
        ...


@runtime_checkable
class Subscribing(Protocol):
    """A platform whose places begin with a request and a confirmation by their owner."""

    async def request(self, wish: Wish) -> None:
        """Send a confirmation to the address of a wish. Raises TooManyConfirmations, WishRefused and PlatformErrors."""
        ...

    async def end_all_of(self, platform: str, workspace: str | None, member: str) -> int:
        """End the subscriptions that a member asked for. Returns their number."""
        ...
