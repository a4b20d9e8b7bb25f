"""Recommender: papers in, hits and picks out. Wiring only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from recommender.paper import Paper
from recommender.values import Explanation, Feedback, Hit, Pick, Ranked, Reason, Taste, Understood


class Recommender:
    """An index of papers, and what to make of it. In memory; `Recommender.open` keeps the index on disk."""

    def __init__(self) -> None:
        self._words: dict[str, set[str]] = {}
        self._marker: str | None = None

    @classmethod
    def open(cls, folder: str | Path) -> Recommender:
        """The index kept in `folder`, made when there is none."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        return cls()

    @property
    def marker(self) -> str | None:
        """What the last `add` was marked with."""
        return self._marker

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, paper_id: object) -> bool:
        return paper_id in self._words

    def add(self, papers: Iterable[Paper], marker: str | None = None) -> None:
        """Index papers; one already known is replaced."""
        for paper in papers:
            self._words[paper.id] = set(re.findall(r"\w+", f"{paper.title} {paper.abstract}".casefold()))
        self._marker = marker if marker is not None else self._marker

    def discard(self, ids: Iterable[str]) -> None:
        """Forget papers; unknown ids are ignored."""
        for paper_id in ids:
            self._words.pop(paper_id, None)

    def refresh(self) -> bool:
        """Take up what another process has added; True when there was something."""
        return False

    def search(
        self,
        query: str,
        limit: int = 10,
        offset: int = 0,
        feedback: Sequence[Feedback] = (),
        topics: Sequence[str] = (),
    ) -> list[Hit]:
        """Papers that match the query, best first."""
        wanted = set(re.findall(r"\w+", query.casefold()))
        hits = [Hit(i, float(len(wanted & words))) for i, words in self._words.items() if wanted & words]
        return sorted(hits, key=lambda hit: (-hit.score, hit.paper_id))[offset : offset + limit]

    def understand(self, query: str) -> Understood:
        """How `search` reads the query."""
        return Understood(query)

    def similar(self, paper_id: str, limit: int = 10) -> list[Hit]:
        """Papers nearest to a known one, without itself; ValueError for an unknown id."""
        self._require([paper_id])
        found = self.search(" ".join(self._words[paper_id]), limit + 1)
        return [hit for hit in found if hit.paper_id != paper_id][:limit]

    def rank(
        self,
        feedback: Sequence[Feedback],
        candidates: Sequence[str],
        topics: Sequence[str] = (),
        now: datetime | None = None,
    ) -> list[Ranked]:
        """All candidates, best first: what is believed, without guesses. ValueError for an unknown candidate."""
        self._require(candidates)
        liked: Counter[str] = Counter()
        for vote in feedback:
            for word in self._words.get(vote.paper_id, ()):
                liked[word] += 1 if vote.value > 0 else -1
        for topic in topics:
            for word in re.findall(r"\w+", topic.casefold()):
                liked[word] += -100 if topic.startswith("-") else 100
        scored = [Ranked(i, float(sum(liked[w] for w in self._words[i]))) for i in dict.fromkeys(candidates)]
        return sorted(scored, key=lambda ranked: (-ranked.score, ranked.paper_id))

    def pick(
        self,
        feedback: Sequence[Feedback],
        candidates: Sequence[str],
        limit: int,
        topics: Sequence[str] = (),
        now: datetime | None = None,
        seed: int = 0,
        bar: float = 0.0,
    ) -> list[Pick]:
        """What to post: at most `limit` candidates, best first."""
        ranked = self.rank(feedback, candidates, topics, now)[:limit]
        return [
            Pick(r.paper_id, r.score, (Reason(tuple(sorted(self._words[r.paper_id])[:3])),), False, 1.0) for r in ranked
        ]

    def explain(
        self, paper_id: str, feedback: Sequence[Feedback], topics: Sequence[str] = (), now: datetime | None = None
    ) -> Explanation:
        """Why the paper would or would not be picked; ValueError for an unknown id."""
        [ranked] = self.rank(feedback, [paper_id], topics, now)
        return Explanation(paper_id, ranked.score, 1.0)

    def taste(self, feedback: Sequence[Feedback], topics: Sequence[str] = (), now: datetime | None = None) -> Taste:
        """What the channel likes and dislikes, in words."""
        return Taste(votes=len(feedback), members=len({vote.member for vote in feedback}))

    def _require(self, ids: Iterable[str]) -> None:
        for paper_id in ids:
            if paper_id not in self._words:
                raise ValueError(f"No paper {paper_id!r} in the index.")
