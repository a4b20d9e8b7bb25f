"""From a taste to what is posted: scores, an honest guess, nothing twice, and the reason for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender.features import Features
from recommender.snapshot import Rows, Snapshot
from recommender.table import Table
from recommender.taste import Learned, Learner
from recommender.text import stem
from recommender.values import Explanation, Pick, Ranked, Reason, Taste, Word
from recommender.votes import utc
from recommender.wishes import Source, Wish

UPVOTE_WEIGHT = 0.05
"""Added for each e-fold of a paper's upvotes: a weak sign, and a late one."""
AGE_WEIGHT = 0.01
"""Taken for each day since the paper was announced, for at most OLDEST days."""
OLDEST = 30
TYPICAL_WEIGHT = 2.0
POPULAR_WEIGHT = 0.5
"""Before the first like: for one standard deviation of likeness to the day's mean, and one e-fold of upvotes."""
ALIKE = 0.8
"""Cosine from which two papers are near-duplicates."""
GUESS_FROM = 3
"""Places in a digest, and likes, below which nothing is guessed."""
GUESS_AMONG = 3
"""A guess is one of the best this many that just missed: any farther costs likes (P@5 .31 to .28 among twenty)."""
MOST_REASONS = 2
SMALLEST_REASON = 1e-3
SMALLEST_SHARE = 0.25
"""A further reason is given when it has this share of the first one's weight."""
MOST_WORDS = 3
RARE = 0.01
"""A liked paper is named for a single word only when at most this share of all papers has it: "direction" is chance."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Judged:
    """Candidates and what a taste says of them. `believed` is the model and the topics; `scores` adds what the source
    says of the paper (`popular` is ln(1 + upvotes)); `wished` is what each topic or vote on words adds to it, and
    `muted` the topic that mutes it."""

    papers: Rows
    ids: tuple[str, ...]
    rows: Table
    believed: Floats
    scores: Floats
    popular: Floats
    wished: tuple[dict[Source, float], ...]
    muted: tuple[Wish | None, ...]


def judge(
    snapshot: Snapshot,
    features: Features,
    learner: Learner,
    taste: Learned,
    ids: Sequence[str],
    papers: Rows,
    now: datetime | None,
) -> Judged:
    """Score the candidates."""
    rows = features.table(papers)
    boosts, wished, muted = learner.boosts(taste.wishes, papers)
    believed = taste.margins(rows) + boosts
    published = snapshot.published[papers].astype(np.float32)
    today = utc(now).date().toordinal() if now else published.max(initial=0)
    age = np.where(published > 0, np.clip(today - published, 0, OLDEST), OLDEST)
    popular = np.log1p(snapshot.upvotes[papers]).astype(np.float32)
    scores = believed + UPVOTE_WEIGHT * popular - AGE_WEIGHT * age
    return Judged(papers, tuple(ids), rows, believed, scores.astype(np.float32), popular, tuple(wished), tuple(muted))


def ranked(judged: Judged) -> list[Ranked]:
    """All of them, best first."""
    return [Ranked(judged.ids[at], float(judged.scores[at])) for at in _order(judged, judged.scores)]


class Picker:
    """Chooses from judged candidates and says why."""

    def __init__(self, features: Features, taste: Learned, judged: Judged) -> None:
        self._features = features
        self._taste = taste
        self._judged = judged
        self._known = taste.rows[: len(taste.taught)]
        self._fits = taste.fit_of(judged.believed)

    def pick(self, limit: int, seed: int, bar: float) -> list[Pick]:
        """At most `limit` picks, best first, the guess last."""
        scores = self._judged.scores
        if not self._taste.warm:
            scores = scores + self._first_impression() + _noise(seed, len(scores))
        worthy = self._taste.warm * bar
        order = [at for at in _order(self._judged, scores) if not self._judged.muted[at] and self._fits[at] >= worthy]
        chosen: list[int] = []
        alike = np.zeros(len(scores), bool)
        for at in order:
            if len(chosen) < limit and not alike[at]:
                chosen.append(at)
                alike |= self._alike(at)
        guess = self._guess([at for at in order if not alike[at]][:GUESS_AMONG], chosen, limit)
        if guess is not None:
            chosen = [*chosen[: limit - 1], guess]
        return [
            Pick(
                self._judged.ids[at],
                float(self._judged.scores[at]),
                self.reasons(at),
                at == guess,
                float(self._fits[at]),
            )
            for at in chosen
        ]

    def _first_impression(self) -> Floats:
        """What speaks for a paper when nothing is known of a channel: others voted for it, and it is about what many
        papers are about (measured: the first ten days have three times the likes of a random choice)."""
        typical = self._judged.rows.words @ self._judged.rows.words.sum(axis=0)
        typical = (typical - typical.mean()) / max(float(typical.std()), 1e-6) if len(typical) else typical
        impression: Floats = TYPICAL_WEIGHT * typical + POPULAR_WEIGHT * self._judged.popular
        return impression

    def _alike(self, at: int) -> NDArray[np.bool_]:
        """Which candidates are this one or a near-duplicate of it."""
        words = self._judged.rows.words
        alike: NDArray[np.bool_] = words @ words[[at]].toarray().ravel() >= ALIKE
        alike[at] = True
        return alike

    def _guess(self, missed: list[int], chosen: list[int], limit: int) -> int | None:
        """The candidate that the model is least sure of among the good ones that just missed."""
        likes = sum(1 for v in self._taste.verdicts.papers if v.like)
        if limit < GUESS_FROM or likes < GUESS_FROM or len(chosen) < limit or not missed:
            return None
        doubt = self._taste.doubt(self._judged.rows[missed])
        return missed[int(np.argmax(self._judged.believed[missed] + doubt))]

    def reasons(self, at: int) -> tuple[Reason, ...]:
        """What speaks for a candidate, strongest first: the liked papers and topics that moved its score most, or words
        alone (neither); nothing where it shares no more than one everyday word with them."""
        taste, row = self._taste, self._judged.rows.flat(at)
        met = self._judged.wished[at]
        moved = self._known.dot(row) * taste.model.pull[: len(taste.taught)] * taste.positive
        # A wish teaches words; only of a paper that has all it asks for may it be said that the wish brought it.
        unmet = [n for n, source in enumerate(taste.sources) if not source.paper_id and source not in met]
        teachers = np.where(np.isin(taste.taught, unmet), unmet[0], taste.taught) if unmet else taste.taught
        amounts = np.bincount(teachers, moved, len(taste.sources))
        for source, amount in met.items():
            amounts[taste.sources.index(source)] += amount
        best = np.argsort(-amounts, kind="stable")[:MOST_REASONS].tolist()
        # Counted by what they tell besides: every paper of a field "learns", few are "federated".
        liked = np.maximum(self._weighed(at), 0) * self._features.telling
        found = []
        for teacher in best:
            source, amount = Source() if teacher in unmet else taste.sources[teacher], float(amounts[teacher])
            if amount > max(SMALLEST_SHARE * float(amounts[best[0]]), SMALLEST_REASON):
                columns = self._known.words[np.flatnonzero(teachers == teacher)].indices
                shared = np.zeros_like(liked)
                shared[columns] = liked[columns]
                words = named(self._features, shared, self._judged.papers[[at]], MOST_WORDS)
                if source in met or self._tells(words, shared):
                    told = tuple(word.text for word in words)
                    found.append(Reason(told, source.paper_id, source.topic, amount, source.words))
        return tuple(found)

    def _weighed(self, at: int) -> Floats:
        """What each word of a candidate adds to its score, its share in the paper's meaning included."""
        words = self._judged.rows.words[[at]]
        weighed: Floats = self._features.by_word(self._taste.model.weights, words) * words.toarray().ravel()
        return weighed

    def _tells(self, words: Sequence[Word], shared: Floats) -> bool:
        """Whether what two papers share is more than chance: several words, or one that is rare."""
        if len(" ".join(word.text for word in words).split()) > 1:
            return True
        rarest = float(self._features.idf[shared > 0].max(initial=0))
        return bool(words) and rarest >= 1 - math.log(RARE)

    def explain(self, at: int = 0) -> Explanation:
        """All there is to say about a candidate."""
        against = np.minimum(self._weighed(at), 0)
        muted = self._judged.muted[at]
        return Explanation(
            self._judged.ids[at],
            float(self._judged.scores[at]),
            float(self._fits[at]),
            self.reasons(at),
            tuple(named(self._features, against, self._judged.papers[[at]], 5)),
            muted.text if muted else None,
            tuple(by.words for by, amount in self._judged.wished[at].items() if by.words and amount < 0),
        )


def named(features: Features, row: Floats, among: Rows, most: int, categories: bool = False) -> list[Word]:
    """The heaviest columns of a (width,) row in words; one that repeats a word already named, in whatever form, is left
    out. A category counts once, whether it stands first in a paper or not."""
    columns = np.flatnonzero(row)
    columns = columns[(columns >= features.grams) == categories]
    values = row[columns]
    found: list[Word] = []
    told: set[str] = set()
    for at in np.argsort(-np.abs(values), kind="stable")[: 4 * most]:
        text = features.name(int(columns[at]), among)
        parts = {text} if categories else {stem(part) for part in text.split()}
        if not text or parts & told:
            continue
        told |= parts
        found.append(Word(text, float(values[at])))
        if len(found) == most:
            break
    return found


def summary(features: Features, snapshot: Snapshot, taste: Learned, most: int = 12) -> Taste:
    """A taste in words."""
    if not taste.sources:
        return Taste()
    known = taste.rows.words[: len(taste.taught)]
    weights = features.by_category(features.by_word(taste.model.weights, known))
    among = snapshot.find([source.paper_id for source in taste.sources if source.paper_id])
    among = among[among >= 0]

    def side(sign: int, categories: bool) -> tuple[Word, ...]:
        one = np.maximum(sign * weights, 0)
        return tuple(Word(w.text, sign * w.weight) for w in named(features, one, among, most, categories))

    votes, members = taste.verdicts.votes, taste.verdicts.members
    return Taste(side(1, False), side(-1, False), side(1, True), side(-1, True), votes, members)


def _noise(seed: int, size: int) -> Floats:
    """Gumbel noise: the order it gives is a draw without replacement, each paper in proportion to exp(score)."""
    return np.random.default_rng(seed).gumbel(size=size).astype(np.float32)


def _order(judged: Judged, scores: Floats) -> list[int]:
    """Best first; `judged.ids` ascend, so that a stable sort settles ties by id."""
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    return order
