"""Links of papers to their PDF, code, project and discussion, and the name of their source."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    for name in ("pdf_url", "code_url", "project_url", "discussion_url", "source"):
        op.add_column("papers", sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''")))
