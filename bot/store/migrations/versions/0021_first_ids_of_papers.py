"""The ids under which papers became news, for feeds."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("papers", sa.Column("first_id", sa.Text(), nullable=False, server_default=sa.text("''")))
