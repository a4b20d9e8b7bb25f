"""Interleaving: two rankings share one digest, and the members' likes tell which of them is better.

Team-draft interleaving (Radlinski, Kurup & Joachims, "How does clickthrough data reflect retrieval quality?", CIKM
2008): the two arms pick in rounds, a coin decides which goes first in each round, and each takes the best paper of its
own ranking that is still free. A like counts for the arm that counts the paper, and no arm has the better places.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import comb
from typing import TypeVar

import numpy as np

Item = TypeVar("Item", bound=Hashable)


def team_draft(
    rankings: tuple[Sequence[Item], Sequence[Item]],
    limit: int,
    seed: int,
    duplicates: Callable[[Item], Collection[Item]] = lambda item: (item,),
) -> list[tuple[Item, int | None]]:
    """At most `limit` items of two rankings, best first, each with the arm (0 or 1) that counts it.

    Taking an item also removes its `duplicates`, itself among them. If one arm has no items left, the other fills up,
    and items taken then count for no arm (None). The same seed gives the same draft.
    """
    coin = np.random.default_rng(seed)
    taken: set[Item] = set()
    counts = [0, 0]
    drafted: list[tuple[Item, int | None]] = []
    while len(drafted) < limit:
        best = [[item for item in ranking if item not in taken][:1] for ranking in rankings]
        if not any(best):
            break
        first = int(coin.integers(2)) if counts[0] == counts[1] else int(counts[0] > counts[1])
        arm = first if all(best) else int(not best[0])
        item = best[arm][0]
        drafted.append((item, arm if all(best) else None))
        counts[arm] += 1
        taken.update(duplicates(item))
    return drafted


@dataclass(frozen=True, slots=True)
class ArmComparison:
    """The result of two arms over some digests: the digests that each arm `won` with more liked papers, the `tied`
    digests, and the liked and shown papers of each arm."""

    won: tuple[int, int] = (0, 0)
    tied: int = 0
    liked: tuple[int, int] = (0, 0)
    shown: tuple[int, int] = (0, 0)

    @property
    def p(self) -> float:
        """The two-sided p of the sign test: the probability that a fair coin splits the untied digests so unevenly."""
        decided = sum(self.won)
        tail = sum(comb(decided, n) for n in range(min(self.won) + 1))
        return min(1.0, float(2 * tail / 2**decided))


def compare_arms(digests: Iterable[Sequence[tuple[int, bool]]]) -> ArmComparison:
    """Compare the arms over digests, each given as (arm, liked) of its papers. Digests without papers of both are
    skipped."""
    won, tied, liked, shown = [0, 0], 0, [0, 0], [0, 0]
    for papers in digests:
        had = [sum(arm == one for arm, _ in papers) for one in (0, 1)]
        good = [sum(like for arm, like in papers if arm == one) for one in (0, 1)]
        if not all(had):
            continue
        if good[0] == good[1]:
            tied += 1
        else:
            won[good[1] > good[0]] += 1
        for one in (0, 1):
            liked[one] += good[one]
            shown[one] += had[one]
    return ArmComparison((won[0], won[1]), tied, (liked[0], liked[1]), (shown[0], shown[1]))
