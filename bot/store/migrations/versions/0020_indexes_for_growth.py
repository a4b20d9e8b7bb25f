"""Indexes for what is looked up by its paper or its delivery: a merge, a deleted delivery, the posts under way."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    for table in ("posts", "numbers", "votes", "saved"):
        op.create_index(f"ix_{table}_paper_id", table, ["paper_id"])
    op.create_index("ix_posts_delivery_id", "posts", ["delivery_id", "position"])
    op.create_index("ix_posts_channel_id", "posts", ["channel_id", "state"])
