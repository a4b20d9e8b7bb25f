"""When the last try to send a post began."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("posts", sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True))
