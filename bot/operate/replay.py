"""`paperboy replay`: what the bot would have posted, and how it would have been liked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TypeVar

from bot.operate.saying import Failure, Problems, out, progress
from recommender import Paper
from recommender.formats import ChannelFeedback, Problem, read_feedback, read_papers
from recommender.replay import Replay, replay

_Record = TypeVar("_Record", Paper, ChannelFeedback)


def replay_files(paper_files: Sequence[Path], feedback_file: Path, as_json: bool) -> int:
    """Print a replay's figures; 1 when a line was skipped."""
    problems, papers = Problems(), list[Paper]()
    given = list(_good(feedback_file, read_feedback(feedback_file), problems))
    for file in paper_files:
        papers += _good(file, read_papers(file), problems)
    if not given:
        raise Failure(f"{feedback_file} holds no feedback to replay.")
    if not papers:
        raise Failure(f"{', '.join(map(str, paper_files))}: no papers to replay.")
    days = len({paper.published for paper in papers if paper.published})
    with progress("Replaying days") as tick:
        done = 0

        def one_day(_: date) -> None:
            nonlocal done
            done += 1
            tick(done, days)

        told = replay(papers, given, progress=one_day)
    out(json.dumps(asdict(told), indent=1) if as_json else _table(told))
    return problems.sum_up()


def _good(file: Path, records: Iterator[_Record | Problem], problems: Problems) -> Iterator[_Record]:
    try:
        for one in records:
            if isinstance(one, Problem):
                problems.tell(file, one)
            else:
                yield one
    except OSError as error:
        raise Failure(f"{file} can't be read: {error.strerror or error}.") from error


def _table(told: Replay) -> str:
    rows = ["week   days  posted  liked         most upvoted would have been liked"]
    for week in (*told.weeks, told.total):
        name = str(week.number) if week.number else "all"
        rows.append(
            f"{name:>4} {week.days:>6} {week.posted:>7} {week.liked:>6} ({week.precision:>4.0%})"
            f" {week.baseline_liked:>6} of {week.baseline_posted} ({week.baseline_precision:.0%})"
        )
    return "\n".join(rows)
