"""How the picks of a channel's digest are chosen."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import date

from bot.store.channels import Channel
from recommender import Baseline, Pick, PickOptions, Reason, ReasonBasis


def pick_options(channel: Channel, day: date, bar: float, baseline: Baseline | None) -> PickOptions:
    """How the channel's picks of a day are chosen; the same day has the same draws."""
    seed = zlib.crc32(f"{channel.id} {day}".encode())
    return PickOptions(channel.count, seed, bar, baseline, channel.guess)


def upvoted_first(upvoted: Sequence[str], picks: Sequence[Pick], most: int) -> tuple[Pick, ...]:
    """The most upvoted papers as picks, and where there are fewer than wanted, others behind them."""
    popular = [Pick(paper_id, 0.0, (Reason((), basis=ReasonBasis.POPULAR),)) for paper_id in upvoted]
    return (*popular, *(pick for pick in picks if pick.paper_id not in upvoted))[:most]
