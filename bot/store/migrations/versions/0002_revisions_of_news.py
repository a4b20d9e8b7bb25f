"""What is news by the count of changes, not by the clock; and which papers were merged into others."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "removed_papers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_removed_papers"),
    )
    op.create_index("ix_removed_papers_revision", "removed_papers", ["revision"], unique=False)
    op.add_column("papers", sa.Column("news_revision", sa.BigInteger(), nullable=True))
    op.create_index("ix_papers_news_revision", "papers", ["news_revision"], unique=False)
    op.add_column("deliveries", sa.Column("papers_revision", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("update papers set news_revision = revision where news_at is not null")
    op.execute(
        """
        update facts set name = 'alerts_heard_revision',
            value = cast(coalesce((select max(revision) from papers), 0) as text)
        where name = 'alerts_heard_until'
        """
    )
    # Rather a paper that was a candidate before is one again than that one is never any.
    op.execute(
        """
        update deliveries set papers_revision = coalesce(
            (select min(news_revision) - 1 from papers where news_at > deliveries.planned_at),
            (select max(revision) from papers),
            0
        )
        """
    )
