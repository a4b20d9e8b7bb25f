"""Fits the taste of a channel: one logistic regression on its feedback and topics.

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
from recommender.learning.features import Features
from recommender.learning.labels import Labels, aggregate_labels, utc
from recommender.learning.logistic import LogisticModel, fit
from recommender.learning.matrix import FeatureMatrix, vstack
from recommender.learning.preferences import Preference, Teacher, parse_topic, parse_word_votes
from recommender.learning.prior import SharedPrior
from recommender.learning.taste import TasteModel
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
TOPIC_WEIGHT = 1.0
TOPIC_MATCHES = 10
"""Papers found by a topic that together count as much as the topic's own words."""
TOPIC_BOOST = 2.0
"""Added to the score of a paper that has every word of a topic, in full for the best possible match."""
WORD_VOTE_BOOST = 1.0
"""The same for each vote on words: members see its effect at once, however rare the words are."""
MAX_WORDS_BOOST = WORD_VOTE_BOOST
"""The most that all votes on words together add to the score of a paper, or subtract from it, so that no member can
bury a subject by naming all of its words."""
MAX_WORDS_WEIGHT = 3.0
"""The most that all votes for more of some words weigh together as training rows, and all votes for less."""
PRIOR_BOOST_BEFORE_LIKES = np.float32(8.0)
"""Factor on the shared prior before the channel's first like, as there is nothing else to go by. Twice TYPICAL_WEIGHT,
the ratio that was measured in docs/how-it-learns.md."""
MUTE = 100.0
"""Subtracted from the score of a paper that a muting topic matches."""

Floats = NDArray[np.float32]


class _Examples(NamedTuple):
    """Training rows that are not papers of the index, with the teacher and the weight of each."""

    rows: FeatureMatrix
    teachers: list[Teacher]
    weights: list[float]

    def followed_by(self, others: _Examples) -> _Examples:
        """These examples followed by others."""
        rows = vstack([self.rows, others.rows])
        return _Examples(rows, [*self.teachers, *others.teachers], [*self.weights, *others.weights])


@dataclass(frozen=True, slots=True)
class _TrainingSet:
    """The rows that a taste is fitted to, in this order: pseudo negatives, pseudo positives, liked papers, other papers
    with feedback, background. `papers` are those with feedback, and `label_places` their places in the labels.
    `row_teachers` are the teachers of the rows before the background, by number: `other_teachers` come first, then the
    papers."""

    rows: FeatureMatrix
    positive: NDArray[np.bool_]
    sample_weight: Floats
    liked_rows: slice
    papers: Rows
    label_places: Rows
    other_teachers: tuple[Teacher, ...]
    row_teachers: Rows
    has_likes: bool


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
        """The taste behind a profile, with the shared prior as far as the profile says little."""
        labels = aggregate_labels(profile.feedback, now)
        topics = (topic for line in profile.topics if (topic := parse_topic(line)))
        preferences = (*topics, *parse_word_votes(labels))
        numbers = self._snapshot.find(labels.paper_ids)
        not_in_feedback = np.ones(self._snapshot.size + 1, bool)  # the last place is for unknown papers
        not_in_feedback[numbers] = False
        training = self._training_set(labels, numbers, preferences, not_in_feedback)
        _, calibration_papers, calibration = self._background
        held_out = not_in_feedback[calibration_papers]
        model = solved = fit(training.rows, training.positive, training.sample_weight, REGULARIZATION_C)
        custom = self._fit_custom(training, solved, calibration[held_out])
        if custom:
            model = custom.model
        since = labels.since or (utc(now).date() if now else None)
        prior, of_neighbours = self._prior.weights(since, profile.neighbours, labels.votes) if since else (None, None)
        if prior is not None:
            prior = prior if training.has_likes else PRIOR_BOOST_BEFORE_LIKES * prior
            model = replace(model, weights=model.weights + prior)
            solved = replace(solved, weights=solved.weights + prior)
        return TasteModel(
            training.rows,
            training.other_teachers,
            training.papers,
            training.label_places,
            training.row_teachers,
            training.liked_rows,
            model,
            calibration,
            held_out,
            self.boosts(preferences, calibration_papers)[0],
            preferences,
            labels,
            training.has_likes,
            solved if custom else None,
            custom.remainder if custom else None,
            of_neighbours,
        )

    def _training_set(
        self, labels: Labels, numbers: Rows, preferences: Sequence[Preference], not_in_feedback: NDArray[np.bool_]
    ) -> _TrainingSet:
        """The rows of labels, whose papers have these numbers, and of preferences, before a random background.

        Candidates serve as background papers like any other paper: in a small index they are nearly all of it, and
        without them a few papers would stand for everything that nobody has seen."""
        wanted = [preference for preference in preferences if preference.wanted]
        unwanted = [preference for preference in preferences if preference.votes < 0]
        liked = np.flatnonzero((numbers >= 0) & (labels.like > 0))
        not_liked = np.flatnonzero((numbers >= 0) & (labels.like == 0))
        supplied_liked = self._supplied_examples(labels, numbers, labels.like)
        supplied_disliked = self._supplied_examples(labels, numbers, labels.dislike)
        has_likes = bool(len(liked) or wanted or supplied_liked.teachers)
        positives = self._preference_examples(wanted).followed_by(supplied_liked)
        negatives = self._preference_examples(unwanted).followed_by(supplied_disliked)

        background, _, _ = self._background
        places = np.concatenate([liked, not_liked])
        papers = numbers[places]
        index_rows = self._features.matrix(np.concatenate([papers, background]))
        rows = vstack([negatives.rows, positives.rows, index_rows])
        liked_rows = slice(len(negatives.rows), len(negatives.rows) + len(positives.rows) + len(liked))
        positive = np.zeros(len(rows), bool)
        positive[liked_rows] = True
        # Without any like, the only thing to learn is to be unlike what was disliked: background counts as liked.
        positive[len(negatives.rows) + len(not_liked) :] |= not has_likes

        pseudo_weights = np.array([*negatives.weights, *positives.weights])
        liked_total = sum(positives.weights) + labels.like[liked].sum() if has_likes else np.inf
        not_liked_weights = _not_liked_weights(labels, not_liked, liked_total)
        background_weights = BACKGROUND_WEIGHT * not_in_feedback[background]
        weights = [pseudo_weights, labels.like[liked], not_liked_weights, background_weights]
        preference_teachers = (preference.teacher for preference in [*wanted, *unwanted])
        supplied_teachers = [*supplied_liked.teachers, *supplied_disliked.teachers]
        other_teachers = tuple(dict.fromkeys([*preference_teachers, *supplied_teachers]))
        number_of = {teacher: number for number, teacher in enumerate(other_teachers)}
        pseudo_teachers = [number_of[teacher] for teacher in [*negatives.teachers, *positives.teachers]]
        paper_teachers = range(len(other_teachers), len(other_teachers) + len(places))
        return _TrainingSet(
            rows,
            positive,
            np.concatenate(weights).astype(np.float32),
            liked_rows,
            papers,
            places,
            other_teachers,
            np.array([*pseudo_teachers, *paper_teachers], np.int64),
            has_likes,
        )

    def _fit_custom(self, training: _TrainingSet, solved: LogisticModel, others: FeatureMatrix) -> CustomFit | None:
        """The estimator fitted to the training set; None where there is none or no like, or where it fails."""
        if self._estimator is None or not training.has_likes:
            return None
        rows, positive, sample_weight = training.rows, training.positive, training.sample_weight
        try:
            return fit_custom(self._estimator, rows, positive, sample_weight, solved, others, self._report)
        except EstimatorError as error:
            self._report(str(error))
            return None

    def boosts(
        self, preferences: Sequence[Preference], papers: Rows
    ) -> tuple[Floats, Sequence[Mapping[Teacher, float]], Sequence[Preference | None]]:
        """(what the preferences add to the score of each paper, the part of each teacher in it, the topic that mutes
        the paper). Of several topics the one that adds most counts; votes on words add up to MAX_WORDS_BOOST."""
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
        for amounts in parts:
            share = MAX_WORDS_BOOST / max(abs(sum(amounts.values())), MAX_WORDS_BOOST)
            amounts.update({teacher: share * amount for teacher, amount in amounts.items()})
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
        words_share = MAX_WORDS_WEIGHT / max(sum(abs(preference.votes) for preference in preferences), MAX_WORDS_WEIGHT)
        for preference in preferences:
            query = preference.query
            categories = [CATEGORY_SIGN + clause.value for group in query.groups for clause in group if clause.value]
            own_words = self._features.matrix_of_text(query.words, categories)
            weight = words_share * abs(preference.votes) or TOPIC_WEIGHT
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


def _not_liked_weights(labels: Labels, not_liked: Rows, liked_total: float) -> NDArray[np.float64]:
    """The weights of the papers at these places of the labels, as negatives: for dislikes, and for no reaction. The
    latter all together weigh at most MAX_IGNORED_TO_LIKED times as much as all likes."""
    ignored = IGNORED_WEIGHT * labels.ignored[not_liked]
    total, most = ignored.sum(), MAX_IGNORED_TO_LIKED * liked_total
    # The quotient is below 1: votes of long ago weigh so little that another one could overflow.
    weights: NDArray[np.float64] = labels.dislike[not_liked] + (most / total if total > most else 1.0) * ignored
    return weights
