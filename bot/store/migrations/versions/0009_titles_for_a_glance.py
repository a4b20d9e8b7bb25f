"""How many further titles a channel's digest has, and which posts are lists of them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("channels", sa.Column("titles", sa.Integer(), nullable=False, server_default="10"))
    op.add_column("posts", sa.Column("glance", sa.Boolean(), nullable=False, server_default=sa.false()))
