"""From scored candidates to picks: the best ones, a guess, and no near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.index.snapshot import Rows
from recommender.learning.features import Features
from recommender.learning.scoring import ScoredCandidates
from recommender.learning.taste import TasteModel
from recommender.picking.baselines import Baseline, baseline_scores
from recommender.picking.cold_reasons import ColdReasons
from recommender.picking.interleaving import team_draft
from recommender.picking.reasons import Reasons
from recommender.values import Explanation, Pick, Ranked, Reason, Recommendation, Standing

TYPICAL_WEIGHT = 4.0
POPULAR_WEIGHT = 1.0
"""Weights before the first like: of one standard deviation of likeness to the day's mean, and of one e-fold of
upvotes."""
MAX_DOUBT_BONUS = 2.0
"""The largest bonus for papers that no topic asks for, in a channel with topics whose cards nobody likes."""
HALVING_CARDS = 10.0
"""The number of cards without any like at which the bonus is half of that."""
DUPLICATE_COSINE = 0.8
"""The least cosine of two near-duplicates."""
GUESS_FROM = 3
"""The least number of places in a digest, and of likes, for a guess."""
GUESS_AMONG = 3
"""A guess is one of this many best candidates that just missed: more of them cost likes (P@5 .31 to .28 with
twenty)."""
TITLES_AMONG = 60
"""The number of best unpicked candidates that titles are chosen from."""
DIVERSITY = 0.5
"""The cost of full likeness to a paper already listed, in standard deviations of the scores."""

TASTE_ARM = "taste"
"""The arm of the taste's own picks, in a digest shared with a baseline."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PickOptions:
    """How to pick: at most `limit` papers; the `seed` of all draws; the `bar` (0…1), the percentile below which nothing
    is picked; the `baseline` that shares the digest, if any; and whether the last place may go to a guess."""

    limit: int
    seed: int = 0
    bar: float = 0.0
    baseline: Baseline | None = None
    guess: bool = True


def ranked(scored: ScoredCandidates) -> list[Ranked]:
    """All candidates, best first."""
    order = best_first(scored.scores)
    scores = scored.scores[order].tolist()
    return [Ranked(scored.ids[at], score) for at, score in zip(order.tolist(), scores, strict=True)]


class Picker:
    """Chooses among scored candidates, with reasons."""

    def __init__(self, features: Features, taste: TasteModel, scored: ScoredCandidates) -> None:
        self._taste = taste
        self._scored = scored
        self._reasons = Reasons(features, taste, scored)
        self._reasons_of = (self._reasons if taste.has_likes else ColdReasons(features, taste, scored)).of
        self._percentiles = taste.percentiles(scored.utility)

    def recommend(self, options: PickOptions, titles: int) -> Recommendation:
        """The picks with at most `titles` titles below them, or whether a lower bar would bring any pick."""
        picks = self.pick(options)
        if not picks:
            return Recommendation(lower_bar_would_help=bool(self.pick(replace(options, bar=0.0))))
        listed = self.list_titles([pick.paper_id for pick in picks], titles, options.seed)
        from_neighbours = not self._taste.has_likes and self._taste.neighbours is not None
        return Recommendation(tuple(picks), tuple(title.paper_id for title in listed), from_neighbours=from_neighbours)

    def pick(self, options: PickOptions) -> list[Pick]:
        """The picks, best first, the guess last; shared with a baseline as soon as there is a taste."""
        other = options.baseline is not Baseline.BUILT_IN or self._taste.custom
        if options.baseline and self._taste.has_likes and other:
            return self._pick_interleaved(options, options.baseline)
        return self._pick_alone(options)

    def _pick_alone(self, options: PickOptions) -> list[Pick]:
        order = self._unmuted_best_first(self._ranking_scores(options.seed))
        order = order[self._percentiles[order] >= self._taste.has_likes * options.bar]
        chosen: list[int] = []
        while len(chosen) < options.limit and len(order):
            chosen.append(int(order[0]))
            order = order[~self._duplicates_of(chosen[-1])[order]]
        guess = self._guess(order[:GUESS_AMONG], chosen, options.limit) if options.guess else None
        if guess is not None:
            chosen = [*chosen[: options.limit - 1], guess]
        return [self._pick_at(at, guess=at == guess) for at in chosen]

    def _pick_at(self, at: int, *, guess: bool = False) -> Pick:
        score, percentile = float(self._scored.scores[at]), float(self._percentiles[at])
        return Pick(self._scored.ids[at], score, self._reasons_of(at), guess, percentile)

    def _pick_interleaved(self, options: PickOptions, baseline: Baseline) -> list[Pick]:
        """As many picks as the taste alone would make, interleaved with the ranking of a baseline. Each pick names its
        arm, and none is a guess. The bar belongs to the taste and does not apply to the baseline."""
        taste, scored = self._taste, self._scored
        count = len(self._pick_alone(options))
        unmuted = self._unmuted_best_first(scored.scores)
        baseline_ranking = baseline_scores(baseline, taste, scored)
        rankings = (
            unmuted[self._percentiles[unmuted] >= options.bar].tolist(),
            unmuted[np.argsort(-baseline_ranking[unmuted], kind="stable")].tolist(),
        )
        drafted = team_draft(rankings, count, options.seed, lambda at: np.flatnonzero(self._duplicates_of(at)).tolist())
        names = {0: TASTE_ARM, 1: str(baseline), None: ""}
        picks = [replace(self._pick_at(at), arm=names[arm]) for at, arm in drafted]
        # A pick of the baseline is not due to a liked paper, so its reason is words alone.
        return [
            replace(pick, reasons=tuple(Reason(reason.words) for reason in pick.reasons[:1]))
            if pick.arm == baseline
            else pick
            for pick in picks
        ]

    def list_titles(self, picked: Sequence[str], limit: int, seed: int) -> list[Ranked]:
        """The next best `limit` titles besides the picks, best first: none muted, none a near-duplicate of these.

        Spread by maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998) among the first TITLES_AMONG.
        """
        scores, words = self._ranking_scores(seed), self._scored.rows.sparse
        picked_at = [self._scored.ids.index(paper_id) for paper_id in picked]
        order = [at for at in self._unmuted_best_first(scores).tolist() if at not in picked_at][:TITLES_AMONG]
        rows, ranking = words[order], scores[order]
        likeness = (rows @ words[picked_at].T).toarray().max(axis=1, initial=0)
        price = DIVERSITY * float(ranking.std()) if order else 0.0
        chosen: list[int] = []
        while len(chosen) < limit and (likeness < DUPLICATE_COSINE).any():
            best = int(np.argmax(np.where(likeness < DUPLICATE_COSINE, ranking - price * likeness, -np.inf)))
            chosen.append(order[best])
            likeness = np.maximum(likeness, rows @ rows[[best]].toarray().ravel())
            likeness[best] = 1.0
        return [Ranked(self._scored.ids[at], float(self._scored.scores[at])) for at in sorted(chosen, key=order.index)]

    def _ranking_scores(self, seed: int) -> Floats:
        """The scores to rank by. Before a channel's first like they include the first impression and a random draw."""
        scores = self._scored.scores
        if not self._taste.has_likes:
            return scores + self._first_impression() + _gumbel_noise(seed, len(scores))
        return scores if self._taste.labels.like.any() else scores + self._doubt_bonus()

    def _doubt_bonus(self) -> Floats:
        """The bonus for papers outside the topics if topics have brought cards that nobody likes: the topics may be the
        wrong ones, or say too little."""
        ignored = len(self._taste.labels.paper_ids)
        doubt = np.float32(MAX_DOUBT_BONUS * ignored / (ignored + HALVING_CARDS))
        unasked = np.array([not boosts for boosts in self._scored.boosts], bool)
        share = self._first_impression().argsort().argsort() / max(len(unasked), 1)
        added: Floats = (doubt * share * unasked).astype(np.float32)
        return added

    def standing(self, paper_id: str, options: PickOptions) -> Standing:
        """The standing of one candidate where `pick` chooses among all of them."""
        at, scores = self._scored.ids.index(paper_id), self._scored.scores
        picked = {pick.paper_id for pick in self.pick(options)}
        twins = [self._scored.ids[n] for n in np.flatnonzero(self._duplicates_of(at)).tolist() if n != at]
        return Standing(
            1 + int((scores > scores[at]).sum()),
            len(scores),
            paper_id in picked,
            bool(self._percentiles[at] < self._taste.has_likes * options.bar),
            next((twin for twin in twins if twin in picked), None),
        )

    def _first_impression(self) -> Floats:
        """The bonus of a paper for a channel without likes: for its upvotes, and for a subject that many candidates
        have (measured: the first digest has twice the likes of a random choice)."""
        typical = self._scored.rows.sparse @ self._scored.rows.sparse.sum(axis=0)
        typical = (typical - typical.mean()) / max(float(typical.std()), 1e-6) if len(typical) else typical
        impression: Floats = TYPICAL_WEIGHT * typical + POPULAR_WEIGHT * self._scored.popularity
        return impression

    def _duplicates_of(self, at: int) -> NDArray[np.bool_]:
        """A mask of the candidates that are this one or a near-duplicate of it."""
        words = self._scored.rows.sparse
        alike: NDArray[np.bool_] = words @ self._scored.rows.dense_row(at)[: words.shape[1]] >= DUPLICATE_COSINE
        alike[at] = True
        return alike

    def _unmuted_best_first(self, scores: Floats) -> Rows:
        """The candidates that no topic mutes, best first."""
        unmuted = np.array([preference is None for preference in self._scored.muted], bool)
        order = best_first(scores)
        kept: Rows = order[unmuted[order]]
        return kept

    def _guess(self, missed: Rows, chosen: list[int], limit: int) -> int | None:
        """The most uncertain of the good candidates that just missed."""
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
            self._reasons_of(at),
            self._reasons.against(at),
            muted.text if muted else None,
            tuple(by.words for by, amount in self._scored.boosts[at].items() if by.words and amount < 0),
        )


def _gumbel_noise(seed: int, size: int) -> Floats:
    """Gumbel noise: sorting by score plus noise draws papers without replacement, each in proportion to exp(score)."""
    return np.random.default_rng(seed).gumbel(size=size).astype(np.float32)


def best_first(scores: Floats) -> Rows:
    """The places of candidates by score. Their ids ascend, so a stable sort settles ties by id."""
    return np.argsort(-scores, kind="stable")
