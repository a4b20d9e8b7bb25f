"""Search beside FTS5 and tantivy: what people type, what they paste, completion, size, memory, adding."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from tests.benchmarks.corpus import papers
from tests.benchmarks.engines import ENGINES
from tests.benchmarks.figures import Figure, in_child, report

PAGE = 5
_SLIPS = 0.1
"""Share of the typed queries in which two letters are swapped."""
_SLIPPED = 5
"""Letters from which on a word is long enough for that."""
_WARM_UP = 20
_MOST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Load:
    """How many queries are typed and paragraphs pasted, and how many days of how many papers come in."""

    typed: int = 1_500
    pasted: int = 200
    days: int = 8
    a_day: int = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: queries of a few words, paragraphs, and queries as far as they are typed."""

    typed: tuple[str, ...]
    pasted: tuple[str, ...]
    begun: tuple[str, ...]


Steps = dict[str, dict[str, float]]
"""What was measured of an engine, by step."""
_MEASURED = {
    "1–5 words, with snippets: p50": ("ask", "typed p50", "ms"),
    "1–5 words, with snippets: p99": ("ask", "typed p99", "ms"),
    "a paragraph, with snippets: p99": ("ask", "pasted p99", "ms"),
    "completion: p99": ("ask", "begun p99", "ms"),
    "peak memory while asked": ("ask", "memory", "MiB"),
    "index and texts on disk": ("build", "size", "MiB"),
    "build": ("build", "seconds", "s"),
    "peak memory of building": ("build", "memory", "MiB"),
    "add a day's papers, and search": ("grow", "seconds", "s"),
}
_BOUNDS = (2.0, 10.0, 40.0, 5.0)
"""Milliseconds, for the first of them."""
_TARGETS = {
    "FTS5": (0.1, 0.2, 0.1, 0.1, 7.0, 1.5, 3.0, 15.0, 2.0),
    "tantivy": (3.0, 4.0, 1.0, 3.0, 4.0, 4.0, 6.0, 5.0, 3.0),
}
"""For each of them: ahead of the rival by this much, or behind it by no more."""
_TWICE = 2.0


def run(file: Path, more: Path, folder: Path, load: Load | None = None) -> list[Figure]:
    """Every engine on the papers of `file`, and ours once more with those of `more`; each step in its own process."""
    load = load or Load()
    queries = folder / "queries.json"
    folder.mkdir()
    queries.write_text(json.dumps(asdict(drawn(file, load))))
    measured = {name: _measured(name, file, more, folder / name, queries, load) for name in ENGINES}
    ours = measured["ours"]
    figures = []
    for bound, (name, (step, key, unit)) in zip(_BOUNDS, _MEASURED.items(), strict=False):
        figures.append(Figure(f"{name} (beside {bound:g} ms)", ours[step][key], bound, unit, 1.0))
    grown = f"{ours['grow']['papers'] / ours['build']['papers']:.2f} × the papers"
    for name, (step, key, unit) in islice(_MEASURED.items(), len(_BOUNDS) + 1):
        figures.append(Figure(f"{name} ({grown})", ours["ask again"][key], ours[step][key], unit, _TWICE))
    figures.append(
        Figure(f"index and texts on disk ({grown})", ours["grow"]["size"], ours["build"]["size"], "MiB", _TWICE)
    )
    for rival, targets in _TARGETS.items():
        for target, (name, (step, key, unit)) in zip(targets, _MEASURED.items(), strict=True):
            figures.append(Figure(f"{name} ({rival})", ours[step][key], measured[rival][step][key], unit, target))
    return figures


def drawn(file: Path, load: Load, seed: int = 0) -> Asked:
    """Queries out of the papers: words that follow each other in a title, some with a slip; abstracts; and the former
    as far as they are typed after each key."""
    rng = random.Random(seed)
    some = rng.sample(every := list(papers(file)), min(load.typed, len(every)))
    typed = tuple(_typed(rng.choice(some).title.split() or ["learning"], rng) for _ in range(load.typed))
    begun = [query[:end] for query in typed for end in range(3, len(query) + 1)]
    return Asked(
        typed,
        tuple(paper.abstract for paper in some[: load.pasted]),
        tuple(rng.sample(begun, min(load.typed, len(begun)))),
    )


def _typed(title: Sequence[str], rng: random.Random) -> str:
    count = min(rng.randint(1, _MOST_WORDS), len(title))
    start = rng.randrange(len(title) - count + 1)
    words = list(title[start : start + count])
    longest = max(range(count), key=lambda at: len(words[at]))
    if rng.random() < _SLIPS and len(words[longest]) >= _SLIPPED:
        word = words[longest]
        at = rng.randrange(1, len(word) - 2)
        words[longest] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _measured(name: str, file: Path, more: Path, folder: Path, queries: Path, load: Load) -> Steps:
    steps: Steps = {}
    steps["build"] = in_child(__name__, "build", name, str(folder), str(file))
    steps["ask"] = in_child(__name__, "ask", name, str(folder), str(queries))
    steps["grow"] = in_child(
        __name__, "grow", name, str(folder), str(more), str(queries), str(load.days), str(load.a_day)
    )
    if name == "ours":
        steps["ask again"] = in_child(__name__, "ask", name, str(folder), str(queries))
    return steps


def build(name: str, folder: str, file: str) -> dict[str, float]:
    """Index every paper of a file."""
    engine = ENGINES[name](Path(folder))
    start = time.perf_counter()
    engine.add(papers(Path(file)))
    return {"seconds": time.perf_counter() - start, "papers": engine.count(), "size": _size(Path(folder))}


def ask(name: str, folder: str, queries: str) -> dict[str, float]:
    """Open the index and ask everything."""
    engine = ENGINES[name](Path(folder))
    asked = Asked(**json.loads(Path(queries).read_text()))
    told: dict[str, float] = {}
    steps: dict[str, tuple[Callable[[str], object], Sequence[str]]] = {
        "typed": (lambda text: engine.answer(text, PAGE), asked.typed),
        "pasted": (lambda text: engine.answer(text, PAGE), asked.pasted),
        "begun": (engine.complete, asked.begun),
    }
    for step, (do, texts) in steps.items():
        for text in texts[-_WARM_UP:]:
            do(text)
        took = []
        for text in texts:
            start = time.perf_counter()
            do(text)
            took.append(1e3 * (time.perf_counter() - start))
        told[f"{step} p50"], told[f"{step} p99"] = (float(np.quantile(took, share)) for share in (0.5, 0.99))
    return told


def grow(name: str, folder: str, more: str, queries: str, days: str, a_day: str) -> dict[str, float]:
    """Add papers day by day, each day searched at once, then all the others."""
    engine = ENGINES[name](Path(folder))
    [query, *_] = json.loads(Path(queries).read_text())["typed"]
    engine.answer(query, PAGE)
    coming = papers(Path(more))
    took = []
    for _ in range(int(days)):
        some = list(islice(coming, int(a_day)))
        start = time.perf_counter()
        engine.add(some)
        engine.answer(query, PAGE)
        took.append(time.perf_counter() - start)
    engine.add(coming)
    return {"seconds": float(np.mean(took)), "papers": engine.count(), "size": _size(Path(folder))}


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    steps: dict[str, Callable[..., dict[str, float]]] = {"build": build, "ask": ask, "grow": grow}
    report(**steps[what](*arguments))
