"""How well search orders papers, beside FTS5 and tantivy, on collections whose best answers people have judged."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.corpus import papers
from tests.benchmarks.engines import ENGINES, Engine
from tests.benchmarks.figures import Figure

DEPTH = 10
TO_REACH = {"cranfield": 0.42, "cisi": 0.39, "scifact_train": 0.72, "known_item": 0.99}
_BEHIND = {"known_item": 2.0}
"""Where nearly everything is found at once, as little as one query is a large share of what is missing."""


@dataclass(frozen=True, slots=True)
class Collection:
    """`queries`: their texts by id; `grades`: how good each paper is for each query, where it is at all; `own`: a paper
    that a query was made of, which is no answer to it."""

    name: str
    papers: Path
    queries: Mapping[str, str]
    grades: Mapping[str, Mapping[str, float]]
    own: Mapping[str, str]


def run(data: Path, file: Path, folder: Path) -> list[Figure]:
    """What each engine lacks to the perfect order, for every collection in `data`/search. One without papers of its own
    asks for those of `file`."""
    figures = []
    for collection in _collections(data / "search", file):
        lacks = {}
        for name, kind in ENGINES.items():
            engine = kind(folder / collection.name / name)
            engine.add(papers(collection.papers))
            lacks[name] = 1 - ndcg(engine, collection)
        title = f"{collection.name}: 1 − nDCG@{DEPTH}"
        if collection.name in TO_REACH:
            bound = TO_REACH[collection.name]
            figures.append(Figure(f"{title} (beside 1 − {bound})", lacks["ours"], 1 - bound, "", 1.0))
        behind = _BEHIND.get(collection.name, 1.0)
        figures += [
            Figure(f"{title} ({name})", lacks["ours"], lacks[name], "", behind) for name in lacks if name != "ours"
        ]
    return figures


def ndcg(engine: Engine, collection: Collection) -> float:
    """The mean over the queries of the normalised discounted cumulative gain at DEPTH (Järvelin & Kekäläinen 2002)."""
    from sklearn.metrics import ndcg_score

    gained = []
    for query_id, grades in collection.grades.items():
        found = engine.find(collection.queries[query_id], DEPTH + 1)
        shown = [paper_id for paper_id in found if paper_id != collection.own.get(query_id)][:DEPTH]
        # What was not found stands below DEPTH places without any grade.
        missed = [grade for paper_id, grade in grades.items() if paper_id not in shown]
        ordered = [*(grades.get(paper_id, 0.0) for paper_id in shown), *[0.0] * DEPTH, *missed]
        gained.append(ndcg_score([ordered], [range(len(ordered), 0, -1)], k=DEPTH))
    return float(np.mean(gained))


def _collections(folder: Path, file: Path) -> Iterator[Collection]:
    """Folders that hold queries.jsonl ({id, text}), qrels.txt (TREC: query 0 paper grade) and perhaps papers."""
    for one in sorted(path.parent for path in folder.glob("*/qrels.txt")):
        queries = {str(row["id"]): row for row in _rows(one / "queries.jsonl")}
        grades: dict[str, dict[str, float]] = defaultdict(dict)
        for line in (one / "qrels.txt").read_text().splitlines():
            query_id, _, paper_id, grade = line.split()
            if float(grade) > 0 and query_id in queries:
                grades[query_id][paper_id] = float(grade)
        texts = {query_id: str(row["text"]) for query_id, row in queries.items()}
        own = {query_id: str(row["doc"]) for query_id, row in queries.items() if "doc" in row}
        yield Collection(one.name, next(one.glob("papers.jsonl*"), file), texts, grades, own)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as lines:
        yield from map(json.loads, lines)
