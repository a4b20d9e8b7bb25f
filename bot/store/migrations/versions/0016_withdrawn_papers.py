"""Papers that were withdrawn are marked; those with TeX in their titles are known by these in Unicode too."""

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

from recommender.paper import says_withdrawn, title_key

revision = "0016"
down_revision = "0015"

_papers = sa.table(
    "papers",
    *(sa.column(name, sa.Text) for name in ("id", "title", "abstract")),
    *(sa.column(name, sa.Boolean) for name in ("private", "withdrawn")),
)
_names = {
    private: sa.table(table, sa.column("name", sa.Text), sa.column("paper_id", sa.Text))
    for private, table in ((False, "paper_names"), (True, "contributed_names"))
}


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("papers", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()))
    tx = op.get_bind()
    notices = sa.or_(*(_papers.c.abstract.ilike(f"%{word}%") for word in ("withdr", "retract")))
    for row in tx.execute(sa.select(_papers.c.id, _papers.c.abstract).where(notices)).all():
        if says_withdrawn(row.abstract):
            tx.execute(sa.update(_papers).where(_papers.c.id == row.id).values(withdrawn=True))
    in_tex = sa.or_(*(_papers.c.title.contains(sign, autoescape=True) for sign in ("$", "\\")))
    titles = tx.execute(sa.select(_papers.c.id, _papers.c.title, _papers.c.private).where(in_tex)).all()
    for paper_id, title, private in titles:
        if key := title_key(title):
            name = "title:" + sha256(key.encode()).hexdigest()[:20]
            _add(tx, _names[bool(private)], name, paper_id, only_paper=not private)


def _add(tx: sa.Connection, names: sa.TableClause, name: str, paper_id: str, *, only_paper: bool) -> None:
    """Add a name of a paper. A name of a source's paper is that of one paper, the first that had it."""
    same = [names.c.name == name] if only_paper else [names.c.name == name, names.c.paper_id == paper_id]
    if not tx.execute(sa.select(names.c.name).where(*same)).first():
        tx.execute(sa.insert(names).values(name=name, paper_id=paper_id))
