"""When the reactions in each channel are read back, and an index that finds a channel's young posts."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column(
        "channels",
        sa.Column(
            "read_back_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("'2000-01-01 00:00:00+00:00'"),
        ),
    )
    op.add_column("channels", sa.Column("missed_at", sa.DateTime(timezone=True)))
    op.create_index("ix_channels_read_back_at", "channels", ["platform", "read_back_at"])
    op.drop_index("ix_posts_channel_id", "posts")
    op.create_index("ix_posts_channel_id", "posts", ["channel_id", "state", "sent_at"])
    op.execute("delete from facts where name = 'reactions_read_back_at'")
