"""Whether a channel's bar is learned from its likes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("channels", sa.Column("bar_learned", sa.Boolean(), nullable=False, server_default=sa.true()))
    # Who set a bar of their own keeps it; all others had 0.8.
    op.execute("update channels set bar_learned = (bar > 0.7999 and bar < 0.8001)")
