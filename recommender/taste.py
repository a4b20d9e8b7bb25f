"""From feedback and topics to what a channel likes: one logistic regression, and what each paper did to it.

A taste is a pure function of feedback, topics and the index: nothing is kept between two calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.features import Features
from recommender.logistic import Fit, fit
from recommender.query import Query, parse
from recommender.search import Searcher
from recommender.snapshot import Rows, Snapshot
from recommender.table import Table, stacked
from recommender.values import Feedback
from recommender.vocabulary import CATEGORY_SIGN
from recommender.votes import Verdicts, verdicts

STRENGTH = 3.0
"""C of the regression: what a row may cost beside the length of the weights."""
BACKGROUND = 300
"""Random papers that stand for everything nobody has seen; as many again, unseen by the fit, are its yardstick."""
BACKGROUND_WEIGHT = 10.0
SILENCE_WEIGHT = 1.0
TOPIC_WEIGHT = 1.0
TOPIC_MATCHES = 10
"""Papers found by a topic that together count as much as the topic's own words."""
TOPIC_BOOST = 2.0
"""Added to the score of a paper that has every word of a topic, in full if it could not match better."""
MUTE = 100.0
"""Taken from the score of a paper that a muting topic matches."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the channel, read as a query. `text` is as subscribed, without the sign that makes it `muting`."""

    text: str
    query: Query
    muting: bool


@dataclass(frozen=True, slots=True)
class Source:
    """What taught the model a row: a paper with feedback (`paper_id`), or a topic."""

    paper_id: str | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """A channel's taste. `rows` are what it was learned from; the first of them were `taught` by one of the `sources`
    each (the rest is background), to be `positive` or not. `scale` are the scores of papers it never saw, ascending;
    `warm` says whether anything was liked."""

    rows: Table
    sources: tuple[Source, ...]
    taught: Rows
    positive: NDArray[np.bool_]
    model: Fit
    scale: Floats
    topics: tuple[Topic, ...]
    verdicts: Verdicts
    warm: bool

    def margins(self, rows: Table) -> Floats:
        """What the model alone says of papers, as log odds."""
        return rows.dot(self.model.weights) + np.float32(self.model.bias)

    def doubt(self, rows: Table) -> Floats:
        """How unsure the model is of each margin: its standard deviation, by the diagonal of the Hessian (Laplace)."""
        curvature = 1 + self.rows.squared().back(self.model.spread)
        doubt: Floats = np.sqrt(rows.squared().dot((1 / curvature).astype(np.float32)))
        return doubt

    def fit_of(self, scores: Floats) -> Floats:
        """Share of papers never seen that score lower, for each score."""
        if not len(self.scale):
            return np.ones(len(scores), np.float32)
        return (np.searchsorted(self.scale, scores, "left") / len(self.scale)).astype(np.float32)


class Learner:
    """Learns tastes over one snapshot of the index."""

    def __init__(self, snapshot: Snapshot, features: Features, searcher: Searcher) -> None:
        self._snapshot = snapshot
        self._features = features
        self._searcher = searcher

    def learn(self, feedback: Iterable[Feedback], topics: Sequence[str], now: datetime | None, judged: Rows) -> Learned:
        """The taste behind the feedback. Papers to be `judged` never serve as background."""
        asked = tuple(topic for text in topics if (topic := read_topic(text)))
        heard = verdicts(((f.paper_id, f.value, f.at, f.member) for f in feedback), now)
        numbers = self._snapshot.find([verdict.paper_id for verdict in heard.papers])
        known = [(v, n) for v, n in zip(heard.papers, numbers.tolist(), strict=True) if n >= 0]
        loved = [(v.paper_id, n, v.like) for v, n in known if v.like]
        unloved = [(v.paper_id, n, v.dislike + SILENCE_WEIGHT * v.silence) for v, n in known if not v.like]
        wanted = [topic for topic in asked if not topic.muting]
        warm = bool(loved or wanted)
        background, yardstick, unseen = self._background(np.concatenate([numbers, judged]))
        seeds, seed_topics, seed_weights = self._seeds(wanted)
        papers = np.array([n for _, n, _ in [*loved, *unloved]], np.int64)
        rows = stacked([seeds, self._features.table(papers), background])
        positive = np.zeros(len(rows), bool)
        positive[: len(seeds) + len(loved)] = True
        if not warm:
            positive[len(unloved) :] = True  # with nothing liked, being unlike what was disliked is all there is
        weights = [*seed_weights, *(weight for _, _, weight in [*loved, *unloved])]
        weights += [BACKGROUND_WEIGHT / max(len(background), 1)] * len(background)
        importance = np.array(weights, np.float32)
        asked_for = dict.fromkeys(topic.text for topic in wanted)
        sources = (*(Source(topic=text) for text in asked_for), *(Source(v) for v, _, _ in [*loved, *unloved]))
        places = {text: n for n, text in enumerate(asked_for)}
        taught = np.array([*(places[text] for text in seed_topics), *range(len(places), len(sources))], np.int64)
        model = fit(rows, positive, importance, STRENGTH)
        nothing = np.zeros(0, np.float32)
        learned = Learned(rows, sources, taught, positive[: len(taught)], model, nothing, asked, heard, warm)
        return replace(learned, scale=np.sort(learned.margins(yardstick) + self.boosts(asked, unseen)[0]))

    def boosts(self, topics: Sequence[Topic], papers: Rows) -> tuple[Floats, list[Topic | None], list[Topic | None]]:
        """(what the topics add to each paper's score, the topic that adds most to it, the topic that mutes it)."""
        added = np.zeros(len(papers), np.float32)
        best: list[Topic | None] = [None] * len(papers)
        muted: list[Topic | None] = [None] * len(papers)
        for topic in topics:
            strength = self._searcher.strength(topic.query, papers)
            for at in np.flatnonzero(strength > 0):
                if topic.muting:
                    muted[at] = muted[at] or topic
                elif TOPIC_BOOST * strength[at] > added[at]:
                    added[at], best[at] = TOPIC_BOOST * strength[at], topic
        added[[topic is not None for topic in muted]] -= MUTE
        return added, best, muted

    @cached_property
    def _sample(self) -> tuple[Rows, Table]:
        papers = self._snapshot.sample(4 * BACKGROUND)
        return papers, self._features.table(papers)

    def _background(self, taken: Rows) -> tuple[Table, Table, Rows]:
        """Rows of random papers to learn from, rows of as many others to measure by, and those others; none `taken`."""
        papers, rows = self._sample
        free = np.flatnonzero(~np.isin(papers, taken))[: 2 * BACKGROUND]
        return rows[free[::2]], rows[free[1::2]], papers[free[1::2]]

    def _seeds(self, topics: Sequence[Topic]) -> tuple[Table, list[str], list[float]]:
        """Rows that stand for topics, the topic and the weight of each: the topic's own words, and the papers it finds
        best (Cormack & Grossman 2015)."""
        rows = [self._features.table(np.zeros(0, np.int64))]
        texts: list[str] = []
        weights: list[float] = []
        for topic in topics:
            categories = [CATEGORY_SIGN + c.value for group in topic.query.groups for c in group if c.value]
            own = self._features.row(topic.query.words, categories)
            found = self._searcher.find(topic.query, TOPIC_MATCHES, strict=True).papers
            parts = [(Table(own, self._features.meaning_of(own)), TOPIC_WEIGHT)] if own.nnz else []
            if len(found):
                parts.append((self._features.table(found), TOPIC_WEIGHT / len(found)))
            for part, weight in parts:
                rows.append(part)
                texts += [topic.text] * len(part)
                weights += [weight] * len(part)
        return stacked(rows), texts, weights


def read_topic(text: str) -> Topic | None:
    """The topic in a line of text; None when it says nothing. A minus in front of the whole line mutes."""
    text = text.strip()
    muting = text[:1] in ("-", "−", "–")
    body = text[1:].strip() if muting else text
    query = parse(body)
    return Topic(body, query, muting) if query.groups else None
