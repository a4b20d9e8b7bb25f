"""Why a paper is picked or not, from the model's own weights, in words."""

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
"""A further reason is given when it has this share of the first one's weight."""
MOST_WORDS = 3
NEAR = 0.1
"""A liked paper is named only where the cosine of the two papers' words is that great, as it is of one random pair in
200: papers farther apart share everyday words."""
STRONGEST = 30
"""Words that tell most of a taste; of a paper that is near to no liked one, those of them that it has are told."""
RARE = 0.01
"""A liked paper is named for a single word only when at most this share of all papers has it: "direction" is chance."""

Floats = NDArray[np.float32]


class Reasons:
    """What speaks for and against judged candidates."""

    def __init__(self, features: Features, taste: TasteModel, scored: ScoredCandidates) -> None:
        self._features = features
        self._taste = taste
        self._scored = scored

    def of(self, at: int) -> tuple[Reason, ...]:
        """What speaks for a candidate, strongest first: the liked papers and topics that moved its score most, or words
        alone (neither); nothing where it shares no more than one everyday word with them."""
        taste, row = self._taste, self._scored.rows.dense_row(at)
        met = self._scored.boosts[at]
        # A wish teaches words; only of a paper that has all it asks for may it be said that the wish brought it.
        unmet = [n for n, source in enumerate(taste.other_teachers) if source not in met and not source.paper_id]
        teachers = (
            np.where(np.isin(taste.row_teachers, unmet), unmet[0], taste.row_teachers) if unmet else taste.row_teachers
        )
        amounts = np.bincount(teachers, taste.contributions(row), taste.teacher_count)
        for source, amount in met.items():
            amounts[taste.other_teachers.index(source)] += amount
        amounts[len(taste.other_teachers) :][taste.papers == self._scored.papers[at]] = 0  # no paper is its own reason
        best = np.argsort(-amounts, kind="stable")[:MOST_REASONS].tolist()
        columns, weighed = self._weighed(at)
        here = self._wording(self._scored.papers[at])
        # Counted by what they tell besides: every paper of a field "learns", few are "federated".
        liked = np.maximum(weighed, 0) * self._features.telling[columns]
        found = []
        for teacher in best:
            source, amount = Teacher() if teacher in unmet else taste.teacher(teacher), float(amounts[teacher])
            if amount > max(SMALLEST_SHARE * float(amounts[best[0]]), SMALLEST_REASON):
                taught, nearest_cosine = np.zeros(self._features.width, bool), 0.0
                for n in np.flatnonzero(teachers == teacher).tolist():
                    of_teacher, values = taste.rows.entries(n)
                    taught[of_teacher] = True
                    nearest_cosine = max(nearest_cosine, float(values @ row[of_teacher]))
                if source.paper_id and nearest_cosine < NEAR:
                    continue
                shared = liked * taught[columns]
                beside = self._wording_of(source, teacher)
                words = named(self._features, columns, shared, here, MOST_WORDS, beside=beside)
                if source in met or self._beyond_chance(words, columns[shared > 0]):
                    told = tuple(word.text for word in words)
                    found.append(Reason(told, source.paper_id, source.topic, amount, source.words))
        return tuple(found) or self._strongest(here, columns, liked)

    def _strongest(self, here: FeatureNames, columns: NDArray[np.int32], liked: Floats) -> tuple[Reason, ...]:
        """Words that tell most of the taste and that a candidate has, if it has any."""
        told = liked * (self._telling[columns] >= self._least_of_strongest)
        words = named(self._features, columns, told, here, MOST_WORDS)
        return (Reason(tuple(word.text for word in words), weight=float(told.sum())),) if words else ()

    @cached_property
    def _least_of_strongest(self) -> float:
        """How much each of the STRONGEST columns tells at least."""
        few = min(STRONGEST, len(self._telling))
        return max(float(np.partition(self._telling, -few)[-few]) if few else np.inf, SMALLEST_REASON)

    @cached_property
    def _telling(self) -> Floats:
        """How much each word (width,) tells of what is liked."""
        weights: Floats = self._taste.model.weights[: self._features.width]
        telling: Floats = weights * self._features.telling
        return telling

    def against(self, at: int, most: int = 5) -> tuple[Word, ...]:
        """The words that speak most against a candidate."""
        columns, weighed = self._weighed(at)
        return tuple(
            named(self._features, columns, np.minimum(weighed, 0), self._wording(self._scored.papers[at]), most)
        )

    def _wording(self, paper: np.int64) -> FeatureNames:
        return FeatureNames(self._features, np.array([paper]))

    def _wording_of(self, source: Teacher, teacher: int) -> FeatureNames | None:
        """The words of the paper that is a teacher; None for any other teacher."""
        if not source.paper_id:
            return None
        if teacher < len(self._taste.other_teachers):
            return FeatureNames(self._features, np.zeros(0, np.int64), self._taste.labels.supplied[source.paper_id])
        return self._wording(self._taste.papers[teacher - len(self._taste.other_teachers)])

    def _weighed(self, at: int) -> tuple[NDArray[np.int32], Floats]:
        """The columns of a candidate's words, and what each adds to its score, its share in the paper's meaning
        included."""
        weights = self._taste.model.weights
        columns, values = self._scored.rows.entries(at)
        return columns, values * (weights[columns] + self._features.by_meaning_of(columns, values, weights))

    def _beyond_chance(self, words: Sequence[Word], shared: NDArray[np.int32]) -> bool:
        """Whether the columns that two papers share are more than chance: several words, or one that is rare."""
        if len(" ".join(word.text for word in words).split()) > 1:
            return True
        rarest = float(self._features.idf[shared].max(initial=0))
        return bool(words) and rarest >= 1 - math.log(RARE)


def named(
    features: Features,
    columns: NDArray[np.int32],
    values: Floats,
    among: FeatureNames,
    most: int,
    categories: bool = False,
    beside: FeatureNames | None = None,
) -> list[Word]:
    """The heaviest of some columns in words; one that repeats a word already named, in whatever form, is left out, and
    one that means other words in the papers `beside`, for two pairs of words may share a column. A category counts
    once, whether it stands first in a paper or not."""
    kept = (values != 0) & ((columns >= features.grams) == categories)
    columns, values = columns[kept], values[kept]
    found: list[Word] = []
    told: set[str] = set()
    for at in np.argsort(-np.abs(values), kind="stable")[: 4 * most]:
        text = among.name(int(columns[at]))
        parts = {text} if categories else {stem(part) for part in text.split()}
        if not text or parts & told or (beside is not None and beside.name(int(columns[at])) != text):
            continue
        told |= parts
        found.append(Word(text, float(values[at])))
        if len(found) == most:
            break
    return found


def _spoken_against(taste: TasteModel, width: int) -> NDArray[np.bool_]:
    """Which columns (width,) the papers have that were disliked, and the words that were asked less of."""
    disliked, found = taste.labels.dislike[taste.label_places] > 0, np.zeros(width, bool)
    for n, teacher in enumerate(taste.row_teachers.tolist()):
        if teacher < len(taste.other_teachers) or disliked[teacher - len(taste.other_teachers)]:
            found[taste.rows.entries(n)[0]] = True
    return found


def summary(features: Features, taste: TasteModel, most: int = 12) -> Taste:
    """A taste in words."""
    if not taste.teacher_count:
        return Taste()
    lengths = features.lengths(taste.rows.sparse[: len(taste.row_teachers)])
    typical = float(lengths.mean()) if len(lengths) else 1.0
    by_word = taste.model.weights[: features.width] + features.by_meaning(taste.model.weights) / typical
    weights = features.by_category(by_word)
    if not taste.has_likes:
        # Until something is liked, what is unlike the papers shown is no like, and what was passed over no dislike.
        weights = np.where(_spoken_against(taste, features.width), np.minimum(weights, 0), np.float32(0))
    every, among = np.arange(features.width, dtype=np.int32), FeatureNames(features, taste.papers)

    def side(sign: int, categories: bool) -> tuple[Word, ...]:
        one = np.maximum(sign * weights, 0)
        found = named(features, every, one, among, most, categories)
        return tuple(Word(word.text, sign * word.weight) for word in found)

    votes, members = taste.labels.votes, taste.labels.members
    return Taste(side(1, False), side(-1, False), side(1, True), side(-1, True), votes, members)
