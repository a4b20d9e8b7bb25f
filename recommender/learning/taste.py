"""The taste of a channel: one logistic regression on its feedback and topics, and the contribution of each paper to it.

A taste is a pure function of feedback, topics and the index: nothing is kept between two calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.errors import EstimatorError
from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import CATEGORY_SIGN
from recommender.learning.custom_estimator import CustomFit, fit_custom
from recommender.learning.features import EMBEDDING_WEIGHT, Features
from recommender.learning.labels import Labels, aggregate_labels, utc
from recommender.learning.logistic import LogisticModel, fit
from recommender.learning.matrix import FeatureMatrix, ignore_invalid, vstack
from recommender.learning.preferences import Preference, Teacher, parse_topic, parse_word_votes
from recommender.learning.prior import SharedPrior
from recommender.search.searcher import Searcher
from recommender.values import Profile

REGULARIZATION_C = 3.0
"""C of the regression: the weight of the log loss, relative to the squared length of the weights."""
BACKGROUND = 300
"""Random papers that serve as weak negatives. As many other papers are held out of the fit, for calibration."""
BACKGROUND_WEIGHT = 1 / 30
"""Weight of each background paper. All of them together weigh less in an index that has fewer papers."""
IGNORED_WEIGHT = 1.0
MAX_IGNORED_TO_LIKED = 2.0
"""The most that all ignored papers weigh, relative to all likes, so that a channel's few likes are not drowned out."""
NEAREST_LIKE_WEIGHT = 0.5
"""Added to the score of a paper whose embedding is the same as that of a liked paper."""
TOPIC_WEIGHT = 1.0
TOPIC_MATCHES = 10
"""Papers found by a topic that together count as much as the topic's own words."""
TOPIC_BOOST = 2.0
"""Added to the score of a paper that has every word of a topic, in full for the best possible match."""
WORD_VOTE_BOOST = 1.0
"""The same for each vote on words: members see its effect at once, however rare the words are."""
PRIOR_BOOST_BEFORE_LIKES = np.float32(8.0)
"""Factor on the shared prior before the channel's first like, as there is nothing else to go by. Twice TYPICAL_WEIGHT,
the ratio that was measured in docs/how-it-learns.md."""
MUTE = 100.0
"""Subtracted from the score of a paper that a muting topic matches."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TasteModel:
    """The fitted taste of a channel.

    `rows` are the training rows. Each of the first rows has a teacher, whose number is in `row_teachers`; the rest are
    background. `liked_rows` are the positive rows among them. Teachers are numbered: first `other_teachers`
    (preferences, and papers outside the index), then `papers`, whose places in `labels` are `label_places`.
    `calibration` are random papers, `held_out` says which of them the fit never saw, and `calibration_boosts` is what
    the preferences add to the scores of these. `has_likes` says whether anything was liked or subscribed. Where
    another classifier than the solver was fitted, `remainder` is what its scores have beyond those of `model`, and
    `solved` is the solver's model of the same rows.
    `neighbours` is the part of the weights that comes from the likes of other channels.
    """

    rows: FeatureMatrix
    other_teachers: tuple[Teacher, ...]
    papers: Rows
    label_places: Rows
    row_teachers: Rows
    liked_rows: slice
    model: LogisticModel
    calibration: FeatureMatrix
    held_out: NDArray[np.bool_]
    calibration_boosts: Floats
    preferences: tuple[Preference, ...]
    labels: Labels
    has_likes: bool
    solved: LogisticModel | None = None
    remainder: Callable[[FeatureMatrix], Floats] | None = None
    neighbours: Floats | None = None

    @property
    def custom(self) -> bool:
        """Whether another classifier than the solver was fitted."""
        return self.solved is not None

    def teacher(self, number: int) -> Teacher:
        """The teacher of that number, as reasons name it."""
        if number < len(self.other_teachers):
            return self.other_teachers[number]
        return Teacher(self.labels.paper_ids[int(self.label_places[number - len(self.other_teachers)])])

    @property
    def teacher_count(self) -> int:
        """The number of teachers."""
        return len(self.other_teachers) + len(self.label_places)

    def decision_function(self, rows: FeatureMatrix) -> Floats:
        """The score of papers without preferences: the log odds of the model, and the likeness to the nearest like."""
        return rows.dot(self.model.weights) + self.beyond_weights(rows)

    def beyond_weights(self, rows: FeatureMatrix) -> Floats | np.float32:
        """The part of the score of papers that is no sum of weights. A custom classifier has no bonus for likeness."""
        bias = np.float32(self.model.bias)
        if self.custom:
            return bias + self.remainder(rows) if self.remainder else bias
        return bias + self.likeness(rows.dense)

    def built_in_scores(self, rows: FeatureMatrix) -> Floats:
        """What `decision_function` would be without a custom classifier."""
        model = self.solved or self.model
        return rows.dot(model.weights) + np.float32(model.bias) + self.likeness(rows.dense)

    @ignore_invalid
    def likeness(self, embeddings: Floats) -> Floats:
        """The bonus of each row for the liked row with the nearest embedding. In a taste with several sides the nearest
        like says more than all likes together."""
        liked = self._liked.dense
        if not len(liked):
            return np.zeros(len(embeddings), np.float32)
        bonus: Floats = (liked @ embeddings.T).max(axis=0) * np.float32(NEAREST_LIKE_WEIGHT / EMBEDDING_WEIGHT**2)
        return bonus

    @ignore_invalid
    def contributions(self, row: Floats) -> Floats:
        """What each row with a teacher adds to the score of a paper, given as a dense row: (row_teachers,). Rows that
        are not liked add nothing."""
        contributions = np.zeros(len(self.row_teachers), np.float32)
        if len(self._liked):
            embedding = row[self.rows.sparse.shape[1] :]
            of_liked = self._liked.dot(row) * self.model.dual_coef[self.liked_rows]
            if not self.custom:
                of_liked[(self._liked.dense @ embedding).argmax()] += self.likeness(embedding[None])[0]
            contributions[self.liked_rows] = of_liked
        return contributions

    @cached_property
    def _liked(self) -> FeatureMatrix:
        return self.rows[self.liked_rows]

    def uncertainty(self, row: Floats) -> float:
        """The standard deviation of the score of a paper, given as a dense row, by the diagonal of the Hessian
        (Laplace approximation)."""
        return float(np.sqrt((row * row) @ self._variance))

    @cached_property
    def _variance(self) -> Floats:
        """The variance of each weight."""
        variance: Floats = np.reciprocal(1 + self.rows.squared().rmatvec(self.model.curvature))
        return variance

    @cached_property
    def _calibration_scores(self) -> Floats:
        """The scores of the held-out calibration papers, ascending."""
        return np.sort((self.decision_function(self.calibration) + self.calibration_boosts)[self.held_out])

    def percentiles(self, scores: Floats) -> Floats:
        """For each score, the share of held-out random papers with a lower one (0…1)."""
        if not len(self._calibration_scores):
            return np.ones(len(scores), np.float32)
        lower = np.searchsorted(self._calibration_scores, scores, "left")
        return (lower / len(self._calibration_scores)).astype(np.float32)


class _Examples(NamedTuple):
    """Training rows that are not papers of the index, with the teacher and the weight of each."""

    rows: FeatureMatrix
    teachers: list[Teacher]
    weights: list[float]

    def followed_by(self, others: _Examples) -> _Examples:
        """These examples followed by others."""
        rows = vstack([self.rows, others.rows])
        return _Examples(rows, [*self.teachers, *others.teachers], [*self.weights, *others.weights])


class Learner:
    """Fits tastes over one snapshot of the index.

    An `estimator` fits them in the place of the solver as soon as there are likes (see custom_estimator.py). Where it
    fails, `report` is called with a sentence that says why, and the solver goes on.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        features: Features,
        searcher: Searcher,
        estimator: Any = None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._estimator = estimator
        self._report: Callable[[str], None] = report or (lambda why: None)
        self._snapshot = snapshot
        self._features = features
        self._searcher = searcher
        self._prior = SharedPrior(snapshot, features)

    def fit(self, profile: Profile, now: datetime | None) -> TasteModel:
        """The taste behind a profile, with the shared prior as far as the profile says little.

        Candidates serve as background papers like any other paper: in a small index they are nearly all of it, and
        without them a few papers would stand for everything that nobody has seen."""
        labels = aggregate_labels(profile.feedback, now)
        topics = (topic for line in profile.topics if (topic := parse_topic(line)))
        preferences = (*topics, *parse_word_votes(labels))
        wanted = [preference for preference in preferences if preference.wanted]
        unwanted = [preference for preference in preferences if preference.votes < 0]
        numbers = self._snapshot.find(labels.paper_ids)
        liked = np.flatnonzero((numbers >= 0) & (labels.like > 0))
        not_liked = np.flatnonzero((numbers >= 0) & (labels.like == 0))
        supplied_liked = self._supplied_examples(labels, numbers, labels.like)
        supplied_disliked = self._supplied_examples(labels, numbers, labels.dislike)
        has_likes = bool(len(liked) or wanted or supplied_liked.teachers)
        background, calibration_papers, calibration = self._background
        not_in_feedback = np.ones(self._snapshot.size + 1, bool)  # the last place is for unknown papers
        not_in_feedback[numbers] = False
        pseudo_positives = self._preference_examples(wanted).followed_by(supplied_liked)
        pseudo_negatives = self._preference_examples(unwanted).followed_by(supplied_disliked)

        places = np.concatenate([liked, not_liked])
        papers = numbers[places]
        index_rows = self._features.matrix(np.concatenate([papers, background]))
        rows = vstack([pseudo_negatives.rows, pseudo_positives.rows, index_rows])
        first_liked = len(pseudo_negatives.rows)
        liked_rows = slice(first_liked, first_liked + len(pseudo_positives.rows) + len(liked))
        positive = np.zeros(len(rows), bool)
        positive[liked_rows] = True
        # Without any like, the only thing to learn is to be unlike what was disliked: background counts as liked.
        positive[len(pseudo_negatives.rows) + len(not_liked) :] |= not has_likes

        ignored_total = IGNORED_WEIGHT * labels.ignored[not_liked].sum()
        liked_total = sum(pseudo_positives.weights) + labels.like[liked].sum()
        most_ignored = MAX_IGNORED_TO_LIKED * liked_total
        # The quotient is below 1: votes of long ago weigh so little that another one could overflow.
        share = most_ignored / ignored_total if has_likes and ignored_total > most_ignored else 1.0
        ignored_weight = IGNORED_WEIGHT * share
        pseudo_weights = np.array([*pseudo_negatives.weights, *pseudo_positives.weights])
        negative_weights = labels.dislike[not_liked] + ignored_weight * labels.ignored[not_liked]
        weights = [
            pseudo_weights,
            labels.like[liked],
            negative_weights,
            BACKGROUND_WEIGHT * not_in_feedback[background],
        ]
        sample_weight = np.concatenate(weights).astype(np.float32)
        model = fit(rows, positive, sample_weight, REGULARIZATION_C)
        held_out = not_in_feedback[calibration_papers]
        custom, solved = None, model
        if self._estimator is not None and has_likes:
            custom = self._fit_custom(rows, positive, sample_weight, model, calibration[held_out])
            model = custom.model if custom else model
        since = labels.since or (utc(now).date() if now else None)
        prior, of_neighbours = self._prior.weights(since, profile.neighbours, labels.votes) if since else (None, None)
        if prior is not None:
            prior = prior if has_likes else PRIOR_BOOST_BEFORE_LIKES * prior
            model = replace(model, weights=model.weights + prior)
            solved = replace(solved, weights=solved.weights + prior)

        supplied_teachers = [*supplied_liked.teachers, *supplied_disliked.teachers]
        preference_teachers = (preference.teacher for preference in [*wanted, *unwanted])
        other_teachers = dict.fromkeys([*preference_teachers, *supplied_teachers])
        teacher_numbers = {teacher: number for number, teacher in enumerate(other_teachers)}
        pseudo_teachers = [*pseudo_negatives.teachers, *pseudo_positives.teachers]
        paper_teachers = range(len(other_teachers), len(other_teachers) + len(places))
        row_teachers = np.array([*(teacher_numbers[t] for t in pseudo_teachers), *paper_teachers], np.int64)
        return TasteModel(
            rows,
            tuple(other_teachers),
            papers,
            places,
            row_teachers,
            liked_rows,
            model,
            calibration,
            held_out,
            self.boosts(preferences, calibration_papers)[0],
            preferences,
            labels,
            has_likes,
            solved if custom else None,
            custom.remainder if custom else None,
            of_neighbours,
        )

    def _fit_custom(
        self,
        rows: FeatureMatrix,
        positive: NDArray[np.bool_],
        sample_weight: Floats,
        solved: LogisticModel,
        others: FeatureMatrix,
    ) -> CustomFit | None:
        """The estimator fitted to the rows; None where it fails."""
        try:
            return fit_custom(self._estimator, rows, positive, sample_weight, solved, others, self._report)
        except EstimatorError as error:
            self._report(str(error))
            return None

    def boosts(
        self, preferences: Sequence[Preference], papers: Rows
    ) -> tuple[Floats, Sequence[Mapping[Teacher, float]], Sequence[Preference | None]]:
        """(what the preferences add to the score of each paper, the part of each teacher in it, the topic that mutes
        the paper). Of several topics the one that adds most counts; votes on words add up."""
        topic_boosts = np.zeros(len(papers), np.float32)
        if not preferences:
            return topic_boosts, [{}] * len(papers), [None] * len(papers)
        parts: list[dict[Teacher, float]] = [{} for _ in papers]
        topic: list[Teacher] = [Teacher()] * len(papers)
        muted: list[Preference | None] = [None] * len(papers)
        for preference in preferences:
            strength = self._searcher.strength(preference.query, papers)
            for at in np.flatnonzero(strength > 0).tolist():
                if preference.muting:
                    muted[at] = muted[at] or preference
                elif preference.votes:
                    parts[at][preference.teacher] = WORD_VOTE_BOOST * preference.votes * float(strength[at])
                elif TOPIC_BOOST * strength[at] > topic_boosts[at]:
                    topic_boosts[at], topic[at] = TOPIC_BOOST * strength[at], preference.teacher
        for at in np.flatnonzero(topic_boosts).tolist():
            parts[at][topic[at]] = float(topic_boosts[at])
        boosts = np.array([sum(amounts.values()) for amounts in parts], np.float32)
        boosts[[preference is not None for preference in muted]] -= MUTE
        return boosts, parts, muted

    @cached_property
    def _background(self) -> tuple[Rows, Rows, FeatureMatrix]:
        """(random papers to learn from, as many other random papers for calibration, the rows of the latter)."""
        papers = self._snapshot.sample(2 * BACKGROUND)
        return papers[::2], papers[1::2], self._features.matrix(papers[1::2])

    def _supplied_examples(self, labels: Labels, numbers: Rows, weights: NDArray[np.float64]) -> _Examples:
        """The papers that came with their feedback, are not in the index and have a weight above 0."""
        places = np.flatnonzero((numbers < 0) & (weights > 0)).tolist() if labels.supplied else []
        places = [at for at in places if labels.paper_ids[at] in labels.supplied]
        if not places:
            return _Examples(self._no_rows, [], [])
        rows = self._features.matrix_of(labels.supplied[labels.paper_ids[at]] for at in places)
        filled = np.flatnonzero(np.diff(rows.sparse.indptr))
        places = [places[at] for at in filled.tolist()]
        return _Examples(
            rows[filled], [Teacher(labels.paper_ids[at]) for at in places], [float(weights[at]) for at in places]
        )

    def _preference_examples(self, preferences: Sequence[Preference]) -> _Examples:
        """Rows that stand for preferences: each one's own words, and for a topic also the papers that a search for it
        finds best (Cormack & Grossman 2015)."""
        rows = [self._no_rows]
        teachers: list[Teacher] = []
        weights: list[float] = []
        for preference in preferences:
            query = preference.query
            categories = [CATEGORY_SIGN + clause.value for group in query.groups for clause in group if clause.value]
            own_words = self._features.matrix_of_text(query.words, categories)
            weight = abs(preference.votes) or TOPIC_WEIGHT
            parts = []
            if own_words.sparse.nnz:
                parts.append((own_words, weight))
            if not preference.votes:
                matches = self._searcher.find(query, TOPIC_MATCHES, strict=True).papers
                if len(matches):
                    parts.append((self._features.matrix(matches), weight / len(matches)))
            for part, row_weight in parts:
                rows.append(part)
                teachers += [preference.teacher] * len(part)
                weights += [row_weight] * len(part)
        return _Examples(vstack(rows), teachers, weights)

    @cached_property
    def _no_rows(self) -> FeatureMatrix:
        return self._features.matrix(np.zeros(0, np.int64))
