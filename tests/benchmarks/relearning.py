"""Learning one channel anew and ranking the day's papers, beside arxiv-sanity-lite's SVM on all papers."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from recommender import Feedback, Recommender
from tests.benchmarks.corpus import papers, texts
from tests.benchmarks.figures import Figure

REACTIONS, CANDIDATES, LIKED_SHARE = 500, 400, 0.3
_REPEATS = 15


def run(file: Path, folder: Path) -> list[Figure]:
    """500 reactions and 400 candidates over the index in `folder`, against a fit on the papers of `file`."""
    engine = Recommender.open(folder)
    ids = [paper.id for paper in papers(file)]
    rng = np.random.default_rng(0)
    drawn = [ids[n] for n in rng.choice(len(ids), REACTIONS + CANDIDATES, replace=False)]
    reacted, candidates = drawn[:REACTIONS], drawn[REACTIONS:]
    now = datetime(2025, 12, 1, tzinfo=UTC)
    feedback = [
        Feedback(paper_id, float(rng.random() < LIKED_SHARE), now - timedelta(hours=n), f"member{n % 5}")
        for n, paper_id in enumerate(reacted)
    ]
    # The counts of the whole index are worked out once after each reading of the sources, not per channel.
    engine.rank(feedback, candidates, now=now)
    took = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        engine.rank(feedback, candidates, now=now)
        took.append(time.perf_counter() - start)
    liked = {item.paper_id for item in feedback if item.value > 0}
    theirs = _svm(texts(file), np.array([paper_id in liked for paper_id in ids]))
    name = f"learn {REACTIONS} reactions, rank {CANDIDATES} papers"
    return [Figure(name, statistics.median(took), theirs, "s", 1 / 200)]


def _svm(read: list[str], liked: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    rows = TfidfVectorizer(
        max_features=20_000,
        min_df=5,
        max_df=0.1,
        ngram_range=(1, 2),
        stop_words="english",
        token_pattern=r"(?u)[a-zA-Z_][a-zA-Z0-9_\-]+",
        sublinear_tf=True,
        dtype=np.float32,
    ).fit_transform(read)
    start = time.perf_counter()
    LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, tol=1e-6, random_state=0).fit(rows, liked)
    return time.perf_counter() - start
