"""The papers that are measured on: real ones from a folder, or made-up ones of real size."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender import Paper
from recommender.formats import read_papers, write_papers

SIZE, MORE = 81_096, 47_858
_FILES = 2
_WORDS, _PHRASES, _ABSTRACT = 120_000, 400_000, 85


def paper_files(data: Path | None, folder: Path) -> tuple[Path, Path]:
    """The two largest files of papers in `data`; or two made up in `folder`."""
    if data is None:
        some = made_up(SIZE + MORE)
        write_papers(folder / "papers.jsonl", islice(some, SIZE))
        write_papers(folder / "more.jsonl", some)
        return folder / "papers.jsonl", folder / "more.jsonl"
    found = [*data.rglob("papers*.jsonl"), *data.rglob("papers*.jsonl.gz")]
    if len(found) < _FILES:
        raise SystemExit(f"Fewer than {_FILES} files papers*.jsonl or papers*.jsonl.gz in {data}.")
    largest, second, *_ = sorted(found, key=lambda path: path.stat().st_size, reverse=True)
    return largest, second


def made_up(count: int, seed: int = 0) -> Iterator[Paper]:
    """Papers whose words and phrases are about as many, as frequent and as long as in real abstracts."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfwypvbgkqjxz"))
    share = 1 / np.arange(4, 30)
    spelled = rng.choice(letters, (_WORDS, 12), p=share / share.sum())
    lengths = np.clip(rng.poisson(6, _WORDS), 2, 12)
    words = ["".join(row[:length]) for row, length in zip(spelled, lengths, strict=True)]
    phrases = _zipf(rng, _WORDS, (_PHRASES, 4))
    sizes = rng.integers(1, 5, _PHRASES)
    for number in range(count):
        told = [words[w] for p in _zipf(rng, _PHRASES, _ABSTRACT) for w in phrases[p, : sizes[p]]]
        yield Paper(
            id=f"{2400 + number // 9000 % 12 + 1:04d}.{number % 90_000:05d}",
            title=" ".join(told[:9]),
            abstract=" ".join(told[9:]) + ".",
            categories=(f"cs.{'ABCDEFGHIJ'[number % 10]}{'LVRI'[number % 4]}",),
            published=date(2025, 1, 1) + timedelta(days=number % 365),
        )


def texts(file: Path) -> list[str]:
    """Title and abstract of every paper."""
    return [f"{paper.title} {paper.abstract}" for paper in papers(file)]


def papers(file: Path) -> Iterator[Paper]:
    """Every paper of the file that can be read."""
    return (paper for paper in read_papers(file) if isinstance(paper, Paper))


def _zipf(rng: np.random.Generator, size: int, shape: int | tuple[int, ...]) -> NDArray[np.int64]:
    """Ranks below `size`, each about as frequent as one over itself."""
    ranks: NDArray[np.int64] = np.exp(rng.random(shape) * np.log(size + 1)).astype(np.int64) - 1
    return np.minimum(ranks, size - 1)
