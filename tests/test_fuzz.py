"""Every reader of texts from outside, fed with what costs most: pieces of its own grammar, repeated to the longest text
that is let in. No text may take more processor time or memory than `tests.bounds` says.

`make soak` runs many more examples, from a new seed each time, and prints the slowest text of each reader.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from bot.commands import bibliography, completions, parser
from bot.commands.registry import COMMANDS
from bot.digests.cards import card
from bot.model import schedule_text, zones
from bot.model.commands import LONGEST_LINE
from bot.model.text import without_markup
from bot.operate import env_file
from bot.platforms.files import decoded
from bot.platforms.terminal import completion, typed
from bot.ports.platform import Capabilities
from bot.sources import arxiv_xml, biorxiv, clean, feed, huggingface, openreview, zotero
from bot.sources.base import SourceError
from bot.sources.fetch import Answer
from recommender import Paper, Recommender, formats
from recommender.paper import canonical_id, title_key
from recommender.search import query
from recommender.search.snippets import snippet
from recommender.text import display, words
from tests.bounds import MOST_BYTES, MOST_SECONDS, peak, seconds
from tests.sources.attacks import SIZE, bodies
from tests.support.harness import demo_papers
from tests.support.paper_sources import preprint, submission, zotero_item

SOAK = int(os.environ.get("SOAK_EXAMPLES", "0"))
"""Examples for each reader; 0 for the short run that is part of the tests."""
SEED = int(os.environ.get("SOAK_SEED", "14"))
TODAY = date(2026, 3, 6)

TEX = (
    "\\sqrt[", "\\frac{", "\\cite[", "\\footnote", "\\begin{array}[", "\\begin{", "\\end{array}", "\\hat{", "\\'",
    "\\'{e}", "\\mathbf{a}", "\\alpha ", "\\left(", "\\text{", "{", "}", "[", "]", "$", "$$", "\\(", "\\[", "\\",
    "%", "&", "~", "--", "''", "``", "x", " ", "\n", "é", "\u0301\u0316", "ﬃ", "𝒜", "\u200b", "\uff9e",
)  # fmt: skip
PEOPLE = (*TEX, ", ", " and ", "(", ")", ";", "Jr.", "A B", "Ada", "and")
BIBTEX = (
    *TEX, "@a{b,", "@article{a, title={", "title={A},", "author={A and B},", "@string{a=", "a # ", '"', "},\n", "=",
    "#", ",", "@comment{", "@preamble{", "2310.01234 ", "10.1000/x ", "https://arxiv.org/abs/", " and ",
    "url={https://x.example/--}", "@a(b,", "c=d ", ",,", "@Override{x}", "note={arXiv:2310.01234}", "%\n", "{\"}",
    "given=A, family=B ", "; ", "Jr., ",
)  # fmt: skip
RIS = (
    "TY  - JOUR\n", "ER  -\n", "TI  - A title\n", "AU  - Roe, J, Jr.\n", "A1  - B\n", "AB  - ", "DO  - 10.1/x\n",
    "UR  - https://arxiv.org/abs/", "N1  - arXiv:2310.01234\n", "TY", "  - ", "\n", " ", "x", "&amp;", *TEX[:6],
)  # fmt: skip
HTML = (
    "<b>", "</b>", "<script>", "</script>", "<!--", "-->", "<a href='", "'>", "&lt;", "&amp;", "&#65;", "&nbsp",
    "&", "<", ">", "<p ", "<title>", "x ", "<![CDATA[", "]]>",
)  # fmt: skip
XML = (
    "<item>", "</item>", "<entry>", "</entry>", "<title>", "</title>", "<link>", "<link href='x'/>", "<a b='c'/>",
    "<a ", "b='c' ", "/>", ">", "<pubDate>", "</pubDate>", "<dc:creator>", "</dc:creator>", "A B, ",
    "<description>", "</description>", "<![CDATA[", "]]>", "&amp;", "&lt;b&gt;", "&nbsp;", "&", "&#65;", "<!--",
    "-->", "<?x", "?>", "<!DOCTYPE a [", "<!ENTITY b 'c'>", "<!ATTLIST a b CDATA 'c'>", "]>", "xmlns:a='b' ",
    "<summary type='html'>", "</summary>", "<author><name>", "</name></author>", "<category term='a'/>",
    "Mon, 02 Mar 2026 10:00:00 GMT", "1", " ", "\n", *TEX[:8],
)  # fmt: skip
JSON = (
    "{", "}", "[", "]", ",", ":", '"', '"a":1,', '{"title":"A"},', "[],", "{},", '"title":"', '"authors":[',
    '{"name":"A B"},', '"content_html":"', "<b>", "&lt;", '"tags":["a"],', "1", "1.5e9,", "null,", '\\u00e9',
    '\\\\', "\\\\'e", "é", "𝒜", " ", '"url":"https://x.example/../",', '"date_published":"2026-03-05",',
    '"summary":"', '"id":"2603.00001",', '"paper":{',
)  # fmt: skip
WORDS = (
    *PEOPLE, *HTML, "the authors have withdrawn ", "this manuscript has been ", "WITHDRAWN: ", "arXiv: ",
    "10.1101/123456v",
    "https://openreview.net/forum?id=", "https://www.biorxiv.org/content/early/", "biorxiv ", "&", "=", "/", "1.",
)  # fmt: skip
PREPRINTS = (
    *JSON, '"doi":"10.1101/2026.03.05.123456v2",', '"authors":"', "Doe, J.; ", "; ", ", ", "Jr.", '"abstract":"',
    "<jats:p>", "the authors have withdrawn ", "this manuscript has been ", '"version":"2",', '"date":"2026-03-05",',
    "WITHDRAWN: ",
)  # fmt: skip
NOTES = (
    *JSON, '{"readers":["everyone"],"id":"aaaaaaa","content":{', "}},", '"title":{"value":"A"},',
    '"abstract":{"value":"', '"authors":{"value":["', '"A B",', '{"fullname":"A B"},', "]},", '"keywords":{"value":[',
    '"odate":1772800000000,',
    '"venueid":{"value":"ICLR.cc/2027/Conference/Submission"},', '"tmdate":1,', '"readers":["everyone"],',
)  # fmt: skip
ITEMS = (
    *JSON, '{"data":{', "}},", '"itemType":"preprint",', '"archiveID":"arXiv:2310.01234",', '"extra":"', "arXiv:x\\n",
    '"creators":[', '{"firstName":"A","lastName":"B"},', '"creatorType":"author",', '"abstractNote":"',
    '"DOI":"10.1/x",',
)  # fmt: skip
TYPED = (
    *TEX[:12], "a", "federated ", '"', "-", "OR ", "AND ", "NOT ", "(", ")", "*", "author:", 'author:"', "title:",
    "cat:cs.LG ", "cat:", "after:2025 ", "before:", "2504.20119,", "https://arxiv.org/abs/", ",", ":", " ", "深度",
    "ภาษา", "é", "\u0301\u0316", "the ", "x1", "_", "β-", "NEAR/2 ", "for us ",
)  # fmt: skip
TIMES = (
    "9:00", "09", ":", "am ", "daily ", "weekdays ", "mon", "-", ",", " ", "Europe/Berlin ", "UTC", "+", "3 ",
    "cards ", "at ", "every ", "Berlin", "é", "\\sqrt[", "0", "/", "noon", "and ",
)  # fmt: skip

LINKS = (
    "https://", "scirate.com/", "arxiv", ":", "/", "=", "?", "&", "#", "[cs.LG]", "arxiv.org/abs/", "1602.05629", "v1",
    "abs-", ".pdf", "10.48550/arxiv.", "doi:", "@", "%2f", " ",
)  # fmt: skip

REACTIONS = (
    "2 ", "1-3 ", "1 to 9 ", "all ", "👍", "👍🏽", ":fire:", "2️⃣", "heart ", "thumbs up ", "and ", "+1 ", "-1 ", "#2 ",
    "save ", "/react ", "/next ", "\n", "❤️", "🇩🇪", "👩\u200d🔬",
)  # fmt: skip
VARIABLES = (
    "A=",
    "B='",
    '"',
    "'",
    "\\",
    "\n",
    "export ",
    "=",
    " #",
    'C="x"\n',
    "x",
    " ",
    "${A}",
    "\0",
    "é",
    "D\n",
    "# ",
)

LIBRARY = Recommender()
LIBRARY.add(demo_papers())
SLOWEST: dict[str, tuple[float, str]] = {}


def _answer(body: str) -> Answer:
    return Answer("https://x.example/feed", 200, body.encode(errors="replace")[:SIZE])


def _feed_xml(text: str) -> object:
    return feed._read(_answer(f'<rss version="2.0"><channel>{text}'), TODAY)


def _closed_feed_xml(text: str) -> object:
    body = f'<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>{text}</channel></rss>'
    return feed._read(_answer(body), TODAY)


def _hugging_face(text: str) -> object:
    return huggingface._Pages(TODAY).add(_answer(f"[{text}]"), TODAY)


def _biorxiv(text: str) -> object:
    return biorxiv.read_page(_answer('{"messages":[{"status":"ok"}],"collection":[' + text + "]}"), "", TODAY)


def _openreview(text: str) -> object:
    return openreview.read_page(_answer('{"notes":[' + text + "]}"), TODAY)


def _texts_of_biorxiv(text: str) -> object:
    return _biorxiv(json.dumps(preprint("10.1101/123456", TODAY, title=text, authors=text, abstract=text)))


def _texts_of_openreview(text: str) -> object:
    return _openreview(
        json.dumps(submission("aaaaaaa", TODAY, title=text, abstract=text, authors=[text[:10_000]] * 50))
    )


def _texts_of_zotero(text: str) -> object:
    item = zotero_item(text, abstractNote=text, creators=[{"name": text[:10_000]}] * 50, extra=text, url=text, DOI=text)
    return zotero.read_items(_answer(json.dumps([item])), TODAY)


def _card(text: str) -> object:
    return card(Paper("1", text[:1_000], text, (text[:200],) * 3, organization=text[:200]))


def _values(text: str) -> object:
    channel: Any = SimpleNamespace(hour="09:00", zone="UTC")
    return completions.of_schedule(channel, Capabilities(max_text=1_000), text)


def _lines_of(made: Callable[[dict[str, Any]], object], text: str) -> object:
    return [formats._record(n, line, made) for n, line in enumerate(text.encode(errors="replace").splitlines())]


READERS: dict[str, tuple[Callable[[str], object], tuple[str, ...], int]] = {
    "display": (display, TEX, clean.ABSTRACT_CHARS),
    "words": (words, TEX, 100_000),
    "card": (_card, TEX, clean.ABSTRACT_CHARS),
    "person": (clean.person, PEOPLE, 1_000),
    "people in a line": (clean.people_in, PEOPLE, 400_000),
    "html": (clean.words_of_html, HTML, 400_000),
    "bibtex": (bibliography.read, BIBTEX, LONGEST_LINE),
    "ris": (bibliography.read, RIS, LONGEST_LINE),
    "markup": (without_markup, HTML, 100_000),
    "title key": (title_key, TEX, clean.TITLE_CHARS),
    "id": (canonical_id, (*LINKS, *TYPED), LONGEST_LINE),
    "file": (lambda text: decoded(text.encode("utf-16-le", "replace")), ("a", "é", "\0", "𝒜"), LONGEST_LINE),
    "feed, xml": (_feed_xml, XML, SIZE - 1_000),
    "feed, closed xml": (_closed_feed_xml, XML, SIZE - 1_000),
    "feed, json": (lambda text: feed._read(_answer('{"items":[' + text + "]}"), TODAY), JSON, SIZE - 1_000),
    "arxiv, announcements": (
        lambda text: arxiv_xml.read_announcement(_answer(f"<rss><channel>{text}</channel></rss>"), TODAY),
        XML,
        SIZE - 1_000,
    ),
    "arxiv, query": (lambda text: arxiv_xml.read_page(_answer(f"<feed>{text}</feed>"), TODAY), XML, SIZE - 1_000),
    "hugging face": (_hugging_face, JSON, SIZE - 1_000),
    "biorxiv": (_biorxiv, PREPRINTS, SIZE - 1_000),
    "openreview": (_openreview, NOTES, SIZE - 1_000),
    "zotero": (lambda text: zotero.read_items(_answer(f"[{text}]"), TODAY), ITEMS, SIZE - 1_000),
    "biorxiv, texts": (_texts_of_biorxiv, WORDS, 400_000),
    "openreview, texts": (_texts_of_openreview, WORDS, 100_000),
    "zotero, texts": (_texts_of_zotero, WORDS, 100_000),
    "query": (query.parse, TYPED, LONGEST_LINE),
    "understand": (LIBRARY.interpret, TYPED, LONGEST_LINE),
    "search": (LIBRARY.search, TYPED, LONGEST_LINE),
    "complete": (LIBRARY.complete, TYPED, LONGEST_LINE),
    "snippet": (lambda text: snippet(text[:1_000], text), TYPED, clean.ABSTRACT_CHARS),
    "command": (lambda text: parser.parse(text, COMMANDS), TYPED, LONGEST_LINE),
    "schedule": (schedule_text.read_line, TIMES, LONGEST_LINE),
    "zone": (zones.find_zone, TIMES, LONGEST_LINE),
    "zones that begin so": (zones.zones_beginning, TIMES, LONGEST_LINE),
    "typed in the terminal": (
        lambda text: typed.parse(text, ("save", "why"), COMMANDS), (*TYPED, *REACTIONS), LONGEST_LINE
    ),
    "suggested in the terminal": (
        lambda text: completion.local(text, ("a",), ("b",)), (*TYPED, *REACTIONS), LONGEST_LINE
    ),
    "a command's values": (_values, TIMES, LONGEST_LINE),
    "environment file": (env_file.variables_in, VARIABLES, env_file.LARGEST),
    "paper file": (
        lambda text: _lines_of(formats.paper_from, text), (*JSON, '{"id":"1","title":"', '"}', "\n"), 1_000_000
    ),
    "feedback file": (
        lambda text: _lines_of(formats.feedback_from, text), (*JSON, '{"channel":"c","paper":"1",', '"value":1}', "\n"),
        1_000_000,
    ),
}  # fmt: skip


def pumped(parts: tuple[str, ...]) -> st.SearchStrategy[tuple[str, str, str]]:
    """The beginning of a text, the piece of it that is repeated, and its end."""
    some = st.lists(st.sampled_from(parts), max_size=5).map("".join)
    return st.tuples(some, st.lists(st.sampled_from(parts), min_size=1, max_size=4).map("".join), some)


@pytest.fixture(scope="module", autouse=True)
def _figures() -> Iterator[None]:
    yield
    if SOAK:
        print(json.dumps({"seed": SEED, "slowest": SLOWEST}, indent=2, ensure_ascii=False))  # noqa: T201


@pytest.mark.parametrize("name", READERS)
def test_no_text_costs_a_reader_much(name: str) -> None:
    read, parts, longest = READERS[name]

    @seed(SEED)
    @settings(
        max_examples=SOAK or 15, deadline=None, database=None, print_blob=False, suppress_health_check=list(HealthCheck)
    )
    @given(pumped(parts), st.sampled_from((1, 10, 100)))
    def try_one(pieces: tuple[str, str, str], shorter: int) -> None:
        head, piece, tail = pieces
        text = (head + piece * ((longest // shorter) // len(piece)))[: longest // shorter - len(tail)] + tail
        _check(name, repr(pieces), lambda: read(text))

    try_one()


FULL = dict(bodies()) if SOAK else {}
SHORT = ("empty objects", "empty lists", "keys", "attributes", "attribute defaults", "full items", "html items", "urls",
         "spaces", "long author", "full authors", "accents", "deep", "a long name", "damaged: <a>",
         "doctype")  # fmt: skip


@pytest.mark.parametrize("name", FULL or [name for name, _ in bodies(2_000) if any(one in name for one in SHORT)])
def test_no_answer_of_a_hostile_server_costs_much(name: str) -> None:
    body = FULL.get(name) or dict(bodies(SIZE, only=name))[name]
    answer = Answer("https://x.example/feed", 200, body)
    _check(f"attack on feeds: {name}", name, lambda: feed._read(answer, TODAY))
    if not body.startswith(b"{"):
        _check(f"attack on arXiv: {name}", name, lambda: arxiv_xml.read_announcement(answer, TODAY))


def _check(name: str, what: str, call: Callable[[], object]) -> None:
    def quietly() -> None:
        try:
            call()
        except (SourceError, ValueError):  # said in one sentence, as bad input should be
            return

    took = seconds(quietly)
    SLOWEST[name] = max(SLOWEST.get(name, (0.0, "")), (round(took, 3), what))
    assert took <= MOST_SECONDS, f"{took:.2f} s for {what}"
    if took > 0.004 and (SOAK or took > 0.1):
        needed = peak(quietly)
        assert needed <= MOST_BYTES, f"{needed / 1e6:.0f} MB for {what}"
