"""The bar: how well a paper has to fit a channel to be posted, learned from what became of the papers posted so far.

A fit was written down when its paper was picked, before anybody could react, so nothing here judges what it learned
from. Bars are shares of random papers, never raw scores: those do not compare between two tastes. What stands first is
liked more for that alone (by half and more: arXiv 1802.06565), and it also fits best; so it has no say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median
from typing import NamedTuple

from scipy.special import betainc

WORTH = 0.5
"""Papers that are liked less than this share as often as the channel's others are not worth their place."""
SURE = 0.9
"""How sure that must be before they are kept out."""
BELIEF = 4.0
"""Papers' worth of belief, at first, that those that fit worst are liked as often as any."""
LOST = 0.1
"""Share of all likes that a bar may have cost at most."""
MEMORY = timedelta(days=90)
"""What is older is forgotten, so that a bar that keeps everything out comes down again by itself."""


class Outcome(NamedTuple):
    """What became of a posted paper: its digest's day, its fit when it was picked, whether anybody liked it, and its
    place among the cards, from 1."""

    day: date
    fit: float
    liked: bool
    place: int


def learned_bar(outcomes: Sequence[Outcome], start: float, today: date) -> float:
    """The share of random papers that a pick must beat: `start` until the outcomes show that the papers that fit worst
    are hardly ever liked, then the highest fit below which that is so.

    For each fit, the likes below it are a binomial with a Beta prior around the channel's own rate. At least half of
    the remembered digests would have had a paper above the bar, so a channel never falls silent for good.
    """
    recent = [one for one in outcomes if one.day > today - MEMORY]
    known = sorted((one for one in recent if one.place > 1), key=lambda one: one.fit)
    likes = sum(one.liked for one in known)
    if likes in (0, len(known)):
        return start
    rate = likes / len(known)
    best: defaultdict[date, float] = defaultdict(float)
    for one in recent:
        best[one.day] = max(best[one.day], one.fit)
    highest, bar, below_liked = median(best.values()), start, 0
    for below, one in enumerate(known):
        if one.fit > highest or below_liked > LOST * likes:
            break
        if one.fit > bar and (below == 0 or one.fit > known[below - 1].fit):
            a, b = below_liked + BELIEF * rate, below - below_liked + BELIEF * (1 - rate)
            bar = one.fit if betainc(a, b, WORTH * rate) >= SURE else bar
        below_liked += one.liked
    return bar
