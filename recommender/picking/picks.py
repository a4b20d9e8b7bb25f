"""From a taste to what is posted: the best, an honest guess, nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.index.snapshot import Rows
from recommender.learning.features import Features
from recommender.learning.scoring import ScoredCandidates
from recommender.learning.taste import TasteModel
from recommender.picking.baselines import Rival, rival_scores
from recommender.picking.interleaving import team_draft
from recommender.picking.reasons import Reasons
from recommender.values import Explanation, Pick, Ranked, Reason, Recommendation, Standing

TYPICAL_WEIGHT = 2.0
POPULAR_WEIGHT = 0.5
"""Before the first like: for one standard deviation of likeness to the day's mean, and one e-fold of upvotes."""
DOUBTED = 2.0
"""Where topics are all there is to go by, and nobody likes what they bring: the most that a first impression adds, to
papers that no topic asks for."""
HALF_DOUBTED = 10.0
"""Cards without a single like by which it is half of that."""
ALIKE = 0.8
"""Cosine from which two papers are near-duplicates."""
GUESS_FROM = 3
"""Places in a digest, and likes, below which nothing is guessed."""
GUESS_AMONG = 3
"""A guess is one of the best this many that just missed: any farther costs likes (P@5 .31 to .28 among twenty)."""
GLANCE_AMONG = 60
"""Titles for a glance are chosen among this many of the best that were not picked."""
SPREAD = 0.5
"""What full likeness to a paper already there costs a title, in standard deviations of these scores."""

TASTE = "taste"
"""The team of the picks that are the taste's own, where two share a digest."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PickOptions:
    """How to pick: at most `limit` papers; the `seed` of all draws; the `bar` (0…1), the percentile below which nothing
    is picked; the `rival` that shares the digest, if any; and whether the last place may go to a guess."""

    limit: int
    seed: int = 0
    bar: float = 0.0
    rival: Rival | None = None
    guess: bool = True


def ranked(scored: ScoredCandidates) -> list[Ranked]:
    """All of them, best first."""
    order = best_first(scored.scores)
    scores = scored.scores[order].tolist()
    return [Ranked(scored.ids[at], score) for at, score in zip(order.tolist(), scores, strict=True)]


class Picker:
    """Chooses from judged candidates and says why."""

    def __init__(self, features: Features, taste: TasteModel, scored: ScoredCandidates) -> None:
        self._taste = taste
        self._scored = scored
        self._reasons = Reasons(features, taste, scored)
        self._percentiles = taste.percentiles(scored.utility)

    def recommend(self, options: PickOptions, titles: int) -> Recommendation:
        """The picks with at most `titles` titles below them, or whether a lower bar would bring any pick."""
        picks = self.pick(options)
        if not picks:
            return Recommendation(lower_bar_would_help=bool(self.pick(replace(options, bar=0.0))))
        listed = self.list_titles([pick.paper_id for pick in picks], titles, options.seed)
        return Recommendation(tuple(picks), tuple(title.paper_id for title in listed))

    def pick(self, options: PickOptions) -> list[Pick]:
        """The picks, best first, the guess last; shared with a rival, as soon as there is a taste."""
        return self._shared(options, options.rival) if options.rival and self._taste.has_likes else self._own(options)

    def _own(self, options: PickOptions) -> list[Pick]:
        order = self._order(self._today(options.seed))
        order = order[self._percentiles[order] >= self._taste.has_likes * options.bar]
        chosen: list[int] = []
        while len(chosen) < options.limit and len(order):
            chosen.append(int(order[0]))
            order = order[~self._alike(chosen[-1])[order]]
        guess = self._guess(order[:GUESS_AMONG], chosen, options.limit) if options.guess else None
        if guess is not None:
            chosen = [*chosen[: options.limit - 1], guess]
        return [self._made(at, guess=at == guess) for at in chosen]

    def _made(self, at: int, *, guess: bool = False) -> Pick:
        score, percentile = float(self._scored.scores[at]), float(self._percentiles[at])
        return Pick(self._scored.ids[at], score, self._reasons.of(at), guess, percentile)

    def _shared(self, options: PickOptions, rival: Rival) -> list[Pick]:
        """As many picks as the taste alone would make, drafted in turn with a rival's ranking; each says whose it is,
        and none is a guess. The rival is not held to the bar, which is the taste's own."""
        taste, scored = self._taste, self._scored
        many = len(self._own(options))
        free = self._order(scored.scores)
        theirs = rival_scores(rival, taste, scored.rows, scored.popularity)
        rankings = (
            free[self._percentiles[free] >= options.bar].tolist(),
            free[np.argsort(-theirs[free], kind="stable")].tolist(),
        )
        drafted = team_draft(rankings, many, options.seed, lambda at: np.flatnonzero(self._alike(at)).tolist())
        teams = {0: TASTE, 1: str(rival), None: ""}
        picks = [replace(self._made(at), team=teams[team]) for at, team in drafted]
        # No liked paper brought what the rival drafted; what speaks for it are words alone.
        return [
            pick if pick.team != rival else replace(pick, reasons=tuple(Reason(one.words) for one in pick.reasons[:1]))
            for pick in picks
        ]

    def list_titles(self, picked: Sequence[str], limit: int, seed: int) -> list[Ranked]:
        """The next best `limit` beside the picks, best first: none muted, none a near-duplicate of what is there.

        Spread by maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998) among the first GLANCE_AMONG.
        """
        scores, words = self._today(seed), self._scored.rows.sparse
        there = [self._scored.ids.index(paper_id) for paper_id in picked]
        order = [at for at in self._order(scores).tolist() if at not in there][:GLANCE_AMONG]
        rows, worth = words[order], scores[order]
        likeness = (rows @ words[there].T).toarray().max(axis=1, initial=0)
        price = SPREAD * float(worth.std()) if order else 0.0
        chosen: list[int] = []
        while len(chosen) < limit and (likeness < ALIKE).any():
            best = int(np.argmax(np.where(likeness < ALIKE, worth - price * likeness, -np.inf)))
            chosen.append(order[best])
            likeness = np.maximum(likeness, rows @ rows[[best]].toarray().ravel())
            likeness[best] = 1.0
        return [Ranked(self._scored.ids[at], float(self._scored.scores[at])) for at in sorted(chosen, key=order.index)]

    def _today(self, seed: int) -> Floats:
        """The scores that decide; before anything is known of a channel, a first impression and a draw."""
        scores = self._scored.scores
        if not self._taste.has_likes:
            return scores + self._first_impression() + _noise(seed, len(scores))
        return scores if self._taste.labels.like.any() else scores + self._in_doubt()

    def _in_doubt(self) -> Floats:
        """What speaks for other papers where topics have brought cards and nobody likes any: the topics may be the
        wrong ones, or say too little."""
        passed_by = len(self._taste.labels.paper_ids)
        doubt = np.float32(DOUBTED * passed_by / (passed_by + HALF_DOUBTED))
        unasked = np.array([not boosts for boosts in self._scored.boosts], bool)
        share = self._first_impression().argsort().argsort() / max(len(unasked), 1)
        added: Floats = (doubt * share * unasked).astype(np.float32)
        return added

    def standing(self, paper_id: str, options: PickOptions) -> Standing:
        """The standing of one candidate where `pick` chooses among all of them."""
        at, scores = self._scored.ids.index(paper_id), self._scored.scores
        picked = {pick.paper_id for pick in self.pick(options)}
        twins = [self._scored.ids[n] for n in np.flatnonzero(self._alike(at)).tolist() if n != at]
        return Standing(
            1 + int((scores > scores[at]).sum()),
            len(scores),
            paper_id in picked,
            bool(self._percentiles[at] < self._taste.has_likes * options.bar),
            next((twin for twin in twins if twin in picked), None),
        )

    def _first_impression(self) -> Floats:
        """What speaks for a paper when nothing is known of a channel: others voted for it, and it is about what many
        papers are about (measured: the first ten days have three times the likes of a random choice)."""
        typical = self._scored.rows.sparse @ self._scored.rows.sparse.sum(axis=0)
        typical = (typical - typical.mean()) / max(float(typical.std()), 1e-6) if len(typical) else typical
        impression: Floats = TYPICAL_WEIGHT * typical + POPULAR_WEIGHT * self._scored.popularity
        return impression

    def _alike(self, at: int) -> NDArray[np.bool_]:
        """Which candidates are this one or a near-duplicate of it."""
        words = self._scored.rows.sparse
        alike: NDArray[np.bool_] = words @ self._scored.rows.dense_row(at)[: words.shape[1]] >= ALIKE
        alike[at] = True
        return alike

    def _order(self, scores: Floats) -> Rows:
        """Those that no topic mutes, best first."""
        free = np.array([preference is None for preference in self._scored.muted], bool)
        order = best_first(scores)
        kept: Rows = order[free[order]]
        return kept

    def _guess(self, missed: Rows, chosen: list[int], limit: int) -> int | None:
        """The candidate that the model is least sure of among the good ones that just missed."""
        likes = np.count_nonzero(self._taste.labels.like)
        if limit < GUESS_FROM or likes < GUESS_FROM or len(chosen) < limit or not len(missed):
            return None
        doubt = [self._taste.uncertainty(self._scored.rows.dense_row(at)) for at in missed.tolist()]
        return int(missed[np.argmax(self._scored.utility[missed] + doubt)])

    def explain(self, paper_id: str) -> Explanation:
        """Why one candidate would or would not be picked."""
        at = self._scored.ids.index(paper_id)
        muted = self._scored.muted[at]
        return Explanation(
            self._scored.ids[at],
            float(self._scored.scores[at]),
            float(self._percentiles[at]),
            self._reasons.of(at),
            self._reasons.against(at),
            muted.text if muted else None,
            tuple(by.words for by, amount in self._scored.boosts[at].items() if by.words and amount < 0),
        )


def _noise(seed: int, size: int) -> Floats:
    """Gumbel noise: the order it gives is a draw without replacement, each paper in proportion to exp(score)."""
    return np.random.default_rng(seed).gumbel(size=size).astype(np.float32)


def best_first(scores: Floats) -> Rows:
    """The places of candidates by their scores; their ids ascend, so that a stable sort settles ties by id."""
    return np.argsort(-scores, kind="stable")
