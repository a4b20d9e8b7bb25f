"""What members want more or less of, in words."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "corrections",
        sa.Column("channel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_corrections_channel_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("channel_id", "words", "member", name="pk_corrections"),
    )
