"""`paperboy replay`: which papers the bot would have posted and which of them would have been liked, from files or from
a channel's own history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from bot.digests import feedback
from bot.digests.feedback import EmojiTable
from bot.model.text import count
from bot.operate.classifiers import BUILT_IN, failures, loaded_estimator
from bot.operate.context import opened_store
from bot.operate.output import CommandError, Problems, out, progress
from bot.operate.store import channel_named
from bot.settings import Settings
from bot.store import papers
from recommender import Paper
from recommender.evaluation.replay import Replay, ReplayComparison, compare_replays, replay
from recommender.formats import ChannelFeedback, Problem, read_feedback, read_papers

_AT_ONCE = 1_000
_Record = TypeVar("_Record", Paper, ChannelFeedback)


def replay_files(settings: Settings, paper_files: Sequence[Path], feedback_file: Path, as_json: bool) -> int:
    """Print a replay's figures. Returns the exit code: 1 when a line was skipped."""
    problems, all_papers = Problems(), list[Paper]()
    history = list(_readable(feedback_file, read_feedback(feedback_file), problems))
    for file in paper_files:
        all_papers += _readable(file, read_papers(file, datetime.now(UTC).date()), problems)
    if not history:
        raise CommandError(f"{feedback_file} holds no feedback to replay.")
    if not all_papers:
        raise CommandError(f"{', '.join(map(str, paper_files))}: no papers to replay.")
    _print(settings, all_papers, history, as_json)
    return problems.sum_up()


async def replay_channel(settings: Settings, name: str, as_json: bool) -> None:
    """Print the figures of a channel's own history: every paper is a candidate on the day it was listed."""
    emoji = EmojiTable.of(settings.votes.likes, settings.votes.dislikes)
    async with opened_store(settings) as store, store.read() as tx:
        channel = await channel_named(tx, name)
        history = await feedback.of_channel(tx, channel.id, emoji)
        if not history:
            raise CommandError(f"{name} has said nothing yet: no reaction, and no paper shown.")
        all_papers, after = list[Paper](), ""
        while page := await papers.page(tx, after, _AT_ONCE):
            days = await papers.listed_on(tx, [paper.id for paper in page])
            all_papers += [replace(paper, published=days.get(paper.id)) for paper in page]
            after = page[-1].id
    _print(settings, all_papers, [ChannelFeedback(name, each) for each in history], as_json)


def _print(settings: Settings, all_papers: Sequence[Paper], history: Sequence[ChannelFeedback], as_json: bool) -> None:
    """Print the replay; where the settings name a classifier, that of its picks, and beside it the built-in one's."""
    estimator = loaded_estimator(settings)
    days = len({paper.published for paper in all_papers if paper.published})
    with progress("Replaying days") as tick:
        done = 0

        def day_done(_: date) -> None:
            nonlocal done
            done += 1
            tick(done, days)

        if estimator is None:
            result, compared = replay(all_papers, history, progress=day_done), None
        else:
            compared = compare_replays(all_papers, history, estimator, progress=day_done)
            result = compared.custom
    if as_json:
        out(json.dumps(asdict(result) | (_as_json(compared) if compared else {}), indent=1))
    else:
        out("\n".join([_table(result), *(_comparison_lines(settings.taste.estimator, compared) if compared else [])]))


def _readable(file: Path, records: Iterator[_Record | Problem], problems: Problems) -> Iterator[_Record]:
    try:
        for record in records:
            if isinstance(record, Problem):
                problems.add(file, record)
            else:
                yield record
    except OSError as error:
        raise CommandError(f"{file} can't be read: {error.strerror or error}.") from error


def _as_json(compared: ReplayComparison) -> dict[str, object]:
    return {
        "built_in": asdict(compared.built_in.total),
        "weeks_compared": compared.pairs,
        "difference": compared.difference.mean,
        "standard_error": compared.difference.standard_error,
        "failures": compared.failures,
    }


def _comparison_lines(name: str, compared: ReplayComparison) -> list[str]:
    """The two classifiers in a table, and the difference with its standard error."""
    rows, width = ["", ""], max(len(name), len(BUILT_IN))
    rows[1] = f"{'classifier':<{width}}  posted  liked                liked a day"
    for classifier, replayed in ((BUILT_IN, compared.built_in), (name, compared.custom)):
        week = replayed.total
        share = f"{week.liked} of {week.judged} ({week.precision:.0%})"
        rows.append(f"{classifier:<{width}} {week.posted:>7}  {share:<20} {week.liked_per_day:>11.3f}")
    rows.append(f"{'difference':<{width}} {'':>28} {compared.difference!s:>19}")
    return [*rows, f"± is the standard error over {count(compared.pairs, 'week')} of channels.", *failures(compared)]


def _table(result: Replay) -> str:
    rows = ["week   days  quiet  posted  liked                most upvoted"]
    for week in (*result.weeks, result.total):
        name = str(week.number) if week.number else "all"
        share = f"{week.liked} of {week.judged} ({week.precision:.0%})"
        upvoted = f"{week.baseline_liked} of {week.baseline_judged} ({week.baseline_precision:.0%})"
        rows.append(
            f"{name:>4} {week.days:>6} {week.quiet:>6} {week.posted:>7}  {share:<20} "
            + (upvoted if week.baseline_judged else "-")
        )
    total = result.total
    if total.judged < total.posted or total.baseline_judged < total.baseline_posted:
        rows.append(
            f"Only what was shown can have been liked: {total.judged:,} of the {total.posted:,} picks were, and "
            f"{total.baseline_judged:,} of the {total.baseline_posted:,} most upvoted papers; the shares are of those."
        )
    return "\n".join(rows)
