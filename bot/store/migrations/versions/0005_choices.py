"""What was picked for each digest, with its place and fit, and what the most upvoted list would have brought."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "choices",
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("paper_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("fit", sa.Float(), nullable=True),
        sa.Column("guess", sa.Boolean(), nullable=False),
        sa.Column("upvoted", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name="fk_choices_delivery_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name="fk_choices_paper_id", onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("delivery_id", "paper_id", name="pk_choices"),
    )
    op.create_index("ix_choices_paper_id", "choices", ["paper_id"])
    # Of the digests so far the picks are known, though not how well each fitted then.
    op.execute(
        "insert into choices (delivery_id, paper_id, place, guess)"
        " select delivery_id, paper_id, min(place), false from ("
        " select delivery_id, paper_id, position as place from posts"
        " union all select posts.delivery_id, numbers.paper_id, numbers.number from numbers"
        " join posts on posts.id = numbers.post_id) as shown"
        " join deliveries on deliveries.id = shown.delivery_id"
        " where deliveries.kind = 'digest' and paper_id is not null group by delivery_id, paper_id"
    )
