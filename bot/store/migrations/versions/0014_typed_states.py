"""A channel that nobody asked for digests in has a state of its own; a delivery's paper stands beside its kind."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_deliveries = sa.table("deliveries", *(sa.column(name, sa.Text) for name in ("kind", "subject")))
_once = "uq_deliveries_channel_id_local_date_kind"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.execute(
        "update channels set state = 'new', state_reason = '' "
        "where state = 'paused' and state_reason = 'not invited yet'"
    )
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
    else:
        op.add_column("deliveries", sa.Column("subject", sa.Text(), nullable=False, server_default=sa.text("''")))
        op.drop_constraint(_once, "deliveries", type_="unique")
        op.create_unique_constraint(f"{_once}_subject", "deliveries", ["channel_id", "local_date", "kind", "subject"])
    for kind in ("alert", "submission"):
        op.execute(
            sa.update(_deliveries)
            .where(_deliveries.c.kind.startswith(f"{kind} "))
            .values(kind=kind, subject=sa.func.substr(_deliveries.c.kind, len(kind) + 2))
        )


def _rebuild() -> None:
    """SQLite can't change a constraint, and dropping a table deletes the rows that refer to it: these are set aside."""
    for statement in (
        "create temporary table aside_posts as select * from posts",
        "create temporary table aside_numbers as select * from numbers",
        "create temporary table aside_choices as select * from choices",
        "create temporary table aside_sequence as select * from sqlite_sequence where name = 'deliveries'",
    ):
        op.execute(statement)
    op.create_table(
        "new_deliveries",
        sa.Column("id", _Id, nullable=False),
        sa.Column("channel_id", _Id, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("papers_revision", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("subject", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_deliveries_channel_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("channel_id", "local_date", "kind", "subject", name=f"{_once}_subject"),
        sqlite_autoincrement=True,
    )
    op.execute(
        "insert into new_deliveries (id, channel_id, local_date, kind, due_at, state, reason, planned_at, "
        "papers_revision) select id, channel_id, local_date, kind, due_at, state, reason, planned_at, "
        "papers_revision from deliveries"
    )
    for statement in (
        "drop table deliveries",
        "alter table new_deliveries rename to deliveries",
        # The id of a delivery that is gone is in the keys of its messages, and must not come again.
        "delete from sqlite_sequence where name = 'deliveries'",
        "insert into sqlite_sequence select * from aside_sequence",
        "insert into posts select * from aside_posts",
        "insert into numbers select * from aside_numbers",
        "insert into choices select * from aside_choices",
        "drop table aside_posts",
        "drop table aside_numbers",
        "drop table aside_choices",
        "drop table aside_sequence",
    ):
        op.execute(statement)
