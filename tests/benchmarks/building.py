"""Reading and indexing every paper, beside scikit-learn's TfidfVectorizer; and opening that index again."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from recommender import Recommender
from tests.benchmarks.corpus import papers, texts
from tests.benchmarks.figures import Figure, in_child

SHARE_OF_TIME = 0.6
"""The store's own writing has to fit into the rest."""


def run(file: Path, folder: Path) -> list[Figure]:
    """Time and memory of building, time of opening and the first search; each in a process of its own."""
    ours, our_memory = in_child(__name__, "build", str(file), str(folder))
    fit, their_memory = in_child(__name__, "vectorizer", str(file))
    opened, _ = in_child(__name__, "open", str(folder))
    return [
        Figure("read and index every paper", ours["seconds"], fit["seconds"], "s", SHARE_OF_TIME),
        Figure("peak memory of that", our_memory, their_memory, "MiB", 0.5),
        Figure("open the index and search (beside building it)", opened["seconds"], ours["seconds"], "s", 0.02),
    ]


def build(file: str, folder: str) -> float:
    """Seconds to read a file of papers and index them."""
    start = time.perf_counter()
    Recommender.open(folder).add(papers(Path(file)))
    return time.perf_counter() - start


def vectorizer(file: str) -> float:
    """Seconds that scikit-learn takes to fit the same texts, read beforehand."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    read = texts(Path(file))
    start = time.perf_counter()
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(read)
    return time.perf_counter() - start


def reopen(folder: str) -> float:
    """Seconds to open the index and answer the first search."""
    start = time.perf_counter()
    Recommender.open(folder).search("graph neural networks")
    return time.perf_counter() - start


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    steps: dict[str, Callable[..., float]] = {"build": build, "vectorizer": vectorizer, "open": reopen}
    print(json.dumps({"seconds": steps[what](*arguments)}))
