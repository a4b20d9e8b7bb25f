"""When a process last listed the channels of a workspace."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("installations", sa.Column("rolled_at", sa.DateTime(timezone=True)))
