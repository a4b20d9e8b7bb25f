"""The tables. Instants are UTC, days are calendar days; what a row may go through is in `states`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime on every database; SQLite itself keeps no zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a naive datetime: nobody could say what it meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the store takes aware datetimes only")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, *more: Any, **how: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, *more, nullable=False, **how)


def _channel() -> sa.Column[int]:
    return sa.Column("channel_id", Id, sa.ForeignKey("channels.id", ondelete="CASCADE"), nullable=False)


def _paper(**how: Any) -> sa.Column[str]:
    return sa.Column("paper_id", sa.Text, sa.ForeignKey("papers.id", onupdate="CASCADE"), **how)


facts = sa.Table("facts", metadata, sa.Column("name", sa.Text, primary_key=True), _text("value"))
"""What is true of the store itself: its id, and the count of changes to papers."""

papers = sa.Table(
    "papers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _text("title"),
    _text("abstract"),
    sa.Column("authors", Json, nullable=False),
    sa.Column("categories", Json, nullable=False),
    sa.Column("published", sa.Date),
    sa.Column("upvotes", sa.Integer, nullable=False),
    sa.Column("comments", sa.Integer, nullable=False),
    _text("organization"),
    _text("url"),
    _text("doi"),
    # The day it became news; empty for papers that were only imported, looked up or replaced.
    sa.Column("listed_on", sa.Date, index=True),
    # When this store first heard that it is news: a digest looks at what came in since the last one.
    sa.Column("news_at", Instant, index=True),
    # The count of changes at its last change: the index reads on from the count it knows.
    sa.Column("revision", sa.BigInteger, nullable=False, index=True),
)

paper_names = sa.Table(
    "paper_names",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    _paper(nullable=False, index=True),
)
"""Every name under which a paper is known: arXiv id, DOI, title, and ids that were merged into it."""

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _text("platform"),
    _text("workspace"),
    _text("address"),
    _text("name"),
    _text("kind"),
    _text("state"),
    _text("state_reason"),
    _text("owner"),
    _text("hour"),
    _text("days"),
    _text("zone"),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("bar", sa.Float, nullable=False),
    sa.Column("guess", sa.Boolean, nullable=False),
    sa.Column("next_due_at", Instant),
    sa.Column("next_due_on", sa.Date),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("platform", "workspace", "address"),
    sa.Index("ix_channels_due", "state", "next_due_at"),
)

topics = sa.Table(
    "topics",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _channel(),
    _text("query"),
    sa.Column("muted", sa.Boolean, nullable=False),
    sa.Column("alert", sa.Boolean, nullable=False),
    _text("member"),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("channel_id", "query"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _channel(),
    sa.Column("local_date", sa.Date, nullable=False),
    _text("kind"),
    sa.Column("due_at", Instant, nullable=False),
    _text("state"),
    _text("reason"),
    sa.Column("planned_at", Instant, nullable=False),
    sa.UniqueConstraint("channel_id", "local_date", "kind"),
)
"""One digest, alert or submission of a channel; the unique row is what makes it happen once."""

posts = sa.Table(
    "posts",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("delivery_id", Id, sa.ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False),
    _channel(),
    _paper(nullable=True),
    sa.Column("position", sa.Integer, nullable=False),
    _text("key", unique=True),
    _text("state"),
    _text("reason"),
    sa.Column("body", Json, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("planned_at", Instant, nullable=False),
    sa.Column("not_before", Instant, nullable=False),
    sa.Column("sending_at", Instant),
    sa.Column("sent_at", Instant),
    sa.UniqueConstraint("channel_id", "paper_id"),
    sa.Index("ix_posts_message", "channel_id", "message"),
    sa.Index("ix_posts_state", "state", "not_before"),
)
"""One message of a delivery. A paper stands in a channel's posts once, for ever."""

votes = sa.Table(
    "votes",
    metadata,
    _channel(),
    _paper(nullable=False),
    _text("member"),
    _text("signal"),
    sa.Column("on", sa.Boolean, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("channel_id", "paper_id", "member", "signal"),
)
"""What each member's every emoji says of a paper, on or off, as last heard. Off rows stay: news may come late."""

saved = sa.Table(
    "saved",
    metadata,
    _text("platform"),
    _text("workspace"),
    _text("member"),
    _paper(nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("platform", "workspace", "member", "paper_id"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    _text("platform"),
    _text("event_id"),
    _text("state"),
    sa.Column("body", Json, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    _text("reason"),
    sa.Column("received_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("platform", "event_id"),
    sa.Index("ix_inbox_state", "state", "received_at"),
)
"""Events from platforms, written down before they are acknowledged."""

source_runs = sa.Table(
    "source_runs",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _text("source"),
    _text("state"),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Column("listed", sa.Integer, nullable=False),
    sa.Column("added", sa.Integer, nullable=False),
    _text("reason"),
    sa.Column("notes", Json, nullable=False),
    # What the source asked to be shown next time (ETag, Last-Modified), kept only of runs that are done.
    sa.Column("memory", Json, nullable=False),
    sa.Index("ix_source_runs_source", "source", "started_at"),
)
