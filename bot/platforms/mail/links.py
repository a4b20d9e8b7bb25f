"""The addresses in mails: each holds a sealed token, which nobody else can make."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.messages import Place, PlaceKind
from bot.model.text import cut
from bot.ports.subscriptions import Subscriptions

NAME = "mail"
_OFF, _VOTE, _RETURN = "off", "vote", "return"
"""The purposes of tokens."""
_TITLE = 70
"""Characters of a paper's title in a token."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What a link for a vote stands for: 1 for a paper, -1 against it, 0 for none."""

    place: Place
    paper_id: str
    title: str
    value: int


def place_of(address: str) -> Place:
    """The place of a subscription."""
    return Place(NAME, address, kind=PlaceKind.DIRECT, private=True)


class MailLinks:
    """Makes and reads the tokens of links. `page_url` is the address of the page as readers reach it. `bounces` is the
    address that mails come back to, "" for that of the sender."""

    def __init__(self, subscriptions: Subscriptions, page_url: str, bounces: str = "") -> None:
        self.page_url = page_url
        self._subscriptions, self._bounces = subscriptions, bounces

    def confirm_url(self, token: str) -> str:
        """The address of the page that confirms a wish."""
        return f"{self.page_url}/mail/confirm/{token}"

    def off_url(self, place: Place) -> str:
        """The address of the page that ends a subscription."""
        return f"{self.page_url}/mail/off/{self._subscriptions.seal(_OFF, place.address)}"

    def place_to_end(self, token: str) -> Place | None:
        """The place whose subscription a token ends."""
        values = self._subscriptions.open(_OFF, token)
        return place_of(values[0]) if values else None

    def vote_token(self, vote: Vote) -> str:
        """The token of a vote."""
        return self._subscriptions.seal(
            _VOTE, vote.place.address, vote.paper_id, cut(vote.title, _TITLE), str(vote.value)
        )

    def vote_url(self, vote: Vote) -> str:
        """The address of the page for a vote."""
        return f"{self.page_url}/mail/vote/{self.vote_token(vote)}"

    def vote_of(self, token: str) -> Vote | None:
        """The vote that a token stands for."""
        values = self._subscriptions.open(_VOTE, token)
        return Vote(place_of(values[0]), values[1], values[2], int(values[3])) if values else None

    def return_address(self, place: Place) -> str:
        """The address that mails to a place come back to, "" for that of the sender. It tells which place it was."""
        local_part, _, domain = self._bounces.rpartition("@")
        return f"{local_part}+{self.return_token(place)}@{domain}" if domain else ""

    def return_token(self, place: Place) -> str:
        """The token of a mail that comes back. It is short: 64 characters may stand before the @."""
        return f"{place.address}.{self._subscriptions.signature(_RETURN, place.address)}"

    def place_of_return(self, token: str) -> Place | None:
        """The place whose mail came back."""
        address, _, signature = token.partition(".")
        return place_of(address) if self._subscriptions.is_signed(_RETURN, address, signature) else None
