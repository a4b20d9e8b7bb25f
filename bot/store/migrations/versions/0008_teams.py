"""Whose pick a paper was, where two learners shared a digest."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("choices", sa.Column("team", sa.Text(), nullable=True))
