"""A fake of Hugging Face, arXiv, bioRxiv, medRxiv, OpenReview and feeds: a real HTTP server on the loopback.

    async with PaperSources() as server:
        server.huggingface(date(2026, 3, 6), papers)
        server.arxiv_feed("cs.LG", date(2026, 3, 6), papers)
        HuggingFace(fetcher, server.url)

Answers carry an ETag, and a request with that ETag gets a 304. `answer` sets the replies of any path.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Self
from xml.sax.saxutils import escape

from aiohttp import web

from recommender.paper import Paper, arxiv_id

_ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
)
_RSS = (
    '<rss version="2.0" xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<channel>"
)
_SKIP = "<skipDays><day>Saturday</day><day>Sunday</day></skipDays>"


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply of a path. With `hang` it never comes. `repeat` streams the body several times. `cut` closes the
    connection after so many bytes, although the headers announce the whole body."""

    body: bytes | str = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    repeat: int = 1
    cut: int | None = None

    @property
    def raw(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the server got."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


def packed(body: bytes | str) -> Reply:
    """A reply with gzip encoding."""
    raw = body.encode() if isinstance(body, str) else body
    return Reply(gzip.compress(raw), headers={"Content-Encoding": "gzip"})


class PaperSources:
    """The server, without any papers at first. `url` is the base address of all sources."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.bytes_sent = 0  # of streamed bodies, as handed to the network
        self._scripts: dict[str, list[Reply]] = {}
        self._days: dict[date, list[dict[str, object]]] = {}
        self._papers: dict[str, Paper] = {}
        self._preprints: dict[str, list[dict[str, object]]] = {}
        self._notes: dict[str, list[dict[str, object]]] = {}
        self._account: tuple[str, str] | None = None
        self._tokens = 0
        self._libraries: dict[str, list[dict[str, object]]] = {}
        self._key = ""
        self._over = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port: int = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        await self._runner.cleanup()

    def answer(self, path: str, *replies: Reply | bytes | str) -> str:
        """Set the replies of a path, one after the other; the last one is repeated. Returns the path's address.

        A path with a query is only for that query, and comes before the path without one.
        """
        self._scripts[path] = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]
        return self.url + path

    def paths(self) -> list[str]:
        """The requested paths, in order."""
        return [request.path for request in self.requests]

    def huggingface(self, day: date, papers: Iterable[Paper]) -> None:
        """Set the Daily Papers of a day."""
        self._days[day] = [_daily(paper, day) for paper in papers]

    def arxiv_feed(self, category: str, day: date, papers: Iterable[Paper | tuple[Paper, str]] = ()) -> None:
        """Set the announcement of a category and day, in both formats. A paper without a kind is `new`."""
        entries = [(entry, "new") if isinstance(entry, Paper) else entry for entry in papers]
        self.arxiv(paper for paper, _ in entries)
        self.answer(f"/atom/{category}", arxiv_atom(category, day, entries))
        self.answer(f"/rss/{category}", arxiv_rss(category, day, entries))

    def arxiv(self, papers: Iterable[Paper]) -> None:
        """Add papers to the query API."""
        self._papers |= {paper.id: paper for paper in papers}

    def preprints(self, server: str, entries: Iterable[dict[str, object]]) -> None:
        """Set the entries of a server in the API of bioRxiv and medRxiv, in this order; `preprint` makes an entry."""
        self._preprints[server] = list(entries)

    def openreview(
        self, venue: str, notes: Iterable[dict[str, object]], account: tuple[str, str] | None = None
    ) -> None:
        """The notes of a venue; `submission` makes one. With an account only that one may read, after signing in."""
        self._notes[f"{venue}/-/Submission"] = list(notes)
        self._account = account

    def zotero(self, library: str, items: Iterable[dict[str, object]], key: str = "") -> None:
        """The items of a library of Zotero; `zotero_item` makes one. With a key only that one may read and write."""
        self._libraries[library] = list(items)
        self._key = key

    def in_zotero(self, library: str) -> list[dict[str, object]]:
        """The fields of the items of a library, the newest first."""
        return [dict(item["data"]) for item in self._libraries[library] if isinstance(item["data"], dict)]

    def expire_token(self) -> None:
        """OpenReview takes the token that it gave last no more."""
        self._tokens += 1

    def feed(self, path: str, papers: Iterable[Paper], title: str = "A journal") -> str:
        """Set a plain RSS feed at a path. Returns its address."""
        return self.answer(path, journal_rss(papers, title))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        recorded = Request(request.path, dict(request.query), dict(request.headers), await request.read())
        self.requests.append(recorded)
        script = self._scripts.get(request.path_qs) or self._scripts.get(request.path)
        if script:
            return await self._say(request, script[0] if len(script) == 1 else script.pop(0))
        if request.path == "/api/daily_papers":
            return await self._say(request, Reply(json.dumps(self._daily_page(request.query))))
        if request.path == "/api/query":
            return await self._say(request, self._query(request.query))
        if request.path in ("/notes", "/login"):
            return await self._say(request, self._note_page(recorded))
        if library := re.fullmatch(r"/((?:users|groups)/\d+)/items(?:/top)?", request.path):
            return await self._say(request, self._zotero(library[1], recorded))
        if single := re.fullmatch(r"/details/(\w+)/(10\..+)/na/json", request.path):
            versions = [entry for entry in self._preprints.get(single[1], ()) if entry["doi"] == single[2]]
            status = "ok" if versions else "no posts found"
            return await self._say(
                request, Reply(json.dumps({"messages": [{"status": status}], "collection": versions}))
            )
        if details := re.fullmatch(r"/details/(\w+)/(\S{10})/(\S{10})/(\d+)", request.path):
            return await self._say(request, Reply(json.dumps(self._details(details, request.query))))
        return web.Response(status=404, text="nothing here")

    async def _say(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        if reply.hang:
            await self._over.wait()
        if reply.repeat > 1 or reply.cut is not None:
            return await self._stream(request, reply)
        headers = dict(reply.headers)
        if reply.status == 200:
            headers.setdefault("ETag", f'"{sha256(reply.raw).hexdigest()[:16]}"')
            if request.headers.get("If-None-Match") == headers["ETag"]:
                return web.Response(status=304, headers={"ETag": headers["ETag"]})
        return web.Response(status=reply.status, body=reply.raw, headers=headers)

    async def _stream(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers=dict(reply.headers))
        if reply.cut is not None:
            response.content_length = len(reply.raw)
        try:
            await response.prepare(request)
            for _ in range(reply.repeat):
                await response.write(reply.raw[: reply.cut])
                self.bytes_sent += len(reply.raw[: reply.cut])
        except ConnectionError:
            return response
        if reply.cut is not None and request.transport:
            request.transport.close()
        return response

    def _daily_page(self, query: Mapping[str, str]) -> list[dict[str, object]]:
        limit, page = int(query.get("limit", 50)), int(query.get("p", 0))
        items = self._days.get(date.fromisoformat(query["date"]), [])
        return items[page * limit : (page + 1) * limit]

    def _details(self, path: re.Match[str], query: Mapping[str, str]) -> dict[str, object]:
        server, since, until, cursor = path.group(1, 2, 3, 4)
        category = query.get("category", "all")
        entries = [
            entry
            for entry in self._preprints.get(server, ())
            if since <= str(entry["date"]) <= until and category in ("all", entry["category"])
        ]
        page = entries[int(cursor) : int(cursor) + 30]
        if not page:
            return {"messages": [{"status": "no posts found"}], "collection": []}
        message = {
            "status": "ok",
            "category": category,
            "interval": f"{since}:{until}",
            "funder": "all",
            "cursor": int(cursor),
            "count": len(page),
            "count_new_papers": str(sum(entry["version"] == "1" for entry in entries)),
            "total": str(len(entries)),
        }
        return {"messages": [message], "collection": page}

    def _note_page(self, request: Request) -> Reply:
        if request.path == "/login":
            login = json.loads(request.body)
            if (login["id"], login["password"]) != self._account:
                return Reply(json.dumps({"name": "Error", "message": "Invalid username or password"}), 400)
            return Reply(json.dumps({"token": f"token-{self._tokens}", "user": {"id": login["id"]}}))
        if self._account and request.headers.get("Authorization") != f"Bearer token-{self._tokens}":
            error = {"name": "ChallengeRequiredError", "message": "Challenge required", "status": 403}
            return Reply(json.dumps(error), 403)
        if "id" in request.query:
            notes = [
                note for of_venue in self._notes.values() for note in of_venue if note["id"] == request.query["id"]
            ]
            return Reply(json.dumps({"notes": notes, "count": len(notes)}))
        notes = self._notes.get(request.query["invitation"], [])
        field_name, _, _ = request.query["sort"].partition(":")
        notes = sorted(notes, key=lambda note: -int(str(note.get(field_name) or 0)))
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        return Reply(json.dumps({"notes": notes[offset : offset + limit], "count": len(notes)}))

    def _zotero(self, library: str, request: Request) -> Reply:
        if library not in self._libraries:
            return Reply("Not found", 404)
        if self._key and request.headers.get("Zotero-API-Key") != self._key:
            return Reply("Forbidden", 403)
        items = self._libraries[library]
        if request.body:
            new = json.loads(request.body)
            if len(new) > 50:
                return Reply("Too many items", 413)
            failed = {}
            for number, data in enumerate(new):
                if data["title"]:
                    items.insert(0, {"key": f"K{len(items):07d}", "version": 1, "meta": {}, "data": data})
                else:
                    failed[str(number)] = {"code": 400, "message": "'title' is empty"}
            success = {str(number): "K" for number in range(len(new)) if str(number) not in failed}
            return Reply(json.dumps({"success": success, "successful": {}, "unchanged": {}, "failed": failed}))
        start, limit = int(request.query.get("start", 0)), int(request.query["limit"])
        body = json.dumps(items[start : start + limit])
        return Reply(body, headers={"Total-Results": str(len(items)), "Zotero-API-Version": "3"})

    def _query(self, query: Mapping[str, str]) -> Reply:
        if "id_list" in query:
            ids = query["id_list"].split(",")
            if invalid_ids := [paper_id for paper_id in ids if not arxiv_id(paper_id)]:
                return Reply(arxiv_error(f"incorrect id format for {invalid_ids[0]}"), status=400)
            return Reply(arxiv_api([self._papers[paper_id] for paper_id in ids if paper_id in self._papers]))
        question = query.get("search_query", "")
        span = re.search(r"submittedDate:\[(\d{8})\d{4} TO (\d{8})\d{4}\]", question)
        categories = set(re.findall(r"cat:([\w.-]+)", question))
        results = [
            paper
            for paper in self._papers.values()
            if categories & set(paper.categories) and (not span or span[1] <= f"{submitted(paper):%Y%m%d}" <= span[2])
        ]
        start, limit = int(query.get("start", 0)), int(query.get("max_results", 10))
        return Reply(arxiv_api(results[start : start + limit], total=len(results)))


def submitted(paper: Paper) -> datetime:
    """The time of submission that leads to an announcement on the published day: the weekday before, at noon UTC."""
    day = (paper.published or date(2026, 3, 6)) - timedelta(days=1)
    while day.weekday() > 4:
        day -= timedelta(days=1)
    return datetime.combine(day, time(12), UTC)


def arxiv_atom(category: str, day: date, entries: Sequence[tuple[Paper, str]]) -> str:
    """The announcement of a category, in Atom."""
    parts = [f"{_ATOM}<title>{category} updates on arXiv.org</title><updated>{day}T04:00:19.866337+00:00</updated>"]
    for paper, kind in entries:
        parts += (
            f"<entry><id>oai:arXiv.org:{paper.id}v1</id><title>{escape(paper.title)}</title>",
            f'<link href="https://arxiv.org/abs/{paper.id}" rel="alternate" type="text/html"/>',
            f"<summary>{_announced_abstract(paper, kind)}</summary>",
            *(f'<category term="{term}"/>' for term in paper.categories),
            f"<published>{day}T00:00:00-04:00</published><arxiv:announce_type>{kind}</arxiv:announce_type>",
            f"<dc:creator>{escape(', '.join(paper.authors))}</dc:creator></entry>",
        )
    return "".join((*parts, "</feed>"))


def arxiv_rss(category: str, day: date, entries: Sequence[tuple[Paper, str]]) -> str:
    """The announcement of a category, in RSS 2.0 with the days without announcements."""
    midnight = f"{day:%a, %d %b %Y} 00:00:00 -0400"
    parts = [f"{_RSS}<title>{category} updates on arXiv.org</title><pubDate>{midnight}</pubDate>{_SKIP}"]
    for paper, kind in entries:
        parts += (
            f"<item><title>{escape(paper.title)}</title><link>https://arxiv.org/abs/{paper.id}</link>",
            f"<description>{_announced_abstract(paper, kind)}</description>",
            f'<guid isPermaLink="false">oai:arXiv.org:{paper.id}v1</guid>',
            *(f"<category>{term}</category>" for term in paper.categories),
            f"<pubDate>{midnight}</pubDate><arxiv:announce_type>{kind}</arxiv:announce_type>",
            f"<arxiv:DOI>{escape(paper.doi)}</arxiv:DOI>" if paper.doi else "",
            f"<dc:creator>{escape(', '.join(paper.authors))}</dc:creator></item>",
        )
    return "".join((*parts, "</channel></rss>"))


def arxiv_api(papers: Sequence[Paper], total: int | None = None) -> str:
    """An answer of the query API."""
    return (
        _ATOM
        + "<title>arXiv Query: x</title>"
        + f"<opensearch:totalResults>{len(papers) if total is None else total}</opensearch:totalResults>"
        + "".join(
            f"<entry><id>http://arxiv.org/abs/{paper.id}v2</id><title>{escape(paper.title)}</title>"
            f"<summary>  {escape(paper.abstract)}\n</summary>"
            f"<published>{submitted(paper):%Y-%m-%dT%H:%M:%SZ}</published>"
            + "".join(f"<author><name>{escape(author)}</name></author>" for author in paper.authors)
            + "".join(f'<category term="{term}" scheme="http://arxiv.org/schemas/atom"/>' for term in paper.categories)
            + "</entry>"
            for paper in papers
        )
        + "</feed>"
    )


def arxiv_error(reason: str) -> str:
    """An answer of the query API with an error entry."""
    return (
        _ATOM
        + "<opensearch:totalResults>1</opensearch:totalResults><entry><id>http://arxiv.org/api/errors#x</id>"
        + f"<title>Error</title><summary>{escape(reason)}</summary></entry></feed>"
    )


def journal_rss(papers: Iterable[Paper], title: str) -> str:
    """An ordinary RSS feed."""
    return (
        f'<rss version="2.0"><channel><title>{escape(title)}</title>'
        + "".join(
            f"<item><title>{escape(paper.title)}</title><link>{escape(paper.link)}</link>"
            f"<description>{escape('<p>' + escape(paper.abstract) + '</p>')}</description>"
            + (f"<pubDate>{_mail_date(paper.published)}</pubDate>" if paper.published else "")
            + "</item>"
            for paper in papers
        )
        + "</channel></rss>"
    )


def preprint(doi: str, day: date, **fields: object) -> dict[str, object]:
    """One version of a preprint as the API of bioRxiv and medRxiv tells it."""
    return {
        "title": f"The preprint with the DOI {doi}",
        "authors": "Moreau, A.; Lindqvist, B. C.; The Example Consortium",
        "author_corresponding": "Ada Moreau",
        "author_corresponding_institution": "Institute of Examples",
        "doi": doi,
        "date": day.isoformat(),
        "version": "1",
        "type": "new results",
        "license": "cc_by",
        "category": "neuroscience",
        "jatsxml": f"https://www.biorxiv.org/content/early/{day:%Y/%m/%d}/{doi}.source.xml",
        "abstract": "We measured what neurons do when nobody looks.",
        "funder": "NA",
        "published": "NA",
        "server": "bioRxiv",
        **fields,
    }


def zotero_item(title: object = "A title", **fields: object) -> dict[str, object]:
    """An item of a library as Zotero's API tells it."""
    data = {
        "key": "NM66T6EF",
        "version": 1,
        "itemType": "journalArticle",
        "title": title,
        "creators": [
            {"creatorType": "author", "firstName": "Ada", "lastName": "Moreau"},
            {"creatorType": "author", "name": "The Example Consortium"},
            {"creatorType": "editor", "firstName": "Eve", "lastName": "Editor"},
        ],
        "abstractNote": "What we found.",
        "date": "May 2023",
        "DOI": "",
        "url": "",
        "extra": "",
        "tags": [],
        "collections": [],
        "relations": {},
        "dateAdded": "2026-03-01T09:00:00Z",
        **fields,
    }
    library = {"type": "group", "id": 4567, "name": "Our papers"}
    return {"key": "NM66T6EF", "version": 1, "library": library, "meta": {"parsedDate": "2023-05-01"}, "data": data}


def submission(forum: str, day: date, **fields: object) -> dict[str, object]:
    """A submission as the notes of OpenReview's API tell it; fields that are not a note's own are its content's."""
    moment = int(datetime.combine(day, time(15), UTC).timestamp() * 1000)
    note: dict[str, object] = {
        "id": forum,
        "forum": forum,
        "number": 7,
        "cdate": moment,
        "tcdate": moment,
        "mdate": moment,
        "tmdate": moment,
        "odate": moment,
        "domain": "ICLR.cc/2027/Conference",
        "invitations": ["ICLR.cc/2027/Conference/-/Submission", "ICLR.cc/2027/Conference/-/Post_Submission"],
        "readers": ["everyone"],
        "writers": ["ICLR.cc/2027/Conference"],
        "signatures": ["ICLR.cc/2027/Conference/Submission7/Authors"],
        "license": "CC BY 4.0",
        "version": 2,
    }
    content: dict[str, object] = {
        "title": f"The submission with the forum {forum}",
        "abstract": "We learn a taste from emoji.",
        "authors": ["Ada Moreau", "Bo Lindqvist"],
        "authorids": ["~Ada_Moreau1", "~Bo_Lindqvist1"],
        "keywords": ["taste", "emoji"],
        "venue": "ICLR 2027 Conference Submission",
        "venueid": "ICLR.cc/2027/Conference/Submission",
        "pdf": "/pdf/0123456789abcdef.pdf",
        "_bibtex": "@inproceedings{x}",
    }
    own = {name: value for name, value in fields.items() if name in note or name in ("pdate", "ddate")}
    content |= {name: value for name, value in fields.items() if name not in own}
    wrapped = {
        name: value if isinstance(value, dict) else {"value": value}
        for name, value in content.items()
        if value is not None
    }
    return {**note, **own, "content": wrapped}


def _daily(paper: Paper, day: date) -> dict[str, object]:
    authors = [{"_id": f"{number:024x}", "name": name, "hidden": False} for number, name in enumerate(paper.authors)]
    inner: dict[str, object] = {
        "id": paper.id,
        "authors": authors,
        "publishedAt": f"{paper.published or day}T17:08:18.000Z",
        "submittedOnDailyAt": f"{day}T03:55:12.777Z",
        "title": paper.title,
        "summary": paper.abstract,
        "upvotes": paper.upvotes,
        "ai_keywords": ["something new"],
    }
    if paper.organization:
        inner["organization"] = {"name": paper.organization.lower(), "fullname": paper.organization}
    links = {"githubRepo": paper.code_url, "projectPage": paper.project_url}
    inner |= {name: url for name, url in links.items() if url}
    outer: dict[str, object] = {
        key: inner[key] for key in ("title", "summary", "publishedAt", "organization") if key in inner
    }
    return {"paper": inner, "numComments": paper.comments, **outer}


def _announced_abstract(paper: Paper, kind: str) -> str:
    return escape(f"arXiv:{paper.id}v1 Announce Type: {kind} \nAbstract: {paper.abstract}")


def _mail_date(day: date) -> str:
    return format_datetime(datetime.combine(day, time(6), UTC))
