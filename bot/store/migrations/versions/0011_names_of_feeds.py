"""Feeds are named by their host and a hash: an address may hold a password or a key."""

import re
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ADDRESS = re.compile(r"feed (https?://\S+)")
_json = sa.JSON()
_runs = sa.table(
    "source_runs",
    sa.column("id", sa.BigInteger),
    sa.column("source", sa.Text),
    sa.column("reason", sa.Text),
    sa.column("notes", _json),
    sa.column("memory", _json),
)
_deliveries = sa.table("deliveries", sa.column("id", sa.BigInteger), sa.column("reason", sa.Text))
_posts = sa.table("posts", sa.column("id", sa.BigInteger), sa.column("reason", sa.Text), sa.column("body", _json))


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    tx = op.get_bind()
    sources = tx.execute(sa.select(_runs.c.source).distinct().where(_runs.c.source.like("feed http%"))).scalars().all()
    for source in sources:
        url = source.removeprefix("feed ")
        of_it = _runs.c.source == source
        for row in tx.execute(sa.select(_runs).where(of_it)).all():
            tx.execute(
                sa.update(_runs)
                .where(_runs.c.id == row.id)
                .values(
                    source=_name(url),
                    reason=_scrubbed(row.reason.replace(url, _name(url))),
                    notes=_scrubbed(row.notes),
                    # A feed has one address, so the header's name is enough to know what the value is of.
                    memory={key.partition(" ")[0]: value for key, value in row.memory.items()},
                )
            )
    for table in (_runs, _deliveries, _posts):
        for column in table.c:
            if column.name in ("reason", "notes", "body"):
                told = sa.cast(column, sa.Text).like("%feed http%")
                for row in tx.execute(sa.select(table.c.id, column).where(told)).all():
                    tx.execute(sa.update(table).where(table.c.id == row.id).values({column: _scrubbed(row[1])}))


def _name(url: str) -> str:
    """As `bot.sources.feed.feed_name`."""
    try:
        host = urlsplit(url.strip()).hostname or ""
    except ValueError:
        host = ""
    shown = host if re.fullmatch(r"[a-z0-9.:-]{1,100}", host) else "with an odd address"
    return f"feed {shown} ({sha256(url.encode(errors='replace')).hexdigest()[:6]})"


def _scrubbed(value: Any) -> Any:
    match value:
        case str():
            return _ADDRESS.sub(lambda found: _name(found[1]), value)
        case list():
            return [_scrubbed(one) for one in value]
        case dict():
            return {key: _scrubbed(one) for key, one in value.items()}
    return value
