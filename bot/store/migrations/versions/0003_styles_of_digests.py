"""How a channel's digest is laid out, which posts go in a thread, and which papers stand on a message by number."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("channels", sa.Column("style", sa.Text(), nullable=False, server_default="cards"))
    op.add_column("posts", sa.Column("threaded", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "numbers",
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("paper_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_numbers_channel_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name="fk_numbers_paper_id", onupdate="CASCADE"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_numbers_post_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", "number", name="pk_numbers"),
        sa.UniqueConstraint("channel_id", "paper_id", name="uq_numbers_channel_id_paper_id"),
    )
