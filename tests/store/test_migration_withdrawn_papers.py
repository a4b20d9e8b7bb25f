"""Migration 0016: earlier stores marked no withdrawn paper, and knew titles in TeX by their commands."""

from __future__ import annotations

import sqlalchemy as sa

from bot.store import papers
from bot.store.database import Store, make_engine
from bot.store.tables import contributed_names, paper_names
from bot.store.upgrade import upgrade
from recommender.paper import Paper

TITLE = r"On the Erd\H{o}s--R\'enyi model of large graphs"
IN_UNICODE = "On the Erdős–Rényi model of large graphs"
NOTICE = "This paper has been withdrawn by the author due to an error."


async def test_migration_0016_marks_withdrawn_papers_and_names_titles_in_unicode(empty_url: str) -> None:
    store = Store(make_engine(empty_url, 1))
    await upgrade(store, "0015")
    columns = "id, title, abstract, private, authors, categories, upvotes, comments, organization, url, doi, revision"
    rows = [
        ("2603.00001", TITLE, NOTICE, False),
        ("2603.00002", "Others", "Papers that were withdrawn by journals.", False),
        ("taught:1", TITLE, "", True),
    ]
    async with store.write() as tx:
        for paper_id, title, abstract, private in rows:
            await tx.execute(
                sa.text(f"insert into papers ({columns}) values (:i, :t, :a, :p, '[]', '[]', 0, 0, '', '', '', 1)"),
                {"i": paper_id, "t": title, "a": abstract, "p": private},
            )
    await upgrade(store)
    async with store.read() as tx:
        stored = await papers.get_many(tx, [row[0] for row in rows])
        assert [paper.withdrawn for paper in stored.values()] == [True, False, False]
        assert await papers.resolve(tx, IN_UNICODE) == "2603.00001"
        assert await papers.same_as(tx, Paper("x", IN_UNICODE)) == "2603.00001"
        names = [
            (await tx.execute(sa.select(table.c.paper_id))).scalars().all()
            for table in (paper_names, contributed_names)
        ]
    assert names == [["2603.00001"], ["taught:1"]]
    await store.close()
