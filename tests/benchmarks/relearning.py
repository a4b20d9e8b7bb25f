"""Learning channels anew and ranking the day's papers for them, beside models fitted on all papers."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender import Feedback, Recommender
from recommender.learning.logistic import BIAS_SCALE, fit
from recommender.learning.matrix import FeatureMatrix
from tests.benchmarks.corpus import papers, texts
from tests.benchmarks.figures import Figure, in_child, report

REACTIONS, CANDIDATES, LIKED_SHARE = 500, 400, 0.3
_WITHIN_SECONDS = 0.005
CHANNELS, VOTES, LISTED = 100_000, 50, 1_000
"""Many channels: how many there are, what each has reacted to, and what is listed that day."""
_MANY_WITHIN_SECONDS = 180.0
_SHOWN = 8_000
"""Papers that channels were shown so far: they react to what the same sources listed."""
_CORES = 2
_REPEATS = 15
_NOW = datetime(2025, 12, 1, tzinfo=UTC)


def run(file: Path, folder: Path, channels: int = CHANNELS) -> list[Figure]:
    """Over the index in `folder`, against fits on the papers of `file`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    told = in_child(__name__, "one", str(file), str(folder), on_one_core=True)
    ranks, picks = told["ranks"], told["picks"]
    many = _many(folder, channels)
    liked = {item.paper_id for item in _one(file)[0] if item.value > 0}
    labels = np.array([paper.id in liked for paper in papers(file)])
    rows = _rows(texts(file))
    svm = _fitted(LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, tol=1e-6, random_state=0), rows, labels)
    logistic = _fitted(LogisticRegression(C=0.4, class_weight="balanced", max_iter=1_000), rows, labels)
    name = f"learn {REACTIONS} reactions, rank {CANDIDATES} papers"
    of_many = f"{channels:,} channels of {VOTES} reactions, {LISTED:,} papers"
    return [
        Figure(f"{name} (beside LinearSVC)", ranks, svm, "s", 1 / 200),
        Figure(f"{name} (logistic regression)", ranks, logistic, "s", 1 / 50),
        Figure(f"{name} (beside 5 ms)", ranks, _WITHIN_SECONDS, "s", 1.0),
        Figure("the same with five picks and their reasons (10 ms)", picks, 2 * _WITHIN_SECONDS, "s", 1.0),
        Figure("the solver's fit (LogisticRegression, same problem)", told["solver"], told["logistic"], "s", 1 / 2),
        Figure("TasteClassifier's fit (the same)", told["classifier"], told["logistic"], "s", 1.0),
        Figure(f"{name} (LogisticRegression put in)", ranks, told["put_in"], "s", 1.0),
        Figure(f"{of_many} (3 min)", many, _MANY_WITHIN_SECONDS * channels / CHANNELS, "s", 1.0),
    ]


def one_channel(file: str, folder: str) -> dict[str, float]:
    """Seconds to rank and to pick for one channel, and to fit its rows in several ways. LogisticRegression solves the
    same problem, by the quickest of its solvers, to about the same precision."""
    from sklearn.linear_model import LogisticRegression

    from recommender.estimators import TasteClassifier

    engine = Recommender.open(folder)
    feedback, candidates = _one(Path(file))
    logistic = LogisticRegression(C=3.0, solver="liblinear", intercept_scaling=BIAS_SCALE, tol=1e-2)
    rows = _Rows()
    engine.with_estimator(rows).rank(feedback, candidates, now=_NOW)
    matrix = FeatureMatrix(csr_array(rows.x, dtype=np.float32), np.zeros((len(rows.y), 0), np.float32))
    put_in = engine.with_estimator(logistic)
    return {
        "ranks": _median(lambda: engine.rank(feedback, candidates, now=_NOW)),
        "picks": _median(lambda: engine.pick(feedback, candidates, 5, now=_NOW)),
        "solver": _median(lambda: fit(matrix, rows.y == 1, rows.weights, 3.0)),
        "classifier": _median(lambda: TasteClassifier().fit(rows.x, rows.y, rows.weights)),
        "logistic": _median(lambda: logistic.fit(rows.x, rows.y, rows.weights)),
        "put_in": _median(lambda: put_in.rank(feedback, candidates, now=_NOW)),
    }


class _Rows:
    """A classifier that keeps the rows it is fitted to, for others to fit."""

    x: Any
    y: Any
    weights: Any

    def fit(self, x: Any, y: Any, sample_weight: Any) -> None:
        self.x, self.y, self.weights = x, y, sample_weight

    def decision_function(self, x: Any) -> NDArray[np.float64]:
        return np.zeros(x.shape[0])

    def __sklearn_clone__(self) -> _Rows:
        return self


def many_channels(folder: str, seed: str, channels: str) -> dict[str, float]:
    """Seconds for so many channels."""
    engine, rng = Recommender.open(folder), np.random.default_rng(int(seed))
    snapshot = engine._now().snapshot
    ids = [snapshot.id_of(number) for number in snapshot.alive[-_SHOWN - LISTED :].tolist()]
    shown, listed = ids[:-LISTED], ids[-LISTED:]

    def some(count: int) -> Iterator[tuple[Sequence[Feedback], Sequence[str]]]:
        for _ in range(count):
            yield _reactions([shown[n] for n in rng.integers(0, len(shown), VOTES)], rng), ()

    for _ in engine.rank_many(some(500), listed, 5, _NOW):
        pass  # rows of the papers are made once, for whoever asks first
    start = time.perf_counter()
    done = sum(1 for _ in engine.rank_many(some(int(channels)), listed, 5, _NOW))
    assert done == int(channels)
    return {"seconds": time.perf_counter() - start}


def _many(folder: Path, channels: int) -> float:
    """Seconds for all channels, half of them on each core."""
    each = str(channels // _CORES)
    with ThreadPoolExecutor(_CORES) as pool:
        told = pool.map(
            lambda seed: in_child(__name__, "many", str(folder), str(seed), each, on_one_core=True), range(_CORES)
        )
        return max(one["seconds"] for one in told)


def _one(file: Path) -> tuple[list[Feedback], list[str]]:
    """What one channel has reacted to, and the day's candidates."""
    rng, ids = np.random.default_rng(0), [paper.id for paper in papers(file)]
    drawn = [ids[n] for n in rng.choice(len(ids), REACTIONS + CANDIDATES, replace=False)]
    return _reactions(drawn[:REACTIONS], rng), drawn[REACTIONS:]


def _reactions(paper_ids: Sequence[str], rng: np.random.Generator) -> list[Feedback]:
    liked = (rng.random(len(paper_ids)) < LIKED_SHARE).tolist()
    return [
        Feedback(paper_id, float(likes), _NOW - timedelta(hours=n), f"member{n % 5}")
        for n, (paper_id, likes) in enumerate(zip(paper_ids, liked, strict=True))
    ]


def _median(ask: Callable[[], object]) -> float:
    """Seconds, when the counts of the index have been worked out: that is done once after each reading of sources."""
    ask()
    took = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        ask()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def _rows(read: list[str]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        max_features=20_000,
        min_df=5,
        max_df=0.1,
        ngram_range=(1, 2),
        stop_words="english",
        token_pattern=r"(?u)[a-zA-Z_][a-zA-Z0-9_\-]+",
        sublinear_tf=True,
        dtype=np.float32,
    ).fit_transform(read)


def _fitted(model: Any, rows: Any, liked: NDArray[np.bool_]) -> float:
    start = time.perf_counter()
    model.fit(rows, liked)
    return time.perf_counter() - start


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    steps: dict[str, Callable[..., dict[str, float]]] = {"one": one_channel, "many": many_channels}
    report(**steps[what](*arguments))
