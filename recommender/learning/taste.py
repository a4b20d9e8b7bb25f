"""From feedback and topics to what a channel likes: one logistic regression, and what each paper did to it.

A taste is a pure function of feedback, topics and the index: nothing is kept between two calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import CATEGORY_SIGN
from recommender.learning.features import MEANING_WEIGHT, Features
from recommender.learning.labels import Verdicts, utc, verdicts
from recommender.learning.logistic import LogisticModel, fit
from recommender.learning.matrix import FeatureMatrix, vstack
from recommender.learning.preferences import Source, Wish, read_topic, read_votes
from recommender.learning.prior import Community
from recommender.search.searcher import Searcher
from recommender.values import Profile

REGULARIZATION_C = 3.0
"""C of the regression: what a row may cost beside the length of the weights."""
BACKGROUND = 300
"""Random papers that stand for everything nobody has seen; as many again, unseen by the fit, are its yardstick."""
BACKGROUND_WEIGHT = 10.0
SILENCE_WEIGHT = 1.0
MOST_SILENCE = 2.0
"""What all silences count together at most, beside all likes: a channel's few likes are not drowned by its silences."""
LIKENESS = 0.5
"""Added to the score of a paper that means just the same as one that was liked."""
TOPIC_WEIGHT = 1.0
TOPIC_MATCHES = 10
"""Papers found by a topic that together count as much as the topic's own words."""
TOPIC_BOOST = 2.0
"""Added to the score of a paper that has every word of a topic, in full if it could not match better."""
VOTE_BOOST = 1.0
"""The same for each vote on words: what members ask for is seen at once, however rarely the words are met."""
FIRST_SAY = np.float32(4.0)
"""What others like counts so much more before the channel's first like: there is nothing else to go by (measured in
docs/how-it-learns.md)."""
MUTE = 100.0
"""Taken from the score of a paper that a muting topic matches."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Learned:
    """A channel's taste. `rows` are what it was learned from; the first of them were `taught` by one teacher each (the
    rest is background), and `liked` says which of those are to be liked. Teachers are the wishes `named`, and then the
    `papers`, which stand at the places `heard` in the `verdicts`. `yardstick` are random papers, which of them it never
    saw (`unseen`), and what the wishes add to them (`lifted`); `warm` says whether anything was liked."""

    rows: FeatureMatrix
    named: tuple[Source, ...]
    papers: Rows
    heard: Rows
    taught: Rows
    liked: slice
    model: LogisticModel
    yardstick: FeatureMatrix
    unseen: NDArray[np.bool_]
    lifted: Floats
    wishes: tuple[Wish, ...]
    verdicts: Verdicts
    warm: bool

    def source(self, teacher: int) -> Source:
        """The teacher of that number, as reasons name it."""
        if teacher < len(self.named):
            return self.named[teacher]
        return Source(self.verdicts.paper_ids[int(self.heard[teacher - len(self.named)])])

    @property
    def teachers(self) -> int:
        """How many teachers there are."""
        return len(self.named) + len(self.heard)

    def margins(self, rows: FeatureMatrix) -> Floats:
        """What is believed of papers without the wishes: the model's log odds, and likeness to what was liked."""
        return rows.dot(self.model.weights) + np.float32(self.model.bias) + self.likeness(rows.dense)

    def likeness(self, meaning: Floats) -> Floats:
        """What it adds to each row that its `meaning` is near to that of one liked row: where tastes have several sides
        the nearest like tells more than all of them together."""
        liked = self._likes.dense
        if not len(liked):
            return np.zeros(len(meaning), np.float32)
        nearness: Floats = (liked @ meaning.T).max(axis=0) * np.float32(LIKENESS / MEANING_WEIGHT**2)
        return nearness

    def brought(self, row: Floats) -> Floats:
        """What each row taught adds, (taught,), to the score of a paper given in full: nothing, if it was not liked."""
        brought = np.zeros(len(self.taught), np.float32)
        if len(self._likes):
            meaning = row[self.rows.sparse.shape[1] :]
            by_liked = self._likes.dot(row) * self.model.dual_coef[self.liked]
            by_liked[(self._likes.dense @ meaning).argmax()] += self.likeness(meaning[None])[0]
            brought[self.liked] = by_liked
        return brought

    @cached_property
    def _likes(self) -> FeatureMatrix:
        return self.rows[self.liked]

    def doubt(self, row: Floats) -> float:
        """How unsure the model is of the margin of a paper given in full: its standard deviation, by the diagonal of
        the Hessian (Laplace)."""
        return float(np.sqrt((row * row) @ self._variance))

    @cached_property
    def _variance(self) -> Floats:
        """How unsure the model is of each of its weights."""
        variance: Floats = np.reciprocal(1 + self.rows.squared().rmatvec(self.model.curvature))
        return variance

    @cached_property
    def scale(self) -> Floats:
        """The scores of papers never seen, ascending."""
        return np.sort((self.margins(self.yardstick) + self.lifted)[self.unseen])

    def fit_of(self, scores: Floats) -> Floats:
        """Share of papers never seen that score lower, for each score."""
        if not len(self.scale):
            return np.ones(len(scores), np.float32)
        return (np.searchsorted(self.scale, scores, "left") / len(self.scale)).astype(np.float32)


class _Examples(NamedTuple):
    """Rows to learn from beside papers of the index: their sources and their weights."""

    rows: FeatureMatrix
    sources: list[Source]
    weights: list[float]

    def beside(self, others: _Examples) -> _Examples:
        """These and others."""
        rows = vstack([self.rows, others.rows])
        return _Examples(rows, [*self.sources, *others.sources], [*self.weights, *others.weights])


class Learner:
    """Learns tastes over one snapshot of the index."""

    def __init__(self, snapshot: Snapshot, features: Features, searcher: Searcher) -> None:
        self._snapshot = snapshot
        self._features = features
        self._searcher = searcher
        self._community = Community(snapshot, features)

    def learn(
        self,
        profile: Profile,
        now: datetime | None,
        judged: Rows,
    ) -> Learned:
        """The taste behind a profile, and that of the community as far as the profile says little. Papers to be
        `judged` never serve as background."""
        heard = verdicts(profile.feedback, now)
        asked = (*(topic for text in profile.topics if (topic := read_topic(text))), *read_votes(heard))
        numbers = self._snapshot.find(heard.paper_ids)
        loved = np.flatnonzero((numbers >= 0) & (heard.like > 0))
        unloved = np.flatnonzero((numbers >= 0) & (heard.like == 0))
        wanted = [wish for wish in asked if wish.wanted]
        unwanted = [wish for wish in asked if wish.votes < 0]
        given_liked = self._given(heard, numbers, heard.like)
        given_disliked = self._given(heard, numbers, heard.dislike)
        warm = bool(len(loved) or wanted or given_liked.sources)
        passed_by, unseen, yardstick = self._background
        strange = np.ones(int(self._snapshot.offsets[-1]) + 1, bool)  # the last place is that of unknown papers
        strange[numbers] = strange[judged] = False
        seeds, seed_sources, seed_weights = self._seeds(wanted).beside(given_liked)
        weeds, weed_sources, weed_weights = self._seeds(unwanted).beside(given_disliked)
        quiet = SILENCE_WEIGHT * heard.silence[unloved].sum()
        loud = sum(seed_weights) + heard.like[loved].sum()
        silence = SILENCE_WEIGHT * (min(1.0, MOST_SILENCE * loud / quiet) if warm and quiet else 1.0)
        order = np.concatenate([loved, unloved])
        papers = numbers[order]
        rows = vstack([weeds, seeds, self._features.table(np.concatenate([papers, passed_by]))])
        liked = slice(len(weeds), len(weeds) + len(seeds) + len(loved))
        positive = np.zeros(len(rows), bool)
        positive[liked] = True
        # With nothing liked, being unlike what was disliked is all there is.
        positive[len(weeds) + len(unloved) :] |= not warm
        against = heard.dislike[unloved] + silence * heard.silence[unloved]
        share = BACKGROUND_WEIGHT / max(int(strange[passed_by].sum()), 1)
        of_wishes = np.array([*weed_weights, *seed_weights])
        weights = [of_wishes, heard.like[loved], against, share * strange[passed_by]]
        importance = np.concatenate(weights).astype(np.float32)
        of_given = [*given_liked.sources, *given_disliked.sources]
        named = dict.fromkeys([*(wish.source for wish in [*wanted, *unwanted]), *of_given])
        places = {source: n for n, source in enumerate(named)}
        of_papers = range(len(named), len(named) + len(order))
        taught = np.array([*(places[one] for one in [*weed_sources, *seed_sources]), *of_papers], np.int64)
        model = fit(rows, positive, importance, REGULARIZATION_C)
        since = heard.since or (utc(now).date() if now else None)
        shared = self._community.weights(since, profile.neighbours, heard.votes) if since else None
        if shared is not None:
            model = replace(model, weights=model.weights + (shared if warm else FIRST_SAY * shared))
        return Learned(
            rows,
            tuple(named),
            papers,
            order,
            taught,
            liked,
            model,
            yardstick,
            strange[unseen],
            self.boosts(asked, unseen)[0],
            asked,
            heard,
            warm,
        )

    def boosts(
        self, wishes: Sequence[Wish], papers: Rows
    ) -> tuple[Floats, Sequence[Mapping[Source, float]], Sequence[Wish | None]]:
        """(what the wishes add to each paper's score, how much of it each, and the topic that mutes the paper). Of
        several topics the one that adds most counts; votes on words add up."""
        best = np.zeros(len(papers), np.float32)
        if not wishes:
            return best, [{}] * len(papers), [None] * len(papers)
        by: list[dict[Source, float]] = [{} for _ in papers]
        topic: list[Source] = [Source()] * len(papers)
        muted: list[Wish | None] = [None] * len(papers)
        for wish in wishes:
            strength = self._searcher.strength(wish.query, papers)
            for at in np.flatnonzero(strength > 0).tolist():
                if wish.muting:
                    muted[at] = muted[at] or wish
                elif wish.votes:
                    by[at][wish.source] = VOTE_BOOST * wish.votes * float(strength[at])
                elif TOPIC_BOOST * strength[at] > best[at]:
                    best[at], topic[at] = TOPIC_BOOST * strength[at], wish.source
        for at in np.flatnonzero(best).tolist():
            by[at][topic[at]] = float(best[at])
        added = np.array([sum(each.values()) for each in by], np.float32)
        added[[wish is not None for wish in muted]] -= MUTE
        return added, by, muted

    @cached_property
    def _background(self) -> tuple[Rows, Rows, FeatureMatrix]:
        """Random papers to learn from; as many others to measure by, and their rows."""
        papers = self._snapshot.sample(2 * BACKGROUND)
        return papers[::2], papers[1::2], self._features.table(papers[1::2])

    def _given(self, heard: Verdicts, numbers: Rows, weights: NDArray[np.float64]) -> _Examples:
        """The papers that came with their feedback and are not in the index, where their weight is above 0."""
        rows, sources, kept = [self._no_rows], [], []
        for at in np.flatnonzero((numbers < 0) & (weights > 0)).tolist() if heard.given else []:
            paper = heard.given.get(heard.paper_ids[at])
            if paper is None:
                continue
            row = self._features.row_of(paper)
            if row.nnz:
                rows.append(FeatureMatrix(row, self._features.meaning_of(row)))
                sources.append(Source(heard.paper_ids[at]))
                kept.append(float(weights[at]))
        return _Examples(vstack(rows), sources, kept)

    def _seeds(self, wishes: Sequence[Wish]) -> _Examples:
        """Rows that stand for wishes, the wish and the weight of each: its own words, and for a topic the papers that
        it finds best (Cormack & Grossman 2015)."""
        rows = [self._no_rows]
        sources: list[Source] = []
        weights: list[float] = []
        for wish in wishes:
            categories = [CATEGORY_SIGN + c.value for group in wish.query.groups for c in group if c.value]
            own = self._features.row(wish.query.words, categories)
            weight = abs(wish.votes) or TOPIC_WEIGHT
            parts = [(FeatureMatrix(own, self._features.meaning_of(own)), weight)] if own.nnz else []
            if not wish.votes and len(found := self._searcher.find(wish.query, TOPIC_MATCHES, strict=True).papers):
                parts.append((self._features.table(found), weight / len(found)))
            for part, each in parts:
                rows.append(part)
                sources += [wish.source] * len(part)
                weights += [each] * len(part)
        return _Examples(vstack(rows), sources, weights)

    @cached_property
    def _no_rows(self) -> FeatureMatrix:
        return self._features.table(np.zeros(0, np.int64))
