"""The reasons for and against a pick, in words, from the weights of the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.learning.features import Features
from recommender.learning.preferences import Teacher
from recommender.learning.scoring import ScoredCandidates
from recommender.learning.taste import TasteModel
from recommender.picking.feature_names import FeatureNames
from recommender.text import stem
from recommender.values import Reason, Taste, Word

MOST_REASONS = 2
SMALLEST_REASON = 1e-3
SMALLEST_SHARE = 0.25
"""A further reason is given if it has at least this share of the weight of the first one."""
MOST_WORDS = 3
MIN_COSINE = 0.1
"""A liked paper is named only if the cosine of the two papers' words is at least this, as it is for one random pair in
200. Papers farther apart share everyday words."""
STRONGEST_WORDS = 30
"""The number of words with the greatest effect on a taste. If a paper is near to no liked one, the reason lists those
of these words that the paper has."""
RARE_SHARE = 0.01
"""A liked paper is named for a single word only if at most this share of all papers has the word: a shared "direction"
is chance."""

Floats = NDArray[np.float32]


class Reasons:
    """The reasons for and against scored candidates."""

    def __init__(self, features: Features, taste: TasteModel, scored: ScoredCandidates) -> None:
        self._features = features
        self._taste = taste
        self._scored = scored

    def of(self, at: int) -> tuple[Reason, ...]:
        """The reasons for a candidate, strongest first: the liked papers and topics that added most to its score, or,
        if there are none, words alone. No reason if the candidate shares only one everyday word with them."""
        taste, row = self._taste, self._scored.rows.dense_row(at)
        met = self._scored.boosts[at]
        # A preference teaches words, but is named as a reason only for a paper that matches the whole preference.
        unmet = [n for n, teacher in enumerate(taste.other_teachers) if teacher not in met and not teacher.paper_id]
        teachers = taste.row_teachers
        if unmet:
            teachers = np.where(np.isin(teachers, unmet), unmet[0], teachers)
        amounts = np.bincount(teachers, taste.contributions(row), taste.teacher_count)
        for teacher, amount in met.items():
            amounts[taste.other_teachers.index(teacher)] += amount
        amounts[len(taste.other_teachers) :][taste.papers == self._scored.papers[at]] = 0  # no paper is its own reason
        best = np.argsort(-amounts, kind="stable")[:MOST_REASONS].tolist()
        columns, effects = self._effects(at)
        names = self._names(self._scored.papers[at])
        # Weighted by how informative the words are: every paper of a field "learns", few are "federated".
        liked = np.maximum(effects, 0) * self._features.informativeness[columns]
        reasons = []
        for number in best:
            teacher, amount = Teacher() if number in unmet else taste.teacher(number), float(amounts[number])
            if amount > max(SMALLEST_SHARE * float(amounts[best[0]]), SMALLEST_REASON):
                from_teacher, nearest_cosine = np.zeros(self._features.width, bool), 0.0
                for n in np.flatnonzero(teachers == number).tolist():
                    teacher_columns, values = taste.rows.entries(n)
                    from_teacher[teacher_columns] = True
                    nearest_cosine = max(nearest_cosine, float(values @ row[teacher_columns]))
                if teacher.paper_id and nearest_cosine < MIN_COSINE:
                    continue
                shared = liked * from_teacher[columns]
                teacher_names = self._teacher_names(teacher, number)
                words = name_columns(self._features, columns, shared, names, MOST_WORDS, teacher_names=teacher_names)
                if teacher in met or self._beyond_chance(words, columns[shared > 0]):
                    texts = tuple(word.text for word in words)
                    reasons.append(Reason(texts, teacher.paper_id, teacher.topic, amount, teacher.words))
        return tuple(reasons) or self._strongest(names, columns, liked)

    def _strongest(self, names: FeatureNames, columns: NDArray[np.int32], liked: Floats) -> tuple[Reason, ...]:
        """A reason of the words with the greatest effect on the taste that the candidate has, if it has any."""
        effects = liked * (self._word_effects[columns] >= self._strongest_threshold)
        words = name_columns(self._features, columns, effects, names, MOST_WORDS)
        return (Reason(tuple(word.text for word in words), weight=float(effects.sum())),) if words else ()

    @cached_property
    def _strongest_threshold(self) -> float:
        """The least effect among the STRONGEST_WORDS columns."""
        few = min(STRONGEST_WORDS, len(self._word_effects))
        return max(float(np.partition(self._word_effects, -few)[-few]) if few else np.inf, SMALLEST_REASON)

    @cached_property
    def _word_effects(self) -> Floats:
        """The weight of each column (width,) in the taste, times how informative the column is."""
        weights: Floats = self._taste.model.weights[: self._features.width]
        telling: Floats = weights * self._features.informativeness
        return telling

    def against(self, at: int, most: int = 5) -> tuple[Word, ...]:
        """The words that lower a candidate's score most, among those that somebody disliked or asked for less of: the
        taste also learns from papers that nobody reacted to, and from random ones."""
        columns, effects = self._effects(at)
        lowering = np.where(self._disliked[columns], np.minimum(effects, 0), np.float32(0))
        return tuple(name_columns(self._features, columns, lowering, self._names(self._scored.papers[at]), most))

    @cached_property
    def _disliked(self) -> NDArray[np.bool_]:
        return _disliked_columns(self._taste, self._features.width)

    def _names(self, paper: np.int64) -> FeatureNames:
        return FeatureNames(self._features, np.array([paper]))

    def _teacher_names(self, teacher: Teacher, number: int) -> FeatureNames | None:
        """The names of the columns in the paper that is a teacher; None for any other teacher."""
        if not teacher.paper_id:
            return None
        if number < len(self._taste.other_teachers):
            return FeatureNames(self._features, np.zeros(0, np.int64), self._taste.labels.supplied[teacher.paper_id])
        return self._names(self._taste.papers[number - len(self._taste.other_teachers)])

    def _effects(self, at: int) -> tuple[NDArray[np.int32], Floats]:
        """(columns of a candidate's words, what each adds to the score, including its part in the embedding)."""
        weights = self._taste.model.weights
        columns, values = self._scored.rows.entries(at)
        return columns, values * (weights[columns] + self._features.embedding_effects_in(columns, values, weights))

    def _beyond_chance(self, words: Sequence[Word], shared: NDArray[np.int32]) -> bool:
        """Whether the columns that two papers share are more than chance: several words, or a rare one."""
        if len(" ".join(word.text for word in words).split()) > 1:
            return True
        rarest = float(self._features.idf[shared].max(initial=0))
        return bool(words) and rarest >= 1 - math.log(RARE_SHARE)


def name_columns(
    features: Features,
    columns: NDArray[np.int32],
    values: Floats,
    among: FeatureNames,
    most: int,
    categories: bool = False,
    teacher_names: FeatureNames | None = None,
) -> list[Word]:
    """The names of the columns with the largest absolute values. A column is left out if it repeats a word that is
    already named, in any form, or if it has another name in `teacher_names`, because two bigrams may share a column. A
    category counts once, whether it is a paper's first one or not."""
    kept = (values != 0) & ((columns >= features.ngram_count) == categories)
    columns, values = columns[kept], values[kept]
    reasons: list[Word] = []
    texts: set[str] = set()
    for at in np.argsort(-np.abs(values), kind="stable")[: 8 * most]:
        text = among.name(int(columns[at]))
        parts = {text} if categories else {stem(part) for part in text.split()}
        if not text or parts & texts or (teacher_names is not None and teacher_names.name(int(columns[at])) != text):
            continue
        texts |= parts
        reasons.append(Word(text, float(values[at])))
        if len(reasons) == most:
            break
    return reasons


def _disliked_columns(taste: TasteModel, width: int) -> NDArray[np.bool_]:
    """A mask (width,) of the columns of disliked papers and of words that members asked for less of."""
    disliked, mask = taste.labels.dislike[taste.label_places] > 0, np.zeros(width, bool)
    for n, number in enumerate(taste.row_teachers.tolist()):
        of_index = number - len(taste.other_teachers)
        if n < taste.liked_rows.start or (n >= taste.liked_rows.stop and of_index >= 0 and disliked[of_index]):
            mask[taste.rows.entries(n)[0]] = True
    return mask


def summary(features: Features, taste: TasteModel, most: int = 12) -> Taste:
    """A taste as words and categories."""
    if not taste.teacher_count:
        return Taste()
    lengths = features.lengths(taste.rows.sparse[: len(taste.row_teachers)])
    typical = float(lengths.mean()) if len(lengths) else 1.0
    by_word = taste.model.weights[: features.width] + features.embedding_effects(taste.model.weights) / typical
    weights = features.by_category(by_word)
    # A negative weight is a dislike only where somebody disliked papers or words: the taste also learns from papers
    # that nobody reacted to, and from random ones.
    disliked = np.where(_disliked_columns(taste, features.width), np.minimum(weights, 0), np.float32(0))
    # Before the first like, weights away from the shown papers are no likes.
    weights = np.maximum(weights, 0) + disliked if taste.has_likes else disliked
    every, among = np.arange(features.width, dtype=np.int32), FeatureNames(features, taste.papers)

    def side(sign: int, categories: bool) -> tuple[Word, ...]:
        one = np.maximum(sign * weights, 0)
        reasons = name_columns(features, every, one, among, most, categories)
        return tuple(Word(word.text, sign * word.weight) for word in reasons)

    votes, members = taste.labels.votes, taste.labels.members
    return Taste(side(1, False), side(-1, False), side(1, True), side(-1, True), votes, members)
