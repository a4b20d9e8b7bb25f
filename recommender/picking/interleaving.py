"""Two learners at one digest, and which of them the members' likes favour.

Team-draft interleaving (Radlinski, Kurup & Joachims, "How does clickthrough data reflect retrieval quality?", CIKM
2008): the two pick in rounds, a coin says who goes first in each, and each takes the best of its own that is still
free. A paper belongs to the team that took it, so likes speak for teams, and neither has the better places.
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
    twins: Callable[[Item], Collection[Item]] = lambda item: (item,),
) -> list[tuple[Item, int | None]]:
    """At most `limit` items of two rankings, best first, each with the team (0 or 1) that took it.

    An item takes its `twins`, itself among them, off the table. Where one team has nothing left the other fills up, and
    what it takes then counts for nobody (None). The same seed gives the same draft.
    """
    coin = np.random.default_rng(seed)
    gone: set[Item] = set()
    took = [0, 0]
    drafted: list[tuple[Item, int | None]] = []
    while len(drafted) < limit:
        best = [[item for item in ranking if item not in gone][:1] for ranking in rankings]
        if not any(best):
            break
        first = int(coin.integers(2)) if took[0] == took[1] else int(took[0] > took[1])
        team = first if all(best) else int(not best[0])
        item = best[team][0]
        drafted.append((item, team if all(best) else None))
        took[team] += 1
        gone.update(twins(item))
    return drafted


@dataclass(frozen=True, slots=True)
class Contest:
    """How two teams did over some digests: how many each `won` by having more liked papers, how many were `tied`, and
    the liked and shown papers of each."""

    won: tuple[int, int] = (0, 0)
    tied: int = 0
    liked: tuple[int, int] = (0, 0)
    shown: tuple[int, int] = (0, 0)

    @property
    def p(self) -> float:
        """The sign test's two-sided p: how often a fair coin would part the digests that were not tied so unevenly."""
        decided = sum(self.won)
        tail = sum(comb(decided, n) for n in range(min(self.won) + 1))
        return min(1.0, float(2 * tail / 2**decided))


def contest(digests: Iterable[Sequence[tuple[int, bool]]]) -> Contest:
    """Count digests, each given as (team, whether it was liked) of its papers; one without papers of both is none."""
    won, tied, liked, shown = [0, 0], 0, [0, 0], [0, 0]
    for papers in digests:
        had = [sum(team == one for team, _ in papers) for one in (0, 1)]
        good = [sum(like for team, like in papers if team == one) for one in (0, 1)]
        if not all(had):
            continue
        if good[0] == good[1]:
            tied += 1
        else:
            won[good[1] > good[0]] += 1
        for one in (0, 1):
            liked[one] += good[one]
            shown[one] += had[one]
    return Contest((won[0], won[1]), tied, (liked[0], liked[1]), (shown[0], shown[1]))
