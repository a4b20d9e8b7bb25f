"""The posting threshold (the bar): the least percentile of a pick, learned from the outcomes of earlier picks.

The percentile of a pick was stored before anybody could react, so the threshold is never learned from the votes that
the taste was fitted to. Thresholds are percentiles among random papers, never raw scores: raw scores of two tastes do
not compare. The first paper of a digest is liked more often for its place alone (by half and more: arXiv 1802.06565),
and it also fits best, so first places are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median
from typing import NamedTuple

MIN_RELATIVE_RATE = 0.5
"""Papers whose rate of likes is below this share of the channel's rate are not worth posting."""
CONFIDENCE = 0.9
"""The probability of that from which such papers are kept out."""
PRIOR_STRENGTH = 4.0
"""Strength of the Beta prior, in papers: before any vote, papers with low percentiles are assumed to be liked at the
channel's own rate."""
MAX_LIKES_LOST = 0.1
"""The largest share of all likes that a threshold may cost."""
MEMORY = timedelta(days=90)
"""Older outcomes are forgotten, so that a threshold that keeps everything out falls again by itself."""


class PickOutcome(NamedTuple):
    """The outcome of a pick: the digest's day, the percentile when it was picked, whether anybody liked it, and its
    place among the cards, from 1."""

    day: date
    percentile: float
    liked: bool
    place: int


def learned_threshold(outcomes: Sequence[PickOutcome], start: float, today: date) -> float:
    """The least percentile of a pick: `start` until the outcomes show that low percentiles are hardly ever liked, then
    the highest percentile below which that is so.

    For each percentile, the likes below it are binomial, with a Beta prior around the channel's own rate. At least half
    of the remembered digests would have had a paper above the threshold, so a channel never falls silent for good.
    """
    from scipy.special import betainc  # takes 0.1 s to import

    recent = [outcome for outcome in outcomes if outcome.day > today - MEMORY]
    scored = sorted((outcome for outcome in recent if outcome.place > 1), key=lambda outcome: outcome.percentile)
    likes = sum(outcome.liked for outcome in scored)
    if likes in (0, len(scored)):
        return start
    rate = likes / len(scored)
    best_of_day: defaultdict[date, float] = defaultdict(float)
    for outcome in recent:
        best_of_day[outcome.day] = max(best_of_day[outcome.day], outcome.percentile)
    highest_threshold, threshold, below_liked = median(best_of_day.values()), start, 0
    for below, outcome in enumerate(scored):
        if outcome.percentile > highest_threshold or below_liked > MAX_LIKES_LOST * likes:
            break
        if outcome.percentile > threshold and (below == 0 or outcome.percentile > scored[below - 1].percentile):
            a, b = below_liked + PRIOR_STRENGTH * rate, below - below_liked + PRIOR_STRENGTH * (1 - rate)
            threshold = outcome.percentile if betainc(a, b, MIN_RELATIVE_RATE * rate) >= CONFIDENCE else threshold
        below_liked += outcome.liked
    return threshold
