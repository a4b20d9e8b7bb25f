"""The tables. Instants are in UTC, days are calendar days. `states` has the states of the rows."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

_LONGEST_NAME = 500
"""Bytes of a text in a key. PostgreSQL indexes rows of up to 2,704 bytes, and keys have up to four texts."""


def clean_text(text: str) -> str:
    """The text without the characters that databases refuse: NUL, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:  # nearly every text; this check is ten times faster than the rewriting
        return text
    return text.replace("\0", "").encode(errors="ignore").decode()


def clean_name(text: str) -> str:
    """The cleaned text for a key. A text that is too long is cut, and a hash makes it unique."""
    text = clean_text(text)
    if len(encoded := text.encode()) <= _LONGEST_NAME:
        return text
    return f"{encoded[: _LONGEST_NAME - 33].decode(errors='ignore')}~{sha256(encoded).hexdigest()[:32]}"


def clean_json(value: Any) -> Any:
    """The lists and dicts with all their texts cleaned."""
    match value:
        case str():
            return clean_text(value)
        case list() | tuple():
            return [clean_json(item) for item in value]
        case dict():
            return {clean_json(name): clean_json(item) for name, item in value.items()}
    return value


class Text(sa.types.TypeDecorator[str]):
    """A text, which is cleaned when it is stored."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Remove the characters that databases refuse."""
        return None if value is None else clean_text(value)


class Name(sa.types.TypeDecorator[str]):
    """A text in a key, which is cleaned and bounded when it is stored and when it is looked up."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Remove the characters that databases refuse, and bound the length."""
        return None if value is None else clean_name(value)


class Json(sa.types.TypeDecorator[Any]):
    """Lists and dicts, whose texts are cleaned when they are stored."""

    impl = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        """Remove the characters that databases refuse."""
        return clean_json(value)


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime on every database. SQLite itself stores no time zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Convert to UTC. Raises ValueError for a naive datetime, whose time zone is unknown."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the store takes aware datetimes only")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Add the time zone that SQLite lacks."""
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
    """An insert that does nothing when the row exists, or when another process is inserting it. Its `rowcount` is 0
    then."""
    return _insert_new(tx.dialect.name, table)


@cache
def _insert_new(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    # Built once: building it takes longer than running it.
    insert: postgresql.Insert | sqlite.Insert = (
        sqlite.insert(table).on_conflict_do_nothing()
        if dialect == "sqlite"
        else postgresql.insert(table).on_conflict_do_nothing()
    )
    return insert.execution_options(preserve_rowcount=True)


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=False, **options)


def _name(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, Name, nullable=False, **options)


def _channel() -> sa.Column[int]:
    return sa.Column("channel_id", Id, sa.ForeignKey("channels.id", ondelete="CASCADE"), nullable=False)


def _paper(**options: Any) -> sa.Column[str]:
    return sa.Column("paper_id", Name, sa.ForeignKey("papers.id", onupdate="CASCADE"), **options)


facts = sa.Table("facts", metadata, _name("name", primary_key=True), _text("value"))
"""Key and value pairs about the store itself, such as its id and the revision of the papers."""

leases = sa.Table(
    "leases",
    metadata,
    _name("name", primary_key=True),
    _name("holder"),
    sa.Column("until", Instant, nullable=False),
    sa.Index("ix_leases_holder", "holder"),
)
"""What only one process may do at a time, with the process that does it and the end of its right to do so."""

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
    # The day on which it became news; NULL for papers that were only imported, looked up or revised.
    sa.Column("listed_on", sa.Date),
    # When this store first recorded it as news. A topic's alerts are for the papers that came after the topic.
    sa.Column("news_at", Instant, index=True),
    # The revision of the papers at its last change. The index continues from the revision that it has.
    sa.Column("revision", sa.BigInteger, nullable=False, index=True),
    # The revision at which it became news. A digest takes the papers since the last one. Revisions become visible in
    # order, times do not.
    sa.Column("news_revision", sa.BigInteger, index=True),
    # Whether a member gave it and no source listed it. Only the channels in `contributions` may see it.
    sa.Column("private", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("pdf_url", server_default=sa.text("''")),
    _text("code_url", server_default=sa.text("''")),
    _text("project_url", server_default=sa.text("''")),
    _text("discussion_url", server_default=sa.text("''")),
    # The name of the server, journal or blog that listed it.
    _text("source", server_default=sa.text("''")),
    # Whether its authors or its archive took it back: it is never picked, and marked wherever it stands.
    sa.Column("withdrawn", sa.Boolean, nullable=False, server_default=sa.false()),
    # The id that it had when it became news, if it has another one now: feeds name it by that for ever.
    _text("first_id", server_default=sa.text("''")),
    # It chooses the papers of a day, and the most upvoted of them, without a look at the rows.
    sa.Index("ix_papers_news", "listed_on", "withdrawn", "private", "upvotes", "id"),
    # Only the private ones: SQLite would rather look through all papers that are not than through one day's.
    sa.Index("ix_papers_private", "private", sqlite_where=sa.text("private = 1"), postgresql_where=sa.text("private")),
)

removed_papers = sa.Table(
    "removed_papers",
    metadata,
    _name("id", primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False, index=True),
)
"""Papers that were merged into others or deleted, with the revision: the index removes them."""

paper_names = sa.Table(
    "paper_names",
    metadata,
    _name("name", primary_key=True),
    _paper(nullable=False, index=True),
)
"""Every name of a paper: its arXiv id, DOI and title, and the ids that were merged into it."""

contributed_names = sa.Table(
    "contributed_names",
    metadata,
    _name("name"),
    sa.Column("paper_id", Name, sa.ForeignKey("papers.id", onupdate="CASCADE", ondelete="CASCADE"), nullable=False),
    sa.PrimaryKeyConstraint("name", "paper_id"),
    sa.Index("ix_contributed_names_paper_id", "paper_id"),
)
"""The names of private papers. They are not in `paper_names`, so that a member's text never makes two papers of sources
the same paper."""

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _name("platform"),
    _name("workspace"),
    _name("address"),
    _text("name"),
    _text("kind"),
    # Whether other channels must not see it.
    sa.Column("private", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("state"),
    _text("state_reason"),
    _name("owner"),
    _text("hour"),
    _text("days"),
    _text("zone"),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("bar", sa.Float, nullable=False),
    # Whether the bar may rise above that, as learned from the channel's votes.
    sa.Column("bar_learned", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("guess", sa.Boolean, nullable=False),
    _text("style", server_default="cards"),
    sa.Column("titles", sa.Integer, nullable=False, server_default="10"),
    sa.Column("next_due_at", Instant),
    sa.Column("next_due_on", sa.Date),
    sa.Column("created_at", Instant, nullable=False),
    # When its reactions are read back next.
    sa.Column("read_back_at", Instant, nullable=False, server_default=sa.text("'2000-01-01 00:00:00+00:00'")),
    # When it turned out that events of its reactions may be missing; NULL once they are read back.
    sa.Column("missed_at", Instant),
    sa.UniqueConstraint("platform", "workspace", "address"),
    sa.Index("ix_channels_due", "state", "next_due_at"),
    sa.Index("ix_channels_read_back_at", "platform", "read_back_at"),
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

channel_feeds = sa.Table(
    "channel_feeds",
    metadata,
    _channel(),
    # The feed's host and a hash; the address may hold a secret and is never shown.
    _name("name"),
    _text("url"),
    sa.Column("created_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("channel_id", "name"),
)
"""Feeds that managers added for their channels."""

common_feeds = sa.Table(
    "common_feeds",
    metadata,
    # As for the feeds of channels.
    sa.Column("name", Name, primary_key=True),
    _text("url"),
    sa.Column("created_at", Instant, nullable=False),
)
"""Feeds that operators added in chat for all channels."""

links = sa.Table(
    "links",
    metadata,
    # The SHA-256 of the link's secret, in hexadecimal. The secret itself is stored nowhere.
    _name("token_hash", primary_key=True),
    _channel(),
    _name("made_by"),
    sa.Column("made_at", Instant, nullable=False),
    # When it was revoked or replaced; NULL while it works.
    sa.Column("revoked_at", Instant),
    sa.Index("ix_links_channel_id", "channel_id", "made_at"),
)
"""The secret links to channels' pages, those that were revoked among them."""

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
    # The revision of the papers that it was made from. Papers that became news later are for the next one.
    sa.Column("papers_revision", sa.BigInteger, nullable=False, server_default="0"),
    sa.UniqueConstraint("channel_id", "local_date", "kind", "subject"),
    sqlite_autoincrement=True,
)
"""The digests, alerts and submissions of channels. The unique constraint makes each happen once."""

posts = sa.Table(
    "posts",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("delivery_id", Id, sa.ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False),
    _channel(),
    _paper(nullable=True, index=True),
    sa.Column("position", sa.Integer, nullable=False),
    _name("key", unique=True),
    _text("state"),
    _text("reason"),
    sa.Column("body", Json, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("message", Name),
    sa.Column("planned_at", Instant, nullable=False),
    sa.Column("not_before", Instant, nullable=False),
    # While it is not known whether it was posted: the first moment at which it may have been.
    sa.Column("sending_at", Instant),
    sa.Column("sent_at", Instant),
    # Whether it goes in the thread of its delivery's first message.
    sa.Column("threaded", sa.Boolean, nullable=False, server_default=sa.false()),
    # Whether its numbered papers are further titles, and no picks.
    sa.Column("glance", sa.Boolean, nullable=False, server_default=sa.false()),
    # While it is not known whether it was posted: when the last try to send it began.
    sa.Column("tried_at", Instant),
    sa.UniqueConstraint("channel_id", "paper_id"),
    sa.Index("ix_posts_delivery_id", "delivery_id", "position"),
    sa.Index("ix_posts_channel_id", "channel_id", "state", "sent_at"),
    sa.Index("ix_posts_message", "channel_id", "message"),
    sa.Index("ix_posts_state", "state", "not_before"),
)
"""The messages of deliveries. A paper is on a channel's posts or in their numbers once, for ever."""

numbers = sa.Table(
    "numbers",
    metadata,
    sa.Column("post_id", Id, sa.ForeignKey("posts.id", ondelete="CASCADE"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    _channel(),
    _paper(nullable=True, index=True),
    sa.PrimaryKeyConstraint("post_id", "number"),
    sa.UniqueConstraint("channel_id", "paper_id"),
)
"""The papers on a message of several papers, by number from 1."""

choices = sa.Table(
    "choices",
    metadata,
    sa.Column("delivery_id", Id, sa.ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False),
    _paper(nullable=False, index=True),
    # Its place among the digest's cards, from 1; NULL for a paper that was not picked.
    sa.Column("place", sa.Integer),
    # The share of random papers that it beat, by the taste of that day; NULL before there was a taste.
    sa.Column("fit", sa.Float),
    sa.Column("guess", sa.Boolean, nullable=False),
    # The ranker that picked it, if two shared the digest.
    sa.Column("team", Text),
    # Its place among the most upvoted candidates, from 1; NULL for a paper that is not among them.
    sa.Column("upvoted", sa.Integer),
    sa.PrimaryKeyConstraint("delivery_id", "paper_id"),
)
"""The picks of digests with their scores at that time, and the most upvoted candidates for comparison."""

votes = sa.Table(
    "votes",
    metadata,
    _channel(),
    _paper(nullable=False, index=True),
    _name("member"),
    _name("signal"),
    sa.Column("on", sa.Boolean, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("channel_id", "paper_id", "member", "signal"),
)
"""The last state, on or off, of each emoji of each member on each paper. Off rows stay, since older events may come
late."""

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
"""Votes of members on words instead of papers: 1 for more papers with them, -1 for fewer."""

saved = sa.Table(
    "saved",
    metadata,
    _name("platform"),
    _name("workspace"),
    _name("member"),
    _paper(nullable=False, index=True),
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
"""Events from platforms, recorded before they are acknowledged."""

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
    # The values that the source needs in its next run (ETag, Last-Modified); empty unless the run is done.
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
    # Both encrypted; empty if the token is in the settings.
    _text("token"),
    _text("refresh_token"),
    sa.Column("expires_at", Instant),
    sa.Column("installed_at", Instant, nullable=False),
    # When the token was revoked. The bot can't act in the workspace until it is installed again.
    sa.Column("revoked_at", Instant),
    # When the workspace removed the bot. Its rows are deleted some time later.
    sa.Column("uninstalled_at", Instant),
    # When a process last began to list the channels that the bot is in.
    sa.Column("rolled_at", Instant),
    sa.PrimaryKeyConstraint("platform", "workspace"),
)
"""The workspaces in which the bot is or was installed."""

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column(
        "channel_id", Id, sa.ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    # The encrypted address, and a keyed hash that finds it.
    _text("address"),
    _name("address_hash"),
    # What it gets (the kind), and of what: a query, or the hash of a channel's link.
    _name("content"),
    _name("subject"),
    # The member who asked for it in chat; empty if it was asked for on the page.
    _name("platform"),
    _name("workspace"),
    _name("member"),
    # How many mails in a row were refused for good.
    sa.Column("refusals", sa.Integer, nullable=False),
    # Why no more mails are sent, until it is asked for again; empty while they are.
    _text("paused"),
    sa.Column("confirmed_at", Instant, nullable=False),
    sa.UniqueConstraint("address_hash", "content", "subject"),
    sa.Index("ix_subscriptions_member", "platform", "workspace", "member"),
)
"""The addresses that get mail, each with a channel of its own, which has the schedule."""

forgotten = sa.Table(
    "forgotten",
    metadata,
    # The SHA-256 of the salt and the member's id, in hexadecimal.
    _name("member_hash", primary_key=True),
    _text("salt"),
    _name("platform"),
    # NULL: in all workspaces.
    sa.Column("workspace", Name),
    sa.Column("at", Instant, nullable=False),
)
"""Members, subscriptions and workspaces that were deleted for good."""
