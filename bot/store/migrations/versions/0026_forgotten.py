"""What was deleted for good, as hashes, so that a restored backup does not bring it back."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "forgotten",
        sa.Column("member_hash", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_hash", name="pk_forgotten"),
    )
