"""Why there are no papers: the weekend, a source that could not be read, sources that were not read yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests.candidates import DigestCandidates
from bot.digests.channel_facts import ChannelFacts
from bot.digests.digest import ALL_HERE
from bot.model.text import cut, plain_text
from bot.sources.guard import without_private_hosts
from bot.store import runs
from bot.store.runs import Run

_ARXIV = "arxiv"
_WEEKEND = "it is the weekend, and arXiv announces nothing on Saturdays and Sundays."
_TROUBLES_SHOWN = 3
_REASON_CHARS = 300
"""Of the reasons of all sources together."""


@dataclass(frozen=True, slots=True)
class SourcesState:
    """How the sources are: those whose last run failed, when a run last ended, and the first note of the last ones."""

    failing: Sequence[Run]
    read_at: datetime | None
    note: str


async def read_state(tx: AsyncConnection, sources: Collection[str] | None) -> SourcesState:
    """How the sources are now. `sources` are the names of those that are switched on."""
    notes = await runs.notes_of_last(tx, sources)
    return SourcesState(await runs.failing(tx, sources), await runs.last_finished(tx), notes[0] if notes else "")


def reason_of_digest(
    facts: ChannelFacts, candidates: DigestCandidates, too_high: float | None, state: SourcesState, day: date
) -> str:
    """One sentence that says why there is nothing to post. `too_high` is the bar that kept every paper out, None where
    another reason did."""
    if candidates.unseen:
        new_count = len(candidates.unseen)
        papers_text = "1 new paper was" if new_count == 1 else f"{new_count} new papers were"
        if too_high is None:
            return f"{papers_text} listed, all about what this channel muted."
        learned = ", as its own likes set the bar" if too_high > facts.channel.bar else ""
        return (
            f"{papers_text} listed, none close enough to what this channel likes{learned}. "
            f"`/papers settings bar {max(too_high - 0.2, 0):.1f}` lets more through."
        )
    if candidates.recent and not state.failing:
        return ALL_HERE
    read_since, since_when = (facts.latest.planned_at, "since the last digest") if facts.latest else (None, "yet")
    return reason_of_sources(state, day, read_since, since_when)


def reason_of_sources(state: SourcesState, day: date, read_since: datetime | None, since_when: str) -> str:
    """Why the sources brought nothing for a day, as a sentence that begins small.

    `read_since` is the moment after which they should have been read, and `since_when` names it: "yet", "since the last
    digest".
    """
    failing, read_at = state.failing, state.read_at
    is_weekend = day.weekday() >= 5 and _ARXIV not in [run.source for run in failing]
    if failing:
        return f"{_WEEKEND} Besides, {troubles(failing)}" if is_weekend else troubles(failing)
    if read_at is None or (read_since and read_at <= read_since):
        return f"the sources have not been read {since_when}. What they list comes with the next one."
    if is_weekend:
        return _WEEKEND
    return plain_text(without_private_hosts(state.note)) if state.note else "no new papers were listed."


async def reason_of_span(
    tx: AsyncConnection, since: date, until: date, today: date, sources: Collection[str] | None
) -> str:
    """Why the store has no papers of a period, as a sentence."""
    if since > today:
        return "These days are still to come."
    if until < today:
        is_weekend = since == until and since.weekday() >= 5
        return "arXiv announces nothing on Saturdays and Sundays." if is_weekend else "No papers were listed then."
    reason = reason_of_sources(await read_state(tx, sources), today, None, "yet")
    return f"{reason[:1].upper()}{reason[1:]}"


def troubles(failing: Sequence[Run]) -> str:
    """The sources that could not be read, each with its reason."""
    causes = []
    for run in failing[:_TROUBLES_SHOWN]:
        name, reason = without_private_hosts(run.source), without_private_hosts(run.reason, run.source)
        room = _REASON_CHARS // min(len(failing), _TROUBLES_SHOWN)
        causes.append(f"{plain_text(name)} could not be read ({cut(plain_text(reason), room).rstrip('.')})")
    if len(failing) > _TROUBLES_SHOWN:
        causes.append(f"{len(failing) - _TROUBLES_SHOWN} more could not be read either")
    return f"{'; '.join(causes)}. What was missed comes when {'it answers' if len(failing) == 1 else 'they answer'}."
