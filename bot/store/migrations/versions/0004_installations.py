"""Where the bot is installed, with sealed tokens; and which channels are private."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "installations",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("bot_user", sa.Text(), nullable=False),
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("installer", sa.Text(), nullable=False),
        sa.Column("scopes", json, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=False),
        sa.Column("expires_at", instant, nullable=True),
        sa.Column("installed_at", instant, nullable=False),
        sa.Column("revoked_at", instant, nullable=True),
        sa.Column("uninstalled_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("platform", "workspace", name="pk_installations"),
    )
    op.add_column("channels", sa.Column("private", sa.Boolean(), nullable=False, server_default=sa.false()))
