"""The checks of `paperboy check` that read the store: late digests, what was given up, PostgreSQL and its queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.digests.layout import most_messages, supported_styles
from bot.installations import store_key
from bot.installations.encryption import TokenCipher, TokensUnreadable
from bot.model.messages import Style
from bot.model.text import count
from bot.ports.platform import Capabilities, Clock, Finding
from bot.settings import Settings
from bot.store import counts
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.errors import StoreAway, StoreMissing
from bot.store.states import ChannelState

_LATE = timedelta(minutes=15)
"""A digest may be late by so much where many are due at once."""
_GIVEN_UP_WITHIN = timedelta(days=7)
_VOTED_WITHIN = timedelta(days=30)
_HOUR = timedelta(hours=1)


async def deliveries(store: Store, now: Clock) -> Finding:
    """Check that no due digest waits, and tell what was given up in the last week."""
    async with store.read() as tx:
        waiting = await counts.waiting(tx, now())
        failures = await counts.failures(tx, now() - _GIVEN_UP_WITHIN)
    late = now() - waiting.due_since if waiting.due_since else timedelta(0)
    if late > _LATE:
        # One that is planned and not all sent is not among those that are due.
        digests = "A digest has" if waiting.due < 2 else f"{waiting.due:,} digests have"
        return Finding(
            f"{digests} not been posted, the oldest for {_duration(late)}.",
            "Is `paperboy run` running? If it is, its log says why; if not, start it: what is not too late is posted.",
        )
    notes = []
    if failures.posts:
        notes.append(f"{count(failures.posts, 'post')} failed within a week, the last because: {failures.reason}.")
    if failures.events:
        notes.append(
            f"{count(failures.events, 'event')} of platforms could not be recorded within a week; see the log."
        )
    return Finding(mend=" ".join(notes))


async def learning(store: Store, now: Clock) -> Finding:
    """Check that anybody votes: where nobody does for a month, the platform's events may not arrive."""
    async with store.read() as tx:
        shown, voting = await counts.voting(tx, now() - _VOTED_WITHIN)
    days = _VOTED_WITHIN.days
    if shown and not voting:
        return Finding(
            f"Nobody has voted for {days} days in {count(shown, 'channel')} that got papers, so nothing was learned.",
            "Put a 👍 on a card. If `/papers taste` does not know of it there, the platform tells the bot of none: its "
            "other checks say why. If it does, the papers may be wrong: `/papers subscribe TOPIC` helps.",
        )
    return Finding(
        mend=f"Of {count(shown, 'channel')} with papers {voting:,} voted within {days} days." if shown else ""
    )


async def connections(store: Store, settings: Settings) -> Finding:
    """Check that PostgreSQL admits as many connections as the processes of this bot may open together."""
    async with store.read() as tx:
        in_use, admitted = await counts.connections(tx)
        processes = max(await counts.bots(tx), 1)
    each = settings.database_connections
    who = "one process" if processes == 1 else f"the {processes} processes"
    together = f"{who} of Paperboy may open {processes * each}"
    if processes * each > admitted:
        least = f"{admitted // processes} or lower" if admitted >= processes else "lower"
        return Finding(
            f"PostgreSQL admits {admitted} connections, and {together}.",
            f"Set PAPERBOY_DATABASE_CONNECTIONS to {least} for each, or max_connections of PostgreSQL higher.",
        )
    return Finding(
        mend=f"PostgreSQL admits {admitted} connections; {in_use} are open, and {together}: there is room for "
        f"{admitted // each} such processes."
    )


async def pace(stored_channels: Sequence[Channel], can: Capabilities) -> Finding:
    """Check that the platform takes the digests of its busiest hour within that hour."""
    active = [one for one in stored_channels if one.state is ChannelState.ACTIVE and one.next_due_at]
    messages, compact = Counter[datetime](), Counter[datetime]()
    for channel in active:
        assert channel.next_due_at
        hour = channel.next_due_at.replace(minute=0, second=0, microsecond=0)
        messages[hour] += most_messages(channel.style, can, channel.count, channel.titles)
        compact[hour] += most_messages(Style.COMPACT, can, channel.count, channel.titles)
    if not messages:
        return Finding()
    [(hour, busiest)] = messages.most_common(1)
    takes = timedelta(seconds=busiest / can.requests_a_second)
    told = f"Up to {busiest:,} messages are due at {hour:%H:%M} UTC"
    rate = f"at {can.requests_a_second:.0f} requests a second for the whole bot"
    if takes <= _HOUR:
        return Finding(mend=f"{told}; {rate} they take {_minutes(takes)}.")
    mend = "Let channels have other hours (`/papers schedule`)."
    if Style.COMPACT in supported_styles(can):
        shorter = _minutes(timedelta(seconds=compact[hour] / can.requests_a_second))
        mend = (
            f"As compact digests they would take {shorter}: `/papers settings style compact` in a channel, and "
            f"PAPERBOY_DIGEST__STYLE=compact for new ones. {mend}"
        )
    return Finding(f"{told}, and {rate} they take {_minutes(takes)}.", mend)


def _minutes(takes: timedelta) -> str:
    seconds = takes.total_seconds()
    if seconds > _HOUR.total_seconds():
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 60:.0f} minutes" if seconds > 90 else f"{seconds:.0f} s"


async def encryption_key(store: Store, cipher: TokenCipher) -> Finding:
    """Check that this process has the encryption key of the others."""
    try:
        agreed = await store_key.check(store, cipher)
    except TokensUnreadable as error:
        problem, _, mend = str(error).partition(": ")
        return Finding(f"{problem}.", f"{mend[:1].upper()}{mend[1:]}")
    return Finding(mend=f"It is the key {agreed}, which every process must have.")


async def jobs(store: Store) -> Finding:
    """Check that no job of the queue has failed for good."""
    from bot.jobs.postgres_queue import PostgresQueue  # imports the engine, which SQLite does without

    queue = PostgresQueue(store)
    try:
        failed, counts_by_kind = await queue.failed(), await queue.counts()
    except StoreAway:
        raise
    except StoreMissing as error:
        return Finding(mend=str(error), seen=False)
    if failed:
        kinds = ", ".join(f"{kind} ({number:,})" for kind, number in sorted(counts_by_kind.failed.items()))
        have = "1 job has" if len(failed) == 1 else f"{len(failed):,} jobs have"
        return Finding(
            f"{have} failed for good: {kinds}; the last because: {failed[0].reason}.",
            "The log tells more. Each is tried again after an hour; `paperboy jobs --retry` does it now.",
        )
    waiting = sum(counts_by_kind.waiting.values())
    return Finding(mend=f"{count(waiting, 'job')} waiting or running." if waiting else "")


def _duration(late: timedelta) -> str:
    hours = int(late.total_seconds() // 3600)
    if hours >= 48:
        return f"{hours // 24} days"
    return count(hours, "hour") if hours else f"{int(late.total_seconds() // 60)} minutes"
