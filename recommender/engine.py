"""Recommender: papers in, hits and picks out. Only wiring; the work is done in the packages beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from recommender.index.snapshot import Rows, Snapshot
from recommender.index.writer import Index
from recommender.learning.duplicates import DuplicateFinder
from recommender.learning.features import Features
from recommender.learning.labels import utc
from recommender.learning.learner import Learner
from recommender.learning.scoring import (
    Candidates,
    ScoredCandidates,
    gather_candidates,
    score_candidates,
    score_for_channels,
)
from recommender.learning.similar import SimilarPapers
from recommender.learning.taste import TasteModel
from recommender.paper import Paper
from recommender.picking.baselines import Baseline
from recommender.picking.picks import Picker, PickOptions, best_first, ranked
from recommender.picking.reasons import summary
from recommender.search.completion import Completer
from recommender.search.lexicon import Lexicon
from recommender.search.query import parse
from recommender.search.rewriting import QueryRewriter
from recommender.search.searcher import Searcher
from recommender.values import (
    Completion,
    Explanation,
    Feedback,
    Hit,
    Pick,
    Profile,
    QueryInterpretation,
    Ranked,
    Recommendation,
    Standing,
    Taste,
)

FOR_US_AMONG = 200
"""The number of search results that a channel's taste reorders."""
_KEPT_CANDIDATES, _MOST_KEPT_CANDIDATES = 4, 5_000
"""Sets of candidates that are kept, since nearly all channels of an hour have one of few; and the most papers of such a
set, about 2 KB each."""
_MISSPELT = "papre author:knuht"
"""A query whose correction needs all that a search may need."""
_BLOCK = 100
"""Channels that are ranked for at once: more would not fit in a processor's cache."""


class _View:
    """Everything that is computed once per snapshot."""

    def __init__(self, snapshot: Snapshot, estimator: Any, report: Callable[[str], None] | None) -> None:
        self.snapshot = snapshot
        self._estimator, self._report = estimator, report
        self._kept_candidates = lru_cache(_KEPT_CANDIDATES)(self._gather)
        self.searcher = Searcher(snapshot)
        self.lexicon = Lexicon(snapshot)
        self.rewriter = QueryRewriter(snapshot, self.searcher, self.lexicon)

    def candidates(self, ids: Iterable[str], today: date | None) -> Candidates:
        """The candidates with these ids, in ascending order. ValueError for an unknown one."""
        in_order = tuple(sorted(set(ids)))  # so that their order never matters
        gather = self._gather if len(in_order) > _MOST_KEPT_CANDIDATES else self._kept_candidates
        return gather(in_order, today)

    def _gather(self, ids: tuple[str, ...], today: date | None) -> Candidates:
        return gather_candidates(self.snapshot, self.features, ids, _known(self.snapshot, ids), today)

    @cached_property
    def completer(self) -> Completer:
        return Completer(self.snapshot, self.lexicon)

    @cached_property
    def duplicate_finder(self) -> DuplicateFinder:
        return DuplicateFinder(self.snapshot)

    @cached_property
    def features(self) -> Features:
        return Features(self.snapshot)

    @cached_property
    def similar_papers(self) -> SimilarPapers:
        return SimilarPapers(self.features, self.searcher)

    @cached_property
    def learner(self) -> Learner:
        return Learner(self.snapshot, self.features, self.searcher, self._estimator, self._report)


class Recommender:
    """An index of papers that answers searches and recommends papers.

    In memory; `Recommender.open` keeps the index in a folder. Methods that only read may run in any thread while one
    thread adds; each sees the index as it was before or after, never between.
    """

    _is_pinned = False

    def __init__(self) -> None:
        self._use(Index())

    @classmethod
    def open(cls, folder: str | Path, patience: float = 5.0) -> Recommender:
        """The index kept in `folder`, made when there is none. `patience` is how many seconds `add` and `discard` wait
        for another process that writes (then IndexBusyError). Raises CorruptIndexError, NewerIndexError."""
        engine = cls.__new__(cls)
        engine._use(Index(Path(folder), patience))
        return engine

    def with_estimator(self, estimator: Any, report: Callable[[str], None] | None = None) -> Recommender:
        """A recommender over the same index whose tastes another classifier learns, as soon as there are likes: an
        unfitted estimator with fit(X, y, sample_weight), and decision_function or predict_proba. None is the solver of
        this package. Where the estimator fails, that solver goes on, and `report` is called with a sentence that says
        why."""
        engine = type(self).__new__(type(self))
        engine._use(self._index, estimator, report)
        return engine

    def pinned(self) -> Recommender:
        """A recommender over the index as it is now, for reading: papers that are added or discarded later change none
        of its answers."""
        pinned = type(self).__new__(type(self))
        pinned._index, pinned._estimator, pinned._report = self._index, self._estimator, self._report
        pinned._view, pinned._is_pinned = self._now(), True
        return pinned

    def prepare(self, paper_ids: Iterable[str]) -> None:
        """Compute the features of papers that tastes will be learned from: of all at once, which takes a fraction of
        the time. Ids that are not in the index are ignored."""
        view = self._now()
        papers = view.snapshot.find(sorted(set(paper_ids)))
        view.features.matrix(papers[papers >= 0])

    @property
    def features(self) -> Features:
        """The features of papers over the index as it is now."""
        return self._now().features

    def __sklearn_clone__(self) -> Recommender:
        """This recommender itself. An estimator that has it as a parameter is cloned without copying its papers."""
        return self

    def _use(self, index: Index, estimator: Any = None, report: Callable[[str], None] | None = None) -> None:
        self._index, self._estimator, self._report = index, estimator, report
        self._view = _View(index.snapshot, estimator, report)

    @property
    def marker(self) -> str | None:
        """The marker of the last `add` that had one."""
        return self._now().snapshot.marker

    def __len__(self) -> int:
        return self._now().snapshot.live

    def __contains__(self, paper_id: object) -> bool:
        return isinstance(paper_id, str) and bool(self._now().snapshot.find([paper_id])[0] >= 0)

    def known(self, paper_ids: Sequence[str]) -> list[str]:
        """The given papers that are in the index, in their order."""
        found = self._now().snapshot.find(paper_ids) >= 0
        return [paper_id for paper_id, there in zip(paper_ids, found.tolist(), strict=True) if there]

    def add(self, papers: Iterable[Paper], marker: str | None = None) -> None:
        """Index papers, those already known replaced, and the `marker` with them: all of it, or on any error nothing.
        Raises IndexBusyError while another process writes, OSError when the disk is full."""
        self._index.add(papers, marker)

    def discard(self, paper_ids: Iterable[str]) -> None:
        """Forget papers; unknown ids are ignored."""
        self._index.discard(paper_ids)

    def refresh(self) -> bool:
        """Load what another process has added. True if there was anything; cheap if not."""
        return self._index.refresh()

    def search(
        self,
        query: str,
        limit: int = 10,
        offset: int = 0,
        feedback: Sequence[Feedback] = (),
        topics: Sequence[str] = (),
    ) -> list[Hit]:
        """Papers that match the query (see search/query.py), best first. With `feedback` or `topics` ("for us") the
        channel's taste reorders the best FOR_US_AMONG. No query raises."""
        view = self._now()
        wanted, _ = view.rewriter.rewrite(parse(query))
        ours = bool(feedback or topics)
        limit, offset = max(limit, 0), max(offset, 0)
        found = view.searcher.find(wanted, max(FOR_US_AMONG if ours else 0, offset + limit))
        papers, scores = found.papers, found.scores
        if ours and len(papers):
            taste = view.learner.fit(_profile(feedback, topics), None)
            # The probability of a like, not the percentile, which is 1 for all papers of one liked subject.
            log_odds = taste.decision_function(view.features.matrix(papers)) if taste.has_likes else -np.inf
            liked = np.exp(-np.logaddexp(0, -log_odds))
            scores = (scores / max(float(scores.max()), 1e-9) + liked).astype(np.float32)
            order = best_first(scores)
            papers, scores = papers[order], scores[order]
        shown = slice(offset, offset + limit)
        return _hits(view.snapshot, papers[shown], scores[shown])

    def matching(self, query: str, candidates: Sequence[str]) -> list[Hit]:
        """The candidates that satisfy the whole query, best first; ValueError for an unknown candidate.

        A search also finds papers with only some of the words, which is good for a person but too much for a topic.
        """
        view = self._now()
        ids = sorted(set(candidates))
        papers = _known(view.snapshot, ids)
        strength = view.searcher.strength(parse(query), papers)
        order = [at for at in best_first(strength) if strength[at] > 0]
        return [Hit(ids[at], float(strength[at])) for at in order]

    def interpret(self, query: str) -> QueryInterpretation:
        """How `search` interprets the query: its corrections, and the parts that it leaves out."""
        return self._now().rewriter.rewrite(parse(query))[1]

    def complete(self, text: str, queries: int = 5, papers: int = 20) -> Completion:
        """Completions of a query that is still being typed. No text raises."""
        return self._now().completer.complete(text, max(queries, 0), max(papers, 0))

    def similar(self, paper: str | Paper, limit: int = 10) -> list[Hit]:
        """The papers nearest to a paper (see learning/similar.py), without itself. The paper is given by its id, or as
        a value if it is not in the index. ValueError for an unknown id."""
        view = self._now()
        near_to = paper if isinstance(paper, Paper) else int(_known(view.snapshot, [paper])[0])
        return _hits(view.snapshot, *view.similar_papers.similar(near_to, limit))

    def warm_up(self) -> None:
        """Do what the first calls of `search`, `interpret` and `similar` would do over the index as it is now: two
        seconds of work for 80,000 papers, nothing if it was done."""
        view = self._now()
        view.rewriter.rewrite(parse(_MISSPELT))
        view.similar_papers.prepare()

    def duplicates(self, candidates: Iterable[str], others: Iterable[str]) -> dict[str, set[str]]:
        """The candidates that are the same work as one of the `others` under another title and id (see
        learning/duplicates.py), each with these others. Ids that are not in the index are ignored."""
        view = self._now()
        ids, other_ids = self.known(sorted(set(candidates))), self.known(sorted(set(others)))
        papers, other_papers = view.snapshot.find(ids), view.snapshot.find(other_ids)
        found: dict[str, set[str]] = {}
        for at, other in view.duplicate_finder.pairs(papers, other_papers):
            found.setdefault(ids[at], set()).add(other_ids[other])
        return found

    def alike(self, candidates: Iterable[str]) -> set[str]:
        """The candidates that may be much like another one: no other one is in `copies_among` any of the candidates."""
        view = self._now()
        ids = self.known(sorted(set(candidates)))
        return {ids[at] for at in np.flatnonzero(view.duplicate_finder.alike(view.snapshot.find(ids)))}

    def copies_among(self, candidates: Sequence[str]) -> set[str]:
        """The candidates that have the abstract of an earlier one of them. Ids that are not in the index are
        ignored."""
        view = self._now()
        papers = view.snapshot.find(candidates)
        known = np.flatnonzero(papers >= 0)
        return {candidates[at] for at in known[view.duplicate_finder.copies_among(papers[known])]}

    def rank(
        self,
        feedback: Sequence[Feedback],
        candidates: Sequence[str],
        topics: Sequence[str] = (),
        now: datetime | None = None,
        neighbours: Sequence[Feedback] = (),
    ) -> list[Ranked]:
        """All candidates, best first, by what the taste believes, without guesses. ValueError for an unknown
        candidate."""
        return ranked(self._scored(self._now(), _profile(feedback, topics, neighbours), candidates, now)[1])

    def rank_many(
        self,
        channels: Iterable[tuple[Sequence[Feedback], Sequence[str]]],
        candidates: Sequence[str],
        limit: int,
        now: datetime | None = None,
    ) -> Iterator[list[Ranked]]:
        """The first `limit` results of `rank` for each of many channels, given by feedback and topics. Channels are
        ranked in blocks, which takes a fraction of the time. ValueError for an unknown candidate."""
        view, channels = self._now(), iter(channels)
        gathered = view.candidates(candidates, _day(now))
        while block := list(islice(channels, _BLOCK)):
            tastes = [view.learner.fit(_profile(*known), now) for known in block]
            for scores in score_for_channels(view.learner, tastes, gathered).T:
                best = best_first(scores)[:limit].tolist()
                yield [Ranked(gathered.ids[at], float(scores[at])) for at in best]

    def recommend(
        self,
        profile: Profile,
        candidates: Sequence[str],
        options: PickOptions,
        titles: int = 0,
        now: datetime | None = None,
    ) -> Recommendation:
        """The content of a digest: the picks of `pick` and at most `titles` titles of `list_titles`, from one fit of
        the taste. ValueError for an unknown candidate."""
        return self._picker(profile, candidates, now).recommend(options, titles)

    def assess(
        self,
        paper_id: str,
        profile: Profile,
        candidates: Sequence[str],
        options: PickOptions,
        now: datetime | None = None,
    ) -> tuple[Explanation, Standing]:
        """Why one of the candidates would or would not be picked, and its standing among them, from one fit of the
        taste. ValueError for a paper that is unknown or not among them."""
        if paper_id not in candidates:
            raise ValueError(f"No candidate {paper_id!r}.")
        picker = self._picker(profile, candidates, now)
        return picker.explain(paper_id), picker.standing(paper_id, options)

    def pick(
        self,
        feedback: Sequence[Feedback],
        candidates: Sequence[str],
        limit: int,
        topics: Sequence[str] = (),
        now: datetime | None = None,
        seed: int = 0,
        bar: float = 0.0,
        neighbours: Sequence[Feedback] = (),
        baseline: Baseline | None = None,
    ) -> list[Pick]:
        """The papers to post: at most `limit` candidates, best first, with reasons; a guess comes last.

        `bar` (0…1) is the percentile below which nothing is posted. It does not apply before anything is liked or
        subscribed: until then the picks are new, popular, and spread by the seed. With a `baseline` the digest is
        shared, as soon as there is a taste. ValueError for an unknown candidate.
        """
        picker = self._picker(_profile(feedback, topics, neighbours), candidates, now)
        return picker.pick(PickOptions(limit, seed, bar, baseline))

    def list_titles(
        self,
        feedback: Sequence[Feedback],
        candidates: Sequence[str],
        picked: Sequence[str],
        limit: int,
        topics: Sequence[str] = (),
        now: datetime | None = None,
        seed: int = 0,
        neighbours: Sequence[Feedback] = (),
    ) -> list[Ranked]:
        """The titles to list below the `picked` candidates: at most `limit` others, the next best first and a little
        spread. No bar applies: where the taste errs, a vote teaches most. ValueError for an unknown candidate."""
        picker = self._picker(_profile(feedback, topics, neighbours), [*candidates, *picked], now)
        return picker.list_titles(picked, limit, seed)

    def explain(
        self,
        paper_id: str,
        feedback: Sequence[Feedback],
        topics: Sequence[str] = (),
        now: datetime | None = None,
        neighbours: Sequence[Feedback] = (),
    ) -> Explanation:
        """Why the paper would or would not be picked; ValueError for an unknown id."""
        return self._picker(_profile(feedback, topics, neighbours), [paper_id], now).explain(paper_id)

    def taste(self, feedback: Sequence[Feedback], topics: Sequence[str] = (), now: datetime | None = None) -> Taste:
        """The channel's likes and dislikes in words."""
        view = self._now()
        return summary(view.features, view.learner.fit(_profile(feedback, topics), now))

    def _now(self) -> _View:
        view = self._view
        if not self._is_pinned and view.snapshot is not self._index.snapshot:
            view = self._view = _View(self._index.snapshot, self._estimator, self._report)
        return view

    def _picker(self, profile: Profile, candidates: Sequence[str], now: datetime | None) -> Picker:
        view = self._now()
        return Picker(view.features, *self._scored(view, profile, candidates, now))

    @staticmethod
    def _scored(
        view: _View, profile: Profile, candidates: Sequence[str], now: datetime | None
    ) -> tuple[TasteModel, ScoredCandidates]:
        gathered = view.candidates(candidates, _day(now))
        taste = view.learner.fit(profile, now)
        return taste, score_candidates(view.learner, taste, gathered)


def _day(now: datetime | None) -> date | None:
    return utc(now).date() if now else None


def _profile(feedback: Sequence[Feedback], topics: Sequence[str], neighbours: Sequence[Feedback] = ()) -> Profile:
    return Profile(tuple(feedback), tuple(topics), tuple(neighbours))


def _known(snapshot: Snapshot, ids: Sequence[str]) -> Rows:
    papers = snapshot.find(ids)
    missing = np.flatnonzero(papers < 0)
    if len(missing):
        raise ValueError(f"No paper {ids[missing[0]]!r} in the index.")
    return papers


def _hits(snapshot: Snapshot, papers: Rows, scores: Iterable[float]) -> list[Hit]:
    return [Hit(snapshot.id_of(paper), float(score)) for paper, score in zip(papers.tolist(), scores, strict=True)]
