"""How the picks of a channel's digest are chosen."""

from __future__ import annotations

import zlib
from datetime import date

from bot.store.channels import Channel
from recommender import Baseline, PickOptions


def pick_options(channel: Channel, day: date, bar: float, baseline: Baseline | None) -> PickOptions:
    """How the channel's picks of a day are chosen; the same day has the same draws."""
    seed = zlib.crc32(f"{channel.id} {day}".encode())
    return PickOptions(channel.count, seed, bar, baseline, channel.guess)
