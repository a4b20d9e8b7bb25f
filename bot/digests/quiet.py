"""Why there are no papers: the weekend, a source that could not be read, sources that were not read yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.text import cut, plain_text
from bot.sources.guard import without_private_hosts
from bot.store import runs

_ARXIV = "arxiv"
_WEEKEND = "it is the weekend, and arXiv announces nothing on Saturdays and Sundays."
_TROUBLES_SHOWN = 3
_REASON_CHARS = 300
"""Of the reasons of all sources together."""


async def reason_of_sources(
    tx: AsyncConnection, day: date, read_since: datetime | None, sources: Collection[str] | None, since_when: str
) -> str:
    """Why the sources brought nothing for a day, as a sentence that begins small.

    `read_since` is the moment after which they should have been read, and `since_when` names it: "yet", "since the last
    digest". `sources` are the names of those that are switched on.
    """
    failing = await runs.failing(tx, sources)
    is_weekend = day.weekday() >= 5 and _ARXIV not in [run.source for run in failing]
    if failing:
        return f"{_WEEKEND} Besides, {troubles(failing)}" if is_weekend else troubles(failing)
    read_at = await runs.last_finished(tx)
    if read_at is None or (read_since and read_at <= read_since):
        return f"the sources have not been read {since_when}. What they list comes with the next one."
    if is_weekend:
        return _WEEKEND
    notes = await runs.notes_of_last(tx, sources)
    return plain_text(without_private_hosts(notes[0])) if notes else "no new papers were listed."


async def reason_of_span(
    tx: AsyncConnection, since: date, until: date, today: date, sources: Collection[str] | None
) -> str:
    """Why the store has no papers of a period, as a sentence."""
    if since > today:
        return "These days are still to come."
    if until < today:
        is_weekend = since == until and since.weekday() >= 5
        return "arXiv announces nothing on Saturdays and Sundays." if is_weekend else "No papers were listed then."
    reason = await reason_of_sources(tx, today, None, sources, "yet")
    return f"{reason[:1].upper()}{reason[1:]}"


def troubles(failing: Sequence[runs.Run]) -> str:
    """The sources that could not be read, each with its reason."""
    causes = []
    for run in failing[:_TROUBLES_SHOWN]:
        name, reason = without_private_hosts(run.source), without_private_hosts(run.reason, run.source)
        room = _REASON_CHARS // min(len(failing), _TROUBLES_SHOWN)
        causes.append(f"{plain_text(name)} could not be read ({cut(plain_text(reason), room).rstrip('.')})")
    if len(failing) > _TROUBLES_SHOWN:
        causes.append(f"{len(failing) - _TROUBLES_SHOWN} more could not be read either")
    return f"{'; '.join(causes)}. What was missed comes when {'it answers' if len(failing) == 1 else 'they answer'}."
