"""Papers, their names, and which papers are news."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import chain, islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import metadata
from bot.store.merging import merge_into
from bot.store.sets import is_any
from bot.store.tables import (
    Name,
    clean_name,
    clean_text,
    contributed_names,
    insert_new,
    paper_names,
    papers,
    removed_papers,
)
from recommender.paper import (
    Paper,
    arxiv_id,
    canonical_id,
    differ,
    find_doi,
    id_from_title,
    identities,
    link_key,
    merge,
    same,
    web_link,
)

_CHUNK = 1_000
"""Values that are bound in one statement. SQLite's limit is 32,766."""
PRIVATE_PREFIX = "taught:"
"""The beginning of every private paper's id (see `contributions`). No paper of a source gets such an id."""
_MOST = 2**31 - 1
"""The largest number that an integer column holds."""

_WITH_IDS = sa.select(papers).where(papers.c.id.in_(sa.bindparam("ids", expanding=True)))
_WITH_ARRAY_OF_IDS = sa.select(papers).where(papers.c.id == sa.any_(sa.bindparam("ids", type_=postgresql.ARRAY(Name))))
"""Both are built once, since that takes longer than reading a few papers. The latter is for PostgreSQL (see `sets`)."""


@dataclass(slots=True)
class Recorded:
    """The result of recording papers: their ids in the order given, how many are new, how many changed, and the ids
    that were merged into others."""

    ids: list[str] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    merged: list[str] = field(default_factory=list)


async def record(
    tx: AsyncConnection,
    new_papers: Sequence[Paper],
    now: datetime,
    listed: Mapping[str, date] | None = None,
    *,
    names: Mapping[str, Sequence[str]] | None = None,
    undated: Collection[str] = (),
) -> Recorded:
    """Store the papers of a source, each once, whatever name it has.

    A stored paper is merged with the new facts. A private paper that is the same paper is replaced. `listed` maps the
    id with which a paper came to the day on which it became news; papers without an entry are no news. The `undated`
    ones of these ids are news only if the paper was not stored before. `names` maps such an id to the names that the
    source itself gives the paper: one that comes again under them has the later title.
    """
    await metadata.lock_papers(tx)
    listed, names = listed or {}, names or {}
    result = Recorded()
    cleaned = [clean(paper) for paper in new_papers]
    all_names = [name for own_names in names.values() for name in map(_source_name, own_names)]
    pending = _Pending(*await _stored(tx, cleaned, all_names))
    for original, paper in zip(new_papers, cleaned, strict=True):
        day = listed.get(original.id)
        own_names = list(map(_source_name, names.get(original.id, ())))
        matches = pending.matches(paper, own_names)
        if not matches:
            pending.put(paper, day, stored=False, original=paper, own_names=own_names)
            result.ids.append(paper.id)
            continue
        if original.id in undated:
            day = None
        stored = pending.papers[matches[0]]
        if paper.title and not arxiv_id(stored.id) and pending.is_named(stored.id, own_names):
            stored = replace(stored, title=paper.title)
        for duplicate in matches[1:]:
            stored = merge(stored, pending.papers[duplicate])
        merged = _merged(stored, paper)
        pending.put(merged, day, stored=merged.id in matches, original=paper, own_names=own_names)
        for duplicate in matches:
            if duplicate != merged.id:
                pending.merge(merged.id, duplicate)
                result.merged.append(duplicate)
        result.ids.append(merged.id)
    await _write(tx, pending, now)
    await _replace_private(tx, [pending.papers[i] for i in dict.fromkeys(result.ids) if i in pending.papers])
    # A later paper of this batch may have shown that an earlier one is the same as another.
    survivors = {duplicate: survivor for survivor, duplicate in pending.absorbed}
    result.ids = [survivors.get(paper_id, paper_id) for paper_id in result.ids]
    result.new, result.changed = len(pending.new), len(pending.changed)
    return result


async def get(tx: AsyncConnection, paper_id: str) -> Paper | None:
    """The paper with this id, or None."""
    return (await get_many(tx, [paper_id])).get(paper_id)


async def get_many(tx: AsyncConnection, ids: Iterable[str]) -> dict[str, Paper]:
    """The papers with these ids, by id; unknown ids are left out."""
    by_id, ids = {}, list(dict.fromkeys(ids))
    with_ids = _WITH_IDS if tx.dialect.name == "sqlite" else _WITH_ARRAY_OF_IDS
    for chunk in _chunks(ids):
        for row in await tx.execute(with_ids, {"ids": chunk}):
            by_id[row.id] = paper_of(row)
    return {paper_id: by_id[paper_id] for paper_id in ids if paper_id in by_id}


async def resolve(tx: AsyncConnection, text: str) -> str | None:
    """The id of the source's paper that an id, a link, a DOI or a whole title names; None if there is no such paper."""
    names = names_meant(text)
    rows = await tx.execute(sa.select(paper_names).where(paper_names.c.name.in_(names)))
    ids_by_name: dict[str, str] = {row.name: row.paper_id for row in rows}
    return next((ids_by_name[name] for name in names if name in ids_by_name), None)


def names_meant(text: str) -> list[str]:
    """The names of the papers that a text may mean (an id, a link, a DOI or a whole title), the likeliest first."""
    text = text.strip()
    names = [*identities(Paper(id=canonical_id(text), title="")), *identities(Paper(id="", title=text))]
    names += _link_names(Paper(id="", title="", url=text))
    return [name for name in names if name != "id:"]


async def same_as(tx: AsyncConnection, paper: Paper) -> str | None:
    """The id of the source's paper that has the same arXiv id as this one, or else the same DOI, or the same title, or
    that came under the id of this one from another source."""
    ids_by_name, stored, _ = await _stored(tx, [clean(paper)])
    candidates = (stored[ids_by_name[name]] for name in _names(clean(paper)) if name in ids_by_name)
    by_id = ids_by_name.get(clean_name(f"id:{clean(paper).id}"))
    return next((candidate.id for candidate in candidates if candidate.id == by_id or same(candidate, paper)), None)


async def changed_since(tx: AsyncConnection, revision: int, limit: int) -> list[tuple[int, Paper]]:
    """The next papers that changed after a revision, the oldest change first, each with its revision.

    Papers that changed together have the same revision and come together, so that more than `limit` may come.
    """
    last = sa.select(papers.c.revision).where(papers.c.revision > revision).order_by(papers.c.revision).limit(limit)
    until = (await tx.execute(sa.select(sa.func.max(last.subquery().c.revision)))).scalar_one()
    if until is None:
        return []
    rows = await tx.execute(
        sa.select(papers).where(papers.c.revision.between(revision + 1, until)).order_by(papers.c.revision, papers.c.id)
    )
    return [(row.revision, paper_of(row)) for row in rows]


async def removed_between(tx: AsyncConnection, after: int, until: int) -> list[str]:
    """The ids of the papers that were merged into others or deleted after revision `after`, up to revision `until`."""
    rows = await tx.execute(
        sa.select(removed_papers.c.id).where(
            removed_papers.c.revision.between(after + 1, until),
            ~sa.exists().where(papers.c.id == removed_papers.c.id),
        )
    )
    return list(rows.scalars())


async def news(
    tx: AsyncConnection, since: date, until: date, after: int | None = None, heard_after: datetime | None = None
) -> list[str]:
    """The ids of the papers that became news from day `since` to day `until`, both included, the newest first.
    Withdrawn papers are none of them.

    With `after`, only those that became news later than that revision; with `heard_after`, later than that moment.
    """
    return list(await upvotes_of_news(tx, since, until, after, heard_after))


async def upvotes_of_news(
    tx: AsyncConnection, since: date, until: date, after: int | None = None, heard_after: datetime | None = None
) -> dict[str, int]:
    """The upvotes of the papers that became news, by id, in the order of `news`."""
    query = sa.select(papers.c.id, papers.c.upvotes)
    query = query.where(papers.c.listed_on.between(since, until), ~papers.c.withdrawn)
    if after is not None:
        query = query.where(papers.c.news_revision > after)
    if heard_after is not None:
        query = query.where(papers.c.news_at > heard_after)
    rows = await tx.execute(query.order_by(papers.c.listed_on.desc(), papers.c.id))
    return {row.id: row.upvotes for row in rows}


async def news_among(tx: AsyncConnection, ids: Collection[str]) -> dict[str, tuple[date, int]]:
    """The day on which each of these papers became news, and its upvotes. Withdrawn papers, and those that never became
    news, are left out."""
    query = sa.select(papers.c.id, papers.c.listed_on, papers.c.upvotes).where(is_any(tx, papers.c.id, ids))
    rows = await tx.execute(query.where(papers.c.listed_on.is_not(None), ~papers.c.withdrawn))
    return {row.id: (row.listed_on, row.upvotes) for row in rows}


async def listed_on(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, date]:
    """The day on which each of these papers became news. Papers that never became news are left out."""
    rows = await tx.execute(
        sa.select(papers.c.id, papers.c.listed_on).where(papers.c.id.in_(ids), papers.c.listed_on.is_not(None))
    )
    return {row.id: row.listed_on for row in rows}


async def changed_among(tx: AsyncConnection, ids: Sequence[str], revision: int) -> dict[str, Paper]:
    """Those of these papers that changed after a revision, by id."""
    rows = await tx.execute(sa.select(papers).where(papers.c.id.in_(ids), papers.c.revision > revision))
    return {row.id: paper_of(row) for row in rows}


async def news_revision(tx: AsyncConnection, paper_id: str) -> int | None:
    """The revision at which a paper became news; None if it never did."""
    query = sa.select(papers.c.news_revision).where(papers.c.id == paper_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def count(tx: AsyncConnection) -> int:
    """The number of papers of sources. Private papers do not count."""
    return int((await tx.execute(sa.select(sa.func.count()).where(~papers.c.private))).scalar_one())


async def page(tx: AsyncConnection, after: str, limit: int) -> list[Paper]:
    """The next papers of sources after an id, for reading all of them page by page."""
    is_next = papers.c.id > after, ~papers.c.private
    rows = await tx.execute(sa.select(papers).where(*is_next).order_by(papers.c.id).limit(limit))
    return [paper_of(row) for row in rows]


class _Pending:
    """The state that a batch leads to: the names and papers that are stored already, with the changes so far."""

    def __init__(self, names: dict[str, str], stored: dict[str, Paper], days: dict[str, date | None]) -> None:
        self.names, self.papers, self.days = names, stored, days
        self.new: dict[str, None] = {}
        self.changed: dict[str, None] = {}
        self.fresh_names: dict[str, str] = {}
        self.fresh_news: dict[str, None] = {}
        self.absorbed: list[tuple[str, str]] = []

    def matches(self, paper: Paper, own_names: Sequence[str]) -> list[str]:
        """The ids of the papers that are the same as this one. The match by the strongest name comes first."""
        ids = dict.fromkeys(self.names[name] for name in (*_names(paper), *own_names) if name in self.names)
        first = next((paper_id for paper_id in ids if self._is(paper_id, paper)), None)
        if first is None:
            first = next((i for i in ids if self.is_named(i, own_names) and not differ(self.papers[i], paper)), None)
        if first is None:
            return []
        merged = _merged(self.papers[first], paper)
        # Both its new title and its stored title may show that it is the same as another paper.
        retitled = replace(merged, title=paper.title)
        return [first, *(i for i in ids if i != first and (self._is(i, merged) or self._is(i, retitled)))]

    def _is(self, paper_id: str, paper: Paper) -> bool:
        return self.names.get(clean_name(f"id:{paper.id}")) == paper_id or same(self.papers[paper_id], paper)

    def is_named(self, paper_id: str, own_names: Sequence[str]) -> bool:
        """Whether a paper has one of the names that its source gives it."""
        return any(self.names.get(name) == paper_id for name in own_names)

    def put(
        self, paper: Paper, day: date | None, *, stored: bool, original: Paper, own_names: Sequence[str] = ()
    ) -> None:
        """Add a paper in its final state. The names of `original`, the paper as it came, become its names too."""
        for name in (*_names(paper), *_names(original), *own_names, *_link_names(paper), *_link_names(original)):
            if name not in self.names:
                self.names[name] = self.fresh_names[name] = paper.id
        days = [listed_on for listed_on in (self.days.get(paper.id), day) if listed_on]
        first_day = min(days) if days else None
        if stored and paper == self.papers[paper.id] and first_day == self.days.get(paper.id):
            return
        if first_day and not self.days.get(paper.id):
            self.fresh_news[paper.id] = None
        self.papers[paper.id], self.days[paper.id] = paper, first_day
        if not stored:
            self.new[paper.id] = None
        elif paper.id not in self.new:
            self.changed[paper.id] = None

    def merge(self, survivor: str, duplicate: str) -> None:
        earlier = [(survivor if owner == duplicate else owner, absorbed) for owner, absorbed in self.absorbed]
        self.absorbed = [*earlier, (survivor, duplicate)]
        self.days[survivor] = min(
            (d for d in (self.days.get(survivor), self.days.pop(duplicate, None)) if d), default=None
        )
        if duplicate in self.fresh_news:
            self.fresh_news[survivor] = None
        del self.papers[duplicate]
        for pending in (self.new, self.changed, self.fresh_news):
            pending.pop(duplicate, None)
        if survivor not in self.new:
            self.changed[survivor] = None
        for names in (self.names, self.fresh_names):
            names.update({name: survivor for name, owner in names.items() if owner == duplicate})


async def _stored(
    tx: AsyncConnection, papers_: Sequence[Paper], own_names: Iterable[str] = ()
) -> tuple[dict[str, str], dict[str, Paper], dict[str, date | None]]:
    names: dict[str, str] = {}
    for chunk in _chunks(dict.fromkeys(chain(chain.from_iterable(map(_names, papers_)), own_names))):
        rows = await tx.execute(sa.select(paper_names).where(paper_names.c.name.in_(chunk)))
        names.update((row.name, row.paper_id) for row in rows)
    by_id: dict[str, Paper] = {}
    days: dict[str, date | None] = {}
    for chunk in _chunks(dict.fromkeys(names.values())):
        for row in await tx.execute(sa.select(papers).where(papers.c.id.in_(chunk))):
            by_id[row.id], days[row.id] = paper_of(row), row.listed_on
    return names, by_id, days


async def _write(tx: AsyncConnection, pending: _Pending, now: datetime) -> None:
    if pending.new or pending.changed:
        revision = await metadata.next_revision(tx)
        if pending.new:
            rows = [_row(pending.papers[i], pending.days.get(i), revision) for i in pending.new]
            await tx.execute(sa.insert(papers), rows)
        if pending.changed:
            rows = [_row(pending.papers[i], pending.days.get(i), revision, "b_") for i in pending.changed]
            columns: dict[str, Any] = {name[2:]: sa.bindparam(name) for name in rows[0] if name != "b_id"}
            await tx.execute(sa.update(papers).where(papers.c.id == sa.bindparam("b_id")).values(columns), rows)
        # Papers are locked in the order of their ids, as where digests are planned, so that none waits for the other.
        for chunk in _chunks(sorted(duplicate for _, duplicate in pending.absorbed)):
            in_order = sa.select(papers.c.id).where(papers.c.id.in_(chunk)).order_by(papers.c.id)
            await tx.execute(in_order.with_for_update())
        for survivor, duplicate in pending.absorbed:
            await merge_into(tx, survivor, duplicate, revision)
        for chunk in _chunks(pending.fresh_news):
            first = papers.c.id.in_(chunk), papers.c.news_at.is_(None)
            await tx.execute(sa.update(papers).where(*first).values(news_at=now, news_revision=revision))
    if pending.fresh_names:
        # A merged paper has names that no paper of the batch came with. These may be stored already.
        await tx.execute(
            insert_new(tx, paper_names),
            [{"name": name, "paper_id": owner} for name, owner in pending.fresh_names.items()],
        )


async def _replace_private(tx: AsyncConnection, recorded: Sequence[Paper]) -> None:
    """Replace each private paper (see `contributions`) that is the same as one of these papers of a source.

    Its votes move to the source's paper. The member's text is deleted, and two papers of sources are never merged.
    """
    by_name = {name: paper for paper in reversed(recorded) for name in _names(paper)}
    private_papers: dict[str, Paper] = {}
    for chunk in _chunks(by_name):
        named = sa.select(contributed_names.c.paper_id).where(contributed_names.c.name.in_(chunk))
        rows = await tx.execute(sa.select(papers).where(papers.c.id.in_(named)))
        private_papers.update((row.id, paper_of(row)) for row in rows)
    for private in private_papers.values():
        candidates = (by_name[name] for name in _names(private) if name in by_name)
        if public := next((paper for paper in candidates if same(paper, private)), None):
            await merge_into(tx, public.id, private.id, await metadata.next_revision(tx))
            # With its old name the buttons of a posted card keep working.
            old_name = {"name": clean_name(f"id:{private.id}"), "paper_id": public.id}
            await tx.execute(insert_new(tx, paper_names).values(old_name))


def _chunks(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _merged(stored: Paper, new: Paper) -> Paper:
    """Both papers merged into one, under the stronger of their ids: an arXiv id, else a DOI, else the stored one."""
    strength = [2 if arxiv_id(paper.id) else 1 if find_doi(paper.id) else 0 for paper in (stored, new)]
    merged = merge(stored, new)
    return replace(merged, id=new.id) if strength[1] > strength[0] else merged


def _names(paper: Paper) -> tuple[str, ...]:
    return tuple(map(clean_name, identities(paper)))


def names_of(paper: Paper) -> tuple[str, ...]:
    """The names by which a paper is found, its link among them."""
    return (*_names(paper), *_link_names(paper))


def _source_name(name: str) -> str:
    return clean_name(f"listed:{name}")


def _link_names(paper: Paper) -> tuple[str, ...]:
    """The name by which members may name a paper whose link tells no id. Two papers with one link stay two papers."""
    key = link_key(paper.url)
    return (clean_name(f"link:{key}"),) if key else ()


def clean(paper: Paper) -> Paper:
    """The paper under its canonical id, as the database will return it."""
    paper = replace(
        paper,
        id=clean_text(paper.id),
        title=clean_text(paper.title),
        abstract=clean_text(paper.abstract),
        organization=clean_text(paper.organization),
        url=clean_text(paper.url),
        doi=clean_text(paper.doi) or find_doi(clean_text(paper.id)) or "",
        pdf_url=web_link(clean_text(paper.pdf_url)),
        code_url=web_link(clean_text(paper.code_url)),
        project_url=web_link(clean_text(paper.project_url)),
        discussion_url=web_link(clean_text(paper.discussion_url)),
        source=clean_text(paper.source),
        authors=tuple(map(clean_text, paper.authors)),
        categories=tuple(map(clean_text, paper.categories)),
        upvotes=max(0, min(paper.upvotes, _MOST)),
        comments=max(0, min(paper.comments, _MOST)),
    )
    return replace(paper, id=clean_name(_canonical_id(paper)))


def _canonical_id(paper: Paper) -> str:
    strongest = identities(paper)[0]
    kind, _, name = strongest.partition(":")
    if kind == "arxiv":
        return name
    if kind == "doi":
        return strongest
    named = "" if paper.id.startswith(PRIVATE_PREFIX) else canonical_id(paper.id)
    return named or id_from_title(paper.title)


def columns_of(paper: Paper) -> dict[str, Any]:
    """The facts of a paper as columns of its row."""
    return {
        "id": paper.id,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": list(paper.authors),
        "categories": list(paper.categories),
        "published": paper.published,
        "upvotes": paper.upvotes,
        "comments": paper.comments,
        "organization": paper.organization,
        "url": paper.url,
        "doi": paper.doi,
        "pdf_url": paper.pdf_url,
        "code_url": paper.code_url,
        "project_url": paper.project_url,
        "discussion_url": paper.discussion_url,
        "source": paper.source,
        "withdrawn": paper.withdrawn,
    }


def _row(paper: Paper, day: date | None, revision: int, prefix: str = "") -> dict[str, Any]:
    row = columns_of(paper) | {"listed_on": day, "revision": revision}
    return {prefix + name: value for name, value in row.items()} if prefix else row


def paper_of(row: Any) -> Paper:
    """The paper of a row."""
    return Paper(
        id=row.id,
        title=row.title,
        abstract=row.abstract,
        authors=tuple(row.authors),
        categories=tuple(row.categories),
        published=row.published,
        upvotes=row.upvotes,
        comments=row.comments,
        organization=row.organization,
        url=row.url,
        doi=row.doi,
        pdf_url=row.pdf_url,
        code_url=row.code_url,
        project_url=row.project_url,
        discussion_url=row.discussion_url,
        source=row.source,
        withdrawn=row.withdrawn,
    )
