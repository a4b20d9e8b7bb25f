"""What a channel gets when it is new."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.messages import Style


@dataclass(frozen=True, slots=True)
class ChannelDefaults:
    """The values of a new channel's row: its schedule, how many cards and titles, the bar, the guess and the style.
    The fields are named as the columns of the table `channels`."""

    hour: str
    days: str
    zone: str
    count: int
    bar: float
    guess: bool
    style: Style
    titles: int
