"""A store of many channels on PostgreSQL that have been served for ten days, written with COPY.

Each channel has five members, ten past digests of five cards, and a vote on each of those papers: four of five for
papers of the channel's own field, one against a paper of any field.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psycopg
import sqlalchemy as sa

from bot.installations.encryption import TokenCipher
from bot.platforms.slack.scopes import SCOPES
from bot.store import metadata
from bot.store import papers as stored_papers
from bot.store.opening import open_store
from recommender import Paper
from tests.benchmarks.corpus import papers as papers_of

CHANNELS_A_WORKSPACE = 10
DIGESTS, CARDS, MEMBERS = 10, 5, 5
VOTES = DIGESTS * CARDS
_LIKED_OF_FIVE = 4
_RECORDED_AT_ONCE = 2_000
_COPIED_AT_ONCE = 20_000
_Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Size:
    """How many channels, papers that were listed before, and papers that are listed today."""

    channels: int
    papers: int = 20_000
    news: int = 1_000


async def build(url: sa.URL, size: Size, file: Path, key: str, seed: int = 0) -> None:
    """Fill an empty database. The papers come from a file; `key` seals the tokens of the workspaces."""
    some = list(islice(papers_of(file), size.papers + size.news))
    if len(some) < size.papers + size.news:
        raise SystemExit(f"{file} has {len(some):,} papers; {size.papers + size.news:,} are wanted.")
    old, news = some[: size.papers], some[size.papers :]
    revision = await _record(url, old, news)
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        _copy(connection, "channels", _channels(size.channels))
        _copy(connection, "installations", _installations(size.channels, TokenCipher((key,), Path("unused"))))
        _copy(connection, "deliveries", _deliveries(size.channels, revision))
        interests = _Interests(old, seed)
        _copy(connection, "posts", _posts(size.channels, interests))
        _copy(connection, "votes", _votes(size.channels, interests))
        for table in ("channels", "deliveries", "posts"):
            connection.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), (select max(id) from {table}))")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("vacuum analyze")


async def _record(url: sa.URL, old: Sequence[Paper], news: Sequence[Paper]) -> int:
    """The old papers were news on the days before, the others are today's. Returns the revision of the old ones."""
    store, now = await open_store(url.render_as_string(hide_password=False)), datetime.now(UTC)
    ago = {paper.id: timedelta(days=1 + number % 30) for number, paper in enumerate(old)}

    async def record(some: Sequence[Paper]) -> None:
        for start in range(0, len(some), _RECORDED_AT_ONCE):
            batch = some[start : start + _RECORDED_AT_ONCE]
            days = {paper.id: (now - ago.get(paper.id, timedelta())).date() for paper in batch}
            async with store.write() as tx:
                await stored_papers.record(tx, batch, now, days)

    try:
        await record(old)
        async with store.read() as tx:
            revision = await metadata.revision(tx)
        await record(news)
    finally:
        await store.close()
    return revision


class _Interests:
    """Which papers each channel was shown, the same for each call."""

    def __init__(self, known: Sequence[Paper], seed: int) -> None:
        self._known, self._seed = [paper.id for paper in known], seed
        fields = defaultdict[str, list[str]](list)
        for paper in known:
            fields[paper.categories[0] if paper.categories else ""].append(paper.id)
        self._fields = [ids for ids in fields.values() if len(ids) >= 2 * VOTES] or [self._known]

    def shown_to(self, channel: int) -> list[tuple[str, bool]]:
        """The papers of the channel's past cards, in order, and whether each was liked."""
        chance = random.Random(f"{self._seed} {channel}")
        own = chance.sample(chance.choice(self._fields), VOTES)
        other = [paper for paper in chance.sample(self._known, 2 * VOTES) if paper not in own]
        turns = [place % CARDS < _LIKED_OF_FIVE for place in range(VOTES)]
        return [(own.pop() if liked else other.pop(), liked) for liked in turns]


def _channels(count: int) -> Iterator[_Row]:
    made_at, due = datetime.now(UTC) - timedelta(days=30), datetime.now(UTC) + timedelta(days=1)
    yield (
        *("id", "platform", "workspace", "address", "name", "kind", "private", "state", "state_reason", "owner"),
        *("hour", "days", "zone", "count", "bar", "guess", "titles", "next_due_at", "next_due_on", "created_at"),
    )
    for channel in range(1, count + 1):
        yield (
            *(channel, "slack", workspace_of(channel), f"C{channel}", f"papers-{channel}", "channel", "f"),
            *("active", "", f"U{channel}X0", "09:00", "daily", "UTC", CARDS, 0.5, "t", 10, due, due.date(), made_at),
        )


def workspace_of(channel: int) -> str:
    """The workspace of a channel."""
    return f"T{(channel - 1) // CHANNELS_A_WORKSPACE}"


def _installations(channels: int, cipher: TokenCipher) -> Iterator[_Row]:
    now, scopes = datetime.now(UTC), "[" + ", ".join(f'"{scope}"' for scope in sorted(SCOPES)) + "]"
    yield (
        *("platform", "workspace", "name", "bot_user", "bot", "installer", "scopes", "token", "refresh_token"),
        "installed_at",
    )
    for workspace in dict.fromkeys(map(workspace_of, range(1, channels + 1))):
        token = cipher.encrypt(f"xoxb-{workspace}-1", now)
        yield "slack", workspace, workspace, f"U{workspace}", f"B{workspace}", "", scopes, token, "", now


def _deliveries(channels: int, revision: int) -> Iterator[_Row]:
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    yield "id", "channel_id", "local_date", "kind", "due_at", "state", "reason", "planned_at", "papers_revision"
    for channel in range(1, channels + 1):
        for place in range(DIGESTS):
            at = today - timedelta(days=DIGESTS - place)
            number = (channel - 1) * DIGESTS + place + 1
            yield number, channel, at.date(), "digest", at, "planned", "", at, revision


def message_of(channel: int, digest: int, position: int) -> str:
    """The id of a past message: of the nth digest, and its place there."""
    return f"17{digest:02}000{position:03}.{channel % 1_000_000:06}"


def _posts(channels: int, interests: _Interests) -> Iterator[_Row]:
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    yield (
        *("delivery_id", "channel_id", "paper_id", "position", "key", "state", "reason", "body", "attempts"),
        *("message", "planned_at", "not_before", "sent_at"),
    )
    for channel in range(1, channels + 1):
        shown = [paper for paper, _ in interests.shown_to(channel)]
        for place in range(DIGESTS):
            at, delivery = today - timedelta(days=DIGESTS - place), (channel - 1) * DIGESTS + place + 1
            for position, paper in enumerate([None, *shown[place * CARDS : (place + 1) * CARDS]]):
                message = message_of(channel, place, position)
                yield (
                    *(delivery, channel, paper, position, f"b{delivery}-{position}", "sent", "", "{}", 1, message),
                    *(at, at, at),
                )


def _votes(channels: int, interests: _Interests) -> Iterator[_Row]:
    at = datetime.now(UTC) - timedelta(hours=30)
    yield "channel_id", "paper_id", "member", "signal", "on", "at"
    for channel in range(1, channels + 1):
        for place, (paper, liked) in enumerate(interests.shown_to(channel)):
            voted_at = at - timedelta(days=DIGESTS - 1 - place // CARDS)
            yield channel, paper, f"U{channel}X{place % MEMBERS}", "👍" if liked else "👎", "t", voted_at


def _copy(connection: psycopg.Connection, table: str, rows: Iterator[_Row]) -> None:
    """Put rows into a table. The first one has the names of the columns."""
    columns = ", ".join(f'"{name}"' for name in next(rows))
    with connection.cursor() as cursor, cursor.copy(f"copy {table} ({columns}) from stdin".encode()) as into:
        while some := list(islice(rows, _COPIED_AT_ONCE)):
            into.write("".join("\t".join(map(_text, row)) + "\n" for row in some))


def _text(value: object) -> str:
    return r"\N" if value is None else str(value)
