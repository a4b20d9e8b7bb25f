"""`paperboy papers import` of every paper, beside scikit-learn's TfidfVectorizer; and opening that store again."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bot.operate.context import opened_paper_index
from bot.operate.papers import import_papers
from bot.settings import Settings, load
from tests.benchmarks.corpus import texts
from tests.benchmarks.figures import Figure, in_child, report


def run(file: Path, folder: Path) -> list[Figure]:
    """Time and memory of importing, time of opening and the first search; each in a process of its own."""
    ours = in_child(__name__, "build", str(file), str(folder))
    fit = in_child(__name__, "vectorizer", str(file))
    opened = in_child(__name__, "open", str(folder))
    return [
        Figure("import and index every paper", ours["seconds"], fit["seconds"], "s", 1.0),
        Figure("peak memory of that", ours["memory"], fit["memory"], "MiB", 0.5),
        Figure("open the store and search (beside building it)", opened["seconds"], ours["seconds"], "s", 0.02),
    ]


def build(file: str, folder: str) -> float:
    """Seconds to import a file of papers into a new store and index them."""
    start = time.perf_counter()
    asyncio.run(import_papers(_settings(folder), [Path(file)]))
    return time.perf_counter() - start


def vectorizer(file: str) -> float:
    """Seconds that scikit-learn takes to fit the same texts, read beforehand."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    read = texts(Path(file))
    start = time.perf_counter()
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(read)
    return time.perf_counter() - start


def reopen(folder: str) -> float:
    """Seconds to open store and index and to answer the first search."""

    async def first_search() -> None:
        async with opened_paper_index(_settings(folder)) as (_, paper_index):
            assert paper_index.engine.search("graph neural networks")

    start = time.perf_counter()
    asyncio.run(first_search())
    return time.perf_counter() - start


def _settings(folder: str) -> Settings:
    return load(None, {}).model_copy(update={"data_dir": Path(folder), "database_url": ""})


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    steps: dict[str, Callable[..., float]] = {"build": build, "vectorizer": vectorizer, "open": reopen}
    report(seconds=steps[what](*arguments))
