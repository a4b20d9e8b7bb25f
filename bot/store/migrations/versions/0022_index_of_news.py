"""An index that chooses the papers of a day and the most upvoted of them, and a small one of private papers."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.drop_index("ix_papers_listed_on", "papers")
    op.drop_index("ix_papers_private", "papers")
    op.create_index("ix_papers_news", "papers", ["listed_on", "withdrawn", "private", "upvotes", "id"])
    op.create_index(
        "ix_papers_private",
        "papers",
        ["private"],
        sqlite_where=sa.text("private = 1"),
        postgresql_where=sa.text("private"),
    )
