"""Small made-up papers for these tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from recommender import Feedback, Paper
from recommender.learning.labels import aggregate_labels

NOW = datetime(2025, 3, 1, 9, tzinfo=UTC)

_SUBJECTS = {
    "federated": "federated learning clients aggregation privacy servers non-iid devices communication rounds",
    "vision": "image segmentation convolution pixels camera detection objects scenes depth video",
    "language": "language models tokens prompts transformers attention text corpora translation reasoning",
    "physics": "quantum entanglement lattice spin magnets photons superconductors temperature phases",
}
_COMMON = [
    "we",
    "propose",
    "method",
    "evaluate",
    "results",
    "on",
    "several",
    "benchmarks",
    "with",
    "strong",
    "performance",
]


def made(subject: str, number: int, **fields: object) -> Paper:
    """The subject's n-th paper: its words in an order of its own, among words that every paper has."""
    own = _SUBJECTS[subject].split()
    turned = own[number % len(own) :] + own[: number % len(own)]
    words = [word for pair in zip(turned, _COMMON[number % 5 :] + _COMMON, strict=False) for word in pair]
    held: dict[str, object] = {
        "id": f"{subject}-{number}",
        "title": f"{turned[0].title()} and {turned[3]} study{number}",
        "abstract": " ".join(words[: 12 + number % 6]) + ".",
        "authors": (f"Ada {subject.title()}", f"Bob Number{number}"),
        "categories": ("cs.LG", f"x.{subject[:2].upper()}"),
        "published": date(2025, 1, 1) + timedelta(days=number % 50),
    }
    return Paper(**{**held, **fields})  # type: ignore[arg-type]


def library(each: int = 40) -> list[Paper]:
    """`each` papers of every subject."""
    return [made(subject, number) for number in range(each) for subject in _SUBJECTS]


def votes(*ids: str, value: float = 1.0, member: str | None = "ada", days: int = 0) -> list[Feedback]:
    """One vote for each id, cast `days` before NOW."""
    return [Feedback(paper_id, value, NOW - timedelta(days=days), member) for paper_id in ids]


class PaperLabel(NamedTuple):
    """What feedback says of one paper."""

    paper_id: str
    like: float
    dislike: float
    ignored: float


def paper_labels(feedback: Iterable[Feedback], now: datetime) -> list[PaperLabel]:
    """The verdicts on each paper."""
    labels = aggregate_labels(feedback, now)
    columns = labels.like.tolist(), labels.dislike.tolist(), labels.ignored.tolist()
    return [PaperLabel(*one) for one in zip(labels.paper_ids, *columns, strict=True)]
