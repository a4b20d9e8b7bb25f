"""What one member can do to a channel's cards, on its own or with many accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from recommender import Feedback, Recommender
from tests.benchmarks.corpus import papers
from tests.benchmarks.figures import Figure

MEMBERS, LIKES, LOUD, CARDS, DRAWS = 5, 8, 10_000, 10, 10
"""Members of the team and likes of each; votes of the one who is loud; cards looked at, and channels drawn."""
_CANDIDATES = 100
"""Of each of the two subjects, every day."""
_MEANT_FOR_TEAM = 0.5
_NOW = datetime(2025, 12, 1, tzinfo=UTC)


def run(file: Path, folder: Path) -> list[Figure]:
    """Over the index in `folder`, with papers of the two largest categories of `file` for what a team and a single
    member like: how many of the cards are not the team's, beside half of them."""
    by_category: dict[str, list[str]] = defaultdict(list)
    for paper in papers(file):
        for category in paper.categories[:1]:
            by_category[category].append(paper.id)
    ours, theirs, *_ = sorted(by_category.values(), key=len, reverse=True)
    engine = Recommender.open(folder)
    taken: dict[str, list[float]] = defaultdict(list)
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        team, other = ([some[n] for n in rng.permutation(len(some))] for some in (ours, theirs))
        candidates = [*team[:_CANDIDATES], *other[:_CANDIDATES]]
        loved, foreign = team[_CANDIDATES : _CANDIDATES + MEMBERS * LIKES], other[_CANDIDATES:]
        liked = [vote for m in range(MEMBERS) for vote in _votes(loved[m::MEMBERS], f"member{m}")]
        attacks = {
            "nobody": [],
            "10,000 likes of one member": _votes(foreign[:LOUD], "loud"),
            "dislikes of all that is liked": _votes(loved, "against", -1.0),
        }
        for name, attack in attacks.items():
            picks = engine.pick([*liked, *attack], candidates, CARDS, now=_NOW, seed=seed)
            assert len(picks) == CARDS
            assert all(np.isfinite(pick.score) for pick in picks)
            taken[name].append(sum(pick.paper_id in set(other[:_CANDIDATES]) for pick in picks) / CARDS)
    return [
        Figure(f"cards turned by {name} (half)", float(np.mean(share)), _MEANT_FOR_TEAM, "", 1.0)
        for name, share in taken.items()
    ]


def _votes(paper_ids: Sequence[str], member: str, value: float = 1.0) -> list[Feedback]:
    return [Feedback(one, value, _NOW - timedelta(minutes=n), member) for n, one in enumerate(paper_ids)]
