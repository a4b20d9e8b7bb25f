"""What a paper is, and what makes two papers the same one."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from recommender.text import display, normalized

_NEW_ARXIV = r"\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}"
_OLD_ARXIV = r"[a-z-]+(?:\.[A-Za-z]{2})?/\d{2}(?:0[1-9]|1[0-2])\d{3}"
_ARXIV = re.compile(rf"(?P<id>{_NEW_ARXIV}|{_OLD_ARXIV})(?:v\d+)?", re.IGNORECASE)
_ARXIV_PLACES = re.compile(
    r"(?:^|[/.:\s])(?:arxiv\.org/(?:abs|pdf|html|format|ps|e-print|src|list/[^/]{1,100})/(?:arxiv[:.])?"
    r"|ar5iv\.(?:labs\.)?(?:arxiv\.)?org/(?:abs|html)/"
    r"|alphaxiv\.org/(?:[a-z]{2}/)?(?:abs|pdf|overview|audio)/"
    r"|(?:huggingface\.co|hf\.co|emergentmind\.com)/papers/(?:arxiv[:/])?"
    r"|dblp\.(?:org|uni-trier\.de)/rec/(?:bib/|html/)?journals/corr/abs-"
    # Sites that name arXiv in the path or the query of their addresses.
    r"|(?:scirate\.com|semanticscholar\.org|papers\.cool|connectedpapers\.com|scholar\.archive\.org|fatcat\.wiki"
    r"|inspirehep\.net|adsabs\.harvard\.edu|scholar\.google\.[a-z.]+|arxiv-sanity-lite\.com|catalyzex\.com"
    r"|alphaxiv\.org|emergentmind\.com)/(?:[^\s#]{0,300}[^\w#])?arxiv(?:[_-]?id)?[:/=.]\s*"
    r"|10\.48550/arxiv\.)",
    re.IGNORECASE,
)
_ARXIV_PREFIX = re.compile(r"^(?:oai:arxiv\.org:|arxiv[:.\s]\s*|dblp:journals/corr/abs-)", re.IGNORECASE)
_ARXIV_STAMP = re.compile(r"(?<!\s)\s*\[[a-z-]+(?:\.[a-z-]+)?\](?:\s+\d{1,2} \w{3,9} \d{4})?$", re.IGNORECASE)
"""The category and the day that arXiv prints behind an id: arXiv:2310.01234v1 [cs.LG] 2 Oct 2023."""
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+", re.IGNORECASE)
_DOI_PLACES = re.compile(r"^(?:doi:\s*|https?://(?:dx\.|www\.)?doi\.org/)?(?=10\.\d{4,9}/)", re.IGNORECASE)
# bioRxiv's and medRxiv's DOIs are 10.1101/2026.01.02.123456, and 10.64898/… since December 2025. Their links add the
# version and the form: …v2.full.pdf.
_PREPRINT_DOI = r"10\.(?:1101|64898)/(?:\d+\.)*\d{6,}"
_PREPRINT_PLACE = re.compile(
    rf"(?:^|[/.])(?:bio|med)rxiv\.org/(?:content|details/(?:bio|med)rxiv)/({_PREPRINT_DOI})(?!\d)", re.IGNORECASE
)
# Older links, those of feeds, and people's own words have the number alone. It begins with the day on which the
# preprint was approved, and the prefix changed with the first of December (connect.biorxiv.org/news/2025/11/18).
_PREPRINT_NUMBER = re.compile(
    r"(?:(?:^|.*[/.])(?:bio|med)rxiv\.org/(?:cgi/content/(?:short|abstract|full)/"
    r"|content/(?:(?:bio|med)rxiv/)?early/\d{4}/\d{2}/\d{2}/)"
    r"|(?:bio|med)rxiv[:\s]\s*)((?:\d{4}\.\d{2}\.\d{2}\.)?\d{6,8})(?:v\d+)?(?:[.?#/]\S*)?",
    re.IGNORECASE,
)
_NEW_PREFIX_SINCE = "2025.12.01"
_PREPRINT_VERSION = re.compile(rf"({_PREPRINT_DOI})v\d+(?:[.?#/].*)?", re.IGNORECASE)
_OPENREVIEW_PLACE = re.compile(
    r"(?:^|[/.])openreview\.net/(?:forum|pdf|attachment)\?(?:[^#\s]*&)?id=([A-Za-z0-9_-]{5,40})(?![A-Za-z0-9_-])",
    re.IGNORECASE,
)
_OPENREVIEW_ID = re.compile(r"openreview:([A-Za-z0-9_-]{5,40})")

_OLDEST = date(1665, 3, 6)
"""The first issue of the Philosophical Transactions: no paper is older."""

_WITH_USER = re.compile(r"\s*[a-z][a-z0-9+.-]*://[^/?#\s]*@|//[^/?#\s]*@", re.IGNORECASE)
_NOT_IN_LINKS = r"\s\x00-\x1f\x7f<>\"\\^`{|}"
_WEB_LINK = re.compile(rf"https?://[^{_NOT_IN_LINKS}@/?#]+(?:[/?#][^{_NOT_IN_LINKS}]*)?", re.IGNORECASE)
_LONGEST_LINK = 2_000
_SHORT_LINK = 100
_LINK_SIGN = "://"
"""Any text with a link has it. It is found faster than a link is."""
_REPOSITORY = re.compile(
    r"https?://(?:www\.)?(?P<host>github|gitlab)\.com/(?P<owner>[\w.-]{1,100})/(?P<name>[\w.-]{1,100})", re.ASCII | re.I
)
_PROJECT_PAGE = re.compile(
    r"\bproject(?:'s)? (?:web ?)?(?:page|site)\b[^.]{0,40}?(?P<url>https?://[\w./~%-]{4,200})", re.ASCII | re.I
)
_OF_CODE = re.compile(
    r"\b(?:codes?|codebase|implementations?|software|package|library|toolkit|repository|github|gitlab|released?"
    r"|available|open[- ]?sourced?)\b",
    re.IGNORECASE,
)

_LONGEST_NOTICE = 2_000
_WORK = (
    r"(?:\w{1,20} )?(?:paper|article|submission|manuscript|preprint|pre-print|e-?print|work|draft|report|note|study"
    r"|version)"
)
_WITHDRAWN = re.compile(
    rf"(?:^\W*(?:the |our |an? )?|\bthis ){_WORK} (?:(?:has|have|had)(?: now)? been|was|is(?: being)?|(?:will|must) be"
    r"|needs to be)(?: \w{1,20}ly)? (?:withdrawn|retracted)\b"
    r"|\b(?:authors?|we|i)(?: (?:has|have|wish(?:es)?|would|like|want|decided|hereby|must|now|to))*+"
    rf" (?:withdrawn?|withdrew|retract(?:ed)?) (?:this|the|our|my) {_WORK}\b"
    r"|\bwithdrawn (?:from arxiv )?by (?:the |its )?(?:\w{1,20} )?(?:authors?|arxiv)\b"
    r"|\bwithdrawal of this (?:paper|article|submission)\b"
    r"|^\W*(?:(?:paper|article|submission) )?(?:withdrawn|retracted)"
    r"\s*(?:$|[.,:;)\]–—-]|by\b|because\b|due\b|as\b|for\b|since\b)",
    re.IGNORECASE,
)

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")

_SHORTEST_TELLING_TITLE = 20
"""Characters. Below this ("Editorial", "A reply") a title alone does not make two papers one."""


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper, whatever source or version it came from.

    `id` is an arXiv id without its version, else `doi:…`, else whatever its importer called it.
    `published` is the day it was announced; `upvotes` and `comments` are counts at the source, 0 where it has none.
    `discussion_url` is the page where readers vote on it and comment. `source` is the name of the server, journal or
    blog that listed it, as readers know it. The fields with links hold what came from outside; the properties give only
    links that can be shown and followed, and are empty where there is none.
    """

    id: str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: date | None = None
    upvotes: int = 0
    comments: int = 0
    organization: str = ""
    url: str = ""
    doi: str = ""
    pdf_url: str = ""
    code_url: str = ""
    project_url: str = ""
    discussion_url: str = ""
    source: str = ""
    withdrawn: bool = False
    """Whether its authors or its archive took it back."""

    @property
    def link(self) -> str:
        """Where a reader finds the paper."""
        if url := web_link(self.url):
            return url
        if arxiv_id(self.id):
            return f"https://arxiv.org/abs/{self.id}"
        doi = self.doi or find_doi(self.id)
        return f"https://doi.org/{doi}" if doi else ""

    @property
    def pdf_link(self) -> str:
        """The PDF: at arXiv if the paper is there, else where its source says."""
        return f"https://arxiv.org/pdf/{self.id}" if arxiv_id(self.id) == self.id else web_link(self.pdf_url)

    @property
    def code_link(self) -> str:
        """The repository of the paper's code: as its source names it, else as its abstract does."""
        return web_link(self.code_url) or _repository_in(self.abstract)

    @property
    def project_link(self) -> str:
        """The page of the project: as the paper's source names it, else as its abstract does."""
        if url := web_link(self.project_url):
            return url
        page = _PROJECT_PAGE.search(self.abstract) if _LINK_SIGN in self.abstract else None
        return web_link(page["url"].rstrip("./-")) if page and not _REPOSITORY.match(page["url"]) else ""

    @property
    def discussion_link(self) -> str:
        """The page where readers vote on the paper and comment."""
        return web_link(self.discussion_url)


def arxiv_id(text: str) -> str | None:
    """The arXiv id that `text` is (a bare id, `arXiv:…`, or any link to the paper), without its version.

    >>> arxiv_id("https://arxiv.org/pdf/2310.01234v2.pdf")
    '2310.01234'
    """
    # Each paper that is shown asks several times.
    return _arxiv_id(text) if len(text) <= _SHORT_LINK else _arxiv_id.__wrapped__(text)


@lru_cache(maxsize=4_096)
def _arxiv_id(text: str) -> str | None:
    text = unquote(text.strip())
    if _WITH_USER.match(text):
        return None
    place = _ARXIV_PLACES.search(text)
    rest = text[place.end() :] if place else _ARXIV_PREFIX.sub("", _ARXIV_STAMP.sub("", text))
    rest = re.sub(r"(?:\.pdf|\.html|/abstract)?/?(?:[?#&].*)?$", "", rest, flags=re.IGNORECASE)
    rest = re.sub(r"^(\d{4})-(?=\d{4,5}$)", r"\1.", rest) if "abs-" in text else rest  # as dblp writes it
    match = _ARXIV.fullmatch(rest)
    if not match:
        return None
    archive, slash, number = match["id"].rpartition("/")
    # math.GT/0309136 and math/0309136 are one paper: the subject class is not part of the id.
    return f"{archive.lower().split('.')[0]}/{number}" if slash else number


def last_day_of_id(paper_id: str) -> date | None:
    """The last day of the month in which arXiv gave this id: 2501.01234 and math/0501123 are both of a January."""
    if not arxiv_id(paper_id):
        return None
    digits = paper_id.rpartition("/")[2]
    year, month = int(digits[:2]), int(digits[2:4])
    year += 1900 if year > 90 else 2000  # arXiv began in 1991
    return date(year, month, monthrange(year, month)[1])


def plausible(published: date, today: date) -> date | None:
    """The day, or None if it lies before all papers or more than two days after today (time zones differ)."""
    return published if _OLDEST <= published <= today + timedelta(days=2) else None


def says_withdrawn(text: str) -> bool:
    """Whether an abstract or a comment on a paper says that this very paper is withdrawn.

    >>> says_withdrawn("This paper has been withdrawn by the author."), says_withdrawn("Why papers are withdrawn.")
    (True, False)
    """
    return bool(_WITHDRAWN.search(" ".join(text[:_LONGEST_NOTICE].split())))


def find_doi(text: str) -> str | None:
    """The DOI that `text` is (bare, `doi:…`, a doi.org link, or a page of bioRxiv or medRxiv), in lower case. That of a
    preprint comes without its version.

    >>> find_doi("https://www.biorxiv.org/content/10.1101/2026.01.02.123456v2.full.pdf")
    '10.1101/2026.01.02.123456'
    """
    text = unquote(text.strip())
    if _WITH_USER.match(text):
        return None
    if preprint := _PREPRINT_PLACE.search(text):
        return preprint[1]
    if numbered := _PREPRINT_NUMBER.fullmatch(text):
        is_new = "." in numbered[1] and numbered[1] >= _NEW_PREFIX_SINCE
        return f"10.{'64898' if is_new else '1101'}/{numbered[1]}"
    doi = _DOI_PLACES.sub("", text, count=1)
    if preprint := _PREPRINT_VERSION.fullmatch(doi):
        return preprint[1]
    match = _DOI.fullmatch(doi)
    return match[0].lower().rstrip(".,;") if match else None


def is_preprint(doi: str) -> bool:
    """Whether a DOI is that of a preprint on bioRxiv or medRxiv."""
    return re.fullmatch(_PREPRINT_DOI, doi) is not None


def openreview_id(text: str) -> str | None:
    """The id of the OpenReview forum that `text` links to (its page, or its PDF), or that an id like `openreview:…`
    names. Upper and lower case count in it.

    >>> openreview_id("https://openreview.net/pdf?id=Ab1_cD2-eF")
    'Ab1_cD2-eF'
    """
    text = unquote(text.strip())
    if _WITH_USER.match(text):
        return None
    found = _OPENREVIEW_PLACE.search(text) or _OPENREVIEW_ID.fullmatch(text)
    return found[1] if found else None


def web_link(text: str) -> str:
    """`text` if it is an http(s) link that can be shown and followed, else "". A link with a user name in front of its
    host is none: https://arxiv.org@evil.example/ looks like arXiv and leads elsewhere.

    >>> web_link("javascript:alert(1)"), web_link("https://arxiv.org@evil.example/"), web_link("https://x.example/a@b")
    ('', '', 'https://x.example/a@b')
    >>> web_link("https://[half"), web_link("https://x.example:99999/"), web_link("https://[::1]:80/x")
    ('', '', 'https://[::1]:80/x')
    """
    if len(text) > _LONGEST_LINK or not _WEB_LINK.fullmatch(text):
        return ""
    try:
        parts = urlsplit(text)
        return text if parts.hostname and parts.port != 0 else ""
    except ValueError:  # half an IPv6 address, a port that is none, a host that Unicode makes another one
        return ""


def link_key(url: str) -> str:
    """The part of a web link that tells pages apart; "" for a text that is no web link. Links that differ in http or
    https, in `www.`, in the part after `#`, in parameters that count visits, or in a last slash lead to one page.

    >>> link_key("https://www.Blog.example/post/9/?utm_source=rss&p=2#more")
    'blog.example/post/9?p=2'
    """
    if not web_link(url):
        return ""
    host, _, path = url.partition("#")[0].partition("://")[2].partition("/")
    path, _, query = path.partition("?")
    parameters = "&".join(part for part in query.split("&") if part and not part.lower().startswith("utm_"))
    host = re.sub(r"^www\.|:(?:80|443)$", "", host.lower())
    return "/".join(part for part in (host, path.rstrip("/")) if part) + (f"?{parameters}" if parameters else "")


def _repository_in(abstract: str) -> str:
    """The repository that an abstract offers as its paper's code; empty if it names none, or more than one."""
    if _LINK_SIGN not in abstract:
        return ""
    links = set()
    for match in _REPOSITORY.finditer(abstract):
        around = abstract[max(match.start() - 120, 0) : match.start()] + abstract[match.end() : match.end() + 60]
        if not _OF_CODE.search(around):
            return ""
        name = match["name"].rstrip(".").removesuffix(".git")
        links.add(f"https://{match['host'].lower()}.com/{match['owner']}/{name}")
    return links.pop() if len(links) == 1 and not next(iter(links)).endswith("/") else ""


def title_key(title: str) -> str | None:
    """What stays of a title when TeX, case, accents, punctuation and spacing are taken away; None for a title too short
    to tell two papers apart."""
    folded = normalized("NFKD", display(title))
    key = _NOT_ALPHANUMERIC.sub("", folded.casefold())
    return key if len(key) >= _SHORTEST_TELLING_TITLE else None


def canonical_id(text: str) -> str:
    """The one id for whatever `text` names: an arXiv id, `doi:…`, `openreview:…`, or the text itself, trimmed."""
    arxiv = arxiv_id(text)
    if arxiv:
        return arxiv
    if doi := find_doi(text):
        return f"doi:{doi}"
    forum = openreview_id(text)
    return f"openreview:{forum}" if forum else text.strip()


def is_id(text: str) -> bool:
    """Whether `text` is, or links to, an arXiv id, a DOI or a forum of OpenReview."""
    return bool(arxiv_id(text) or find_doi(text) or openreview_id(text))


def id_from_title(title: str) -> str:
    """A stable id for a paper that comes with neither an arXiv id nor a DOI."""
    key = title_key(title) or " ".join(title.split()).casefold()
    return "title:" + sha256(key.encode()).hexdigest()[:20]


def identities(paper: Paper) -> tuple[str, ...]:
    """Every name under which the paper may come again, the strongest first: `arxiv:`, `doi:`, `title:`, `id:`.

    Two papers that share one of them are the same paper, unless their arXiv ids or DOIs differ (see `same`).
    """
    return _identities(paper.id, paper.doi, paper.url, paper.title)


@lru_cache(maxsize=16_384)  # recording a paper asks several times, and an import records many
def _identities(paper_id: str, paper_doi: str, url: str, title: str) -> tuple[str, ...]:
    names = []
    arxiv = arxiv_id(paper_id) or (paper_doi and arxiv_id(paper_doi)) or (url and arxiv_id(url))
    if arxiv:
        names.append(f"arxiv:{arxiv}")
    doi = (paper_doi and find_doi(paper_doi)) or find_doi(paper_id)
    if doi and not arxiv_id(doi):
        names.append(f"doi:{doi}")
    key = title_key(title)
    if key:
        names.append("title:" + sha256(key.encode()).hexdigest()[:20])
    return (*names, f"id:{paper_id}")


def same(one: Paper, other: Paper) -> bool:
    """Whether both are one paper: the arXiv id decides; where one has none, the DOI; where one has none, the title."""
    names = dict(name.split(":", 1) for name in identities(one))
    other_names = dict(name.split(":", 1) for name in identities(other))
    for kind in ("arxiv", "doi", "title"):
        if kind in names and kind in other_names:
            return names[kind] == other_names[kind]
    return one.id == other.id


def differ(one: Paper, other: Paper) -> bool:
    """Whether both have an arXiv id, or a DOI, and these differ."""
    mine = dict(name.split(":", 1) for name in identities(one))
    theirs = dict(name.split(":", 1) for name in identities(other))
    return any(kind in mine and kind in theirs and mine[kind] != theirs[kind] for kind in ("arxiv", "doi"))


def merge(stored: Paper, newer: Paper) -> Paper:
    """The paper with the best of both. `stored` keeps its id. What it lacks comes from `newer`. Counts are those of
    `newer` if it has any. The longer abstract stays. The earlier date stays, because a paper is announced once."""
    dates = [day for day in (stored.published, newer.published) if day]
    return replace(
        stored,
        title=stored.title or newer.title,
        abstract=max(stored.abstract, newer.abstract, key=len),
        authors=max(stored.authors, newer.authors, key=len),
        categories=_union(stored.categories, newer.categories),
        published=min(dates) if dates else None,
        upvotes=newer.upvotes or stored.upvotes,
        comments=newer.comments or stored.comments,
        organization=stored.organization or newer.organization,
        url=stored.url or newer.url,
        doi=stored.doi or newer.doi,
        pdf_url=stored.pdf_url or newer.pdf_url,
        code_url=stored.code_url or newer.code_url,
        project_url=stored.project_url or newer.project_url,
        discussion_url=stored.discussion_url or newer.discussion_url,
        source=stored.source or newer.source,
        withdrawn=stored.withdrawn or newer.withdrawn,
    )


def _union(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
