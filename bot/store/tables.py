"""The tables. Instants are UTC, days are calendar days; what a row may go through is in `states`."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

_LONGEST_NAME = 500
"""Bytes of a text that is part of a key: PostgreSQL indexes rows of up to 2,704 bytes, and keys have up to 4 texts."""


def clean_text(text: str) -> str:
    """The text without what a database refuses: NUL characters, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:  # as nearly all are; looking is ten times faster than rewriting
        return text
    return text.replace("\0", "").encode(errors="ignore").decode()


def clean_name(text: str) -> str:
    """The same for a text that is part of a key; one too long for that is cut, and told apart by its hash."""
    text = clean_text(text)
    if len(encoded := text.encode()) <= _LONGEST_NAME:
        return text
    return f"{encoded[: _LONGEST_NAME - 33].decode(errors='ignore')}~{sha256(encoded).hexdigest()[:32]}"


def _clean_json(value: Any) -> Any:
    match value:
        case str():
            return clean_text(value)
        case list() | tuple():
            return [_clean_json(one) for one in value]
        case dict():
            return {_clean_json(name): _clean_json(one) for name, one in value.items()}
    return value


class Text(sa.types.TypeDecorator[str]):
    """A text from anywhere, cleaned on its way in."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Take out what a database refuses."""
        return None if value is None else clean_text(value)


class Name(sa.types.TypeDecorator[str]):
    """A text in a key: cleaned and bounded, and so found again by what it was called."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Take out what a database refuses, and what an index can't hold."""
        return None if value is None else clean_name(value)


class Json(sa.types.TypeDecorator[Any]):
    """Lists and dicts, their texts cleaned on the way in."""

    impl = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        """Take out what a database refuses."""
        return _clean_json(value)


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


Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def insert_new(tx: AsyncConnection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that does nothing when the row is there, even one that another process is just writing; `rowcount`
    says which."""
    insert: postgresql.Insert | sqlite.Insert = (
        sqlite.insert(table).on_conflict_do_nothing()
        if tx.dialect.name == "sqlite"
        else postgresql.insert(table).on_conflict_do_nothing()
    )
    return insert.execution_options(preserve_rowcount=True)


def _text(name: str, **how: Any) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=False, **how)


def _name(name: str, **how: Any) -> sa.Column[str]:
    return sa.Column(name, Name, nullable=False, **how)


def _channel() -> sa.Column[int]:
    return sa.Column("channel_id", Id, sa.ForeignKey("channels.id", ondelete="CASCADE"), nullable=False)


def _paper(**how: Any) -> sa.Column[str]:
    return sa.Column("paper_id", Name, sa.ForeignKey("papers.id", onupdate="CASCADE"), **how)


facts = sa.Table("facts", metadata, _name("name", primary_key=True), _text("value"))
"""What is true of the store itself: its id, and the count of changes to papers."""

papers = sa.Table(
    "papers",
    metadata,
    _name("id", primary_key=True),
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
    # When this store first heard that it is news: a topic is alerted of what came after it was made.
    sa.Column("news_at", Instant, index=True),
    # The count of changes at its last change: the index reads on from the count it knows.
    sa.Column("revision", sa.BigInteger, nullable=False, index=True),
    # The same count when it became news: a digest looks at what came in since the last one. Counts become visible in
    # order, times do not.
    sa.Column("news_revision", sa.BigInteger, index=True),
    # Whether members gave it and no source listed it: only the rooms that `contributions` names may see it.
    sa.Column("private", sa.Boolean, nullable=False, server_default=sa.false(), index=True),
)

removed_papers = sa.Table(
    "removed_papers",
    metadata,
    _name("id", primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False, index=True),
)
"""Papers that turned out to be others, and the count of changes at that: the index forgets them."""

paper_names = sa.Table(
    "paper_names",
    metadata,
    _name("name", primary_key=True),
    _paper(nullable=False, index=True),
)
"""Every name under which a paper is known: arXiv id, DOI, title, and ids that were merged into it."""

contributed_names = sa.Table(
    "contributed_names",
    metadata,
    _name("name"),
    sa.Column("paper_id", Name, sa.ForeignKey("papers.id", onupdate="CASCADE", ondelete="CASCADE"), nullable=False),
    sa.PrimaryKeyConstraint("name", "paper_id"),
    sa.Index("ix_contributed_names_paper_id", "paper_id"),
)
"""The names of private papers. They stand apart from `paper_names`, so that what a member writes never says which of
the sources' papers are the same one."""

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _name("platform"),
    _name("workspace"),
    _name("address"),
    _text("name"),
    _text("kind"),
    # A private channel's name is nobody else's business.
    sa.Column("private", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("state"),
    _text("state_reason"),
    _name("owner"),
    _text("hour"),
    _text("days"),
    _text("zone"),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("bar", sa.Float, nullable=False),
    # Whether the bar rises from there as the channel's own likes tell.
    sa.Column("bar_learned", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("guess", sa.Boolean, nullable=False),
    _text("style", server_default="cards"),
    sa.Column("titles", sa.Integer, nullable=False, server_default="10"),
    sa.Column("next_due_at", Instant),
    sa.Column("next_due_on", sa.Date),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("platform", "workspace", "address"),
    sa.Index("ix_channels_due", "state", "next_due_at"),
    sqlite_autoincrement=True,
)

topics = sa.Table(
    "topics",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _channel(),
    _name("query"),
    sa.Column("muted", sa.Boolean, nullable=False),
    sa.Column("alert", sa.Boolean, nullable=False),
    _name("member"),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("channel_id", "query"),
)

contributions = sa.Table(
    "contributions",
    metadata,
    sa.Column("paper_id", Name, sa.ForeignKey("papers.id", onupdate="CASCADE", ondelete="CASCADE"), nullable=False),
    _channel(),
    _name("member"),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("paper_id", "channel_id", "member"),
    sa.Index("ix_contributions_channel_id", "channel_id"),
)
"""Which member gave a private paper to which channel. A private paper lives as long as it has a row here."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _channel(),
    sa.Column("local_date", sa.Date, nullable=False),
    _name("kind"),
    # The paper that an alert or a submission begins with; "" for a digest.
    _name("subject", server_default=sa.text("''")),
    sa.Column("due_at", Instant, nullable=False),
    _text("state"),
    _text("reason"),
    sa.Column("planned_at", Instant, nullable=False),
    # The count of changes to the papers that it was made from: what became news later is for the next one.
    sa.Column("papers_revision", sa.BigInteger, nullable=False, server_default="0"),
    sa.UniqueConstraint("channel_id", "local_date", "kind", "subject"),
    sqlite_autoincrement=True,
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
    _name("key", unique=True),
    _text("state"),
    _text("reason"),
    sa.Column("body", Json, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("message", Name),
    sa.Column("planned_at", Instant, nullable=False),
    sa.Column("not_before", Instant, nullable=False),
    # While it may have been posted: the first moment at which that may have happened.
    sa.Column("sending_at", Instant),
    sa.Column("sent_at", Instant),
    # Whether it goes in the thread of its delivery's first message.
    sa.Column("threaded", sa.Boolean, nullable=False, server_default=sa.false()),
    # Whether its numbered papers are further titles for a glance, and none of the picks.
    sa.Column("glance", sa.Boolean, nullable=False, server_default=sa.false()),
    # While it may have been posted: when the last try to send it began.
    sa.Column("tried_at", Instant),
    sa.UniqueConstraint("channel_id", "paper_id"),
    sa.Index("ix_posts_message", "channel_id", "message"),
    sa.Index("ix_posts_state", "state", "not_before"),
)
"""One message of a delivery. A paper stands in a channel's posts or their numbers once, for ever."""

numbers = sa.Table(
    "numbers",
    metadata,
    sa.Column("post_id", Id, sa.ForeignKey("posts.id", ondelete="CASCADE"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    _channel(),
    _paper(nullable=True),
    sa.PrimaryKeyConstraint("post_id", "number"),
    sa.UniqueConstraint("channel_id", "paper_id"),
)
"""Which paper a number on a message stands for, counted from 1."""

choices = sa.Table(
    "choices",
    metadata,
    sa.Column("delivery_id", Id, sa.ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False),
    _paper(nullable=False, index=True),
    # Its place among the digest's cards, from 1; empty for a paper that was not picked.
    sa.Column("place", sa.Integer),
    # The share of random papers that the taste of that day put below it; empty before there was a taste.
    sa.Column("fit", sa.Float),
    sa.Column("guess", sa.Boolean, nullable=False),
    # Whose pick it was, where two learners shared the digest.
    sa.Column("team", Text),
    # Its place among the most upvoted papers that could have been picked, from 1; empty for one not among them.
    sa.Column("upvoted", sa.Integer),
    sa.PrimaryKeyConstraint("delivery_id", "paper_id"),
)
"""What was picked for a digest, as it was seen then, and what the most upvoted list would have brought instead."""

votes = sa.Table(
    "votes",
    metadata,
    _channel(),
    _paper(nullable=False),
    _name("member"),
    _name("signal"),
    sa.Column("on", sa.Boolean, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("channel_id", "paper_id", "member", "signal"),
)
"""What each member's every emoji says of a paper, on or off, as last heard. Off rows stay: news may come late."""

corrections = sa.Table(
    "corrections",
    metadata,
    _channel(),
    _name("words"),
    _name("member"),
    sa.Column("value", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("channel_id", "words", "member"),
)
"""Votes of members on words instead of papers: 1 for more of them, -1 for less."""

saved = sa.Table(
    "saved",
    metadata,
    _name("platform"),
    _name("workspace"),
    _name("member"),
    _paper(nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("platform", "workspace", "member", "paper_id"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    _name("platform"),
    _name("event_id"),
    _text("state"),
    sa.Column("body", Json, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    _text("reason"),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("member_hash", Text, nullable=True),
    sa.PrimaryKeyConstraint("platform", "event_id"),
    sa.Index("ix_inbox_state", "state", "received_at"),
    sa.Index("ix_inbox_member_hash", "platform", "member_hash"),
)
"""Events from platforms, written down before they are acknowledged."""

source_runs = sa.Table(
    "source_runs",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _name("source"),
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

installations = sa.Table(
    "installations",
    metadata,
    _name("platform"),
    _name("workspace"),
    _text("name"),
    _text("bot_user"),
    _text("bot"),
    _name("installer"),
    sa.Column("scopes", Json, nullable=False),
    # Both sealed; empty where the token stands in the settings.
    _text("token"),
    _text("refresh_token"),
    sa.Column("expires_at", Instant),
    sa.Column("installed_at", Instant, nullable=False),
    # Its token is dead: nothing can be done there until it is installed again.
    sa.Column("revoked_at", Instant),
    # The workspace removed the bot: what is kept of it is deleted some time after this.
    sa.Column("uninstalled_at", Instant),
    sa.PrimaryKeyConstraint("platform", "workspace"),
)
"""The workspaces that the bot is, or was, installed in."""
