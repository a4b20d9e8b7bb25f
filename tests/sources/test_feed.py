"""Feeds of every format, careless and hostile ones included."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources import feed as feed_module
from bot.sources.base import BadAddress, Batch, ListingKind, SourceError, Unreadable
from bot.sources.feed import Feed
from bot.sources.fetch import Answer, Fetcher
from recommender.paper import Paper, id_from_title
from tests.support.paper_sources import PaperSources, arxiv_atom

FRIDAY = date(2026, 3, 6)
TITLE = "A title long enough to tell papers apart"


async def read(server: PaperSources, fetcher: Fetcher, body: str | bytes) -> Batch:
    return await Feed(fetcher, server.answer("/feed", body), name="journal", trusted=True).fetch(FRIDAY, FRIDAY, {})


async def read_paper(server: PaperSources, fetcher: Fetcher, body: str | bytes) -> Paper:
    (listing,) = (await read(server, fetcher, body)).listings
    return listing.paper


def rss(*items: str) -> str:
    return f'<rss version="2.0"><channel><title>Journal</title>{"".join(items)}</channel></rss>'


async def test_an_rss_feed_of_a_journal_is_read(server: PaperSources, fetcher: Fetcher) -> None:
    sent = Paper(id="doi:10.1000/1", title=TITLE, abstract="If a < b & c.", published=date(2026, 3, 5), doi="10.1000/1")
    url = server.feed("/journal", [sent])
    batch = await Feed(fetcher, url, name="journal", trusted=True).fetch(FRIDAY, FRIDAY, {})
    (listing,) = batch.listings
    assert (listing.source, listing.listed_on, listing.kind) == ("journal", date(2026, 3, 5), ListingKind.FEED)
    assert (listing.paper.id, listing.paper.title, listing.paper.abstract) == (sent.id, sent.title, sent.abstract)
    assert listing.paper.link == "https://doi.org/10.1000/1"
    assert listing.paper.source == "A journal"
    assert (batch.notes, batch.failure) == ((), None)


async def test_an_unchanged_list_gives_no_listings_and_the_same_memory(server: PaperSources, fetcher: Fetcher) -> None:
    feed = Feed(fetcher, server.answer("/feed", rss(f"<item><title>{TITLE}</title></item>")), trusted=True)
    first = await feed.fetch(FRIDAY, FRIDAY, {})
    again = await feed.fetch(FRIDAY, FRIDAY, first.memory)
    assert len(first.listings) == 1
    assert (again.listings, again.memory) == ((), first.memory)
    assert re.fullmatch(r"feed 127\.0\.0\.1 \([0-9a-f]{6}\)", feed.name)
    assert server.url not in repr(first)


async def test_an_untrusted_feed_in_a_private_network_is_refused(server: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(BadAddress):
        await Feed(fetcher, server.answer("/feed", rss())).fetch(FRIDAY, FRIDAY, {})
    assert server.requests == []


@pytest.mark.parametrize(
    ("element", "paper_id", "link"),
    [
        ("<link>https://arxiv.org/abs/2603.01234v2</link>", "2603.01234", "https://arxiv.org/abs/2603.01234"),
        ("<link>https://huggingface.co/papers/2603.01234</link>", "2603.01234", "https://arxiv.org/abs/2603.01234"),
        ("<guid>oai:arXiv.org:2603.01234v1</guid>", "2603.01234", "https://arxiv.org/abs/2603.01234"),
        ("<link>https://doi.org/10.1000/AbC</link>", "doi:10.1000/abc", "https://doi.org/10.1000/AbC"),
        ("<link>https://x.example/doi/full/10.1000/a%2Fb?af=R</link>", "doi:10.1000/a/b", None),
        ("<link>https://x.example/1</link><dc:identifier>doi:10.1000/1</dc:identifier>", "doi:10.1000/1", None),
        ("<link>https://x.example/1</link><prism:doi>10.1000/1</prism:doi>", "doi:10.1000/1", "https://x.example/1"),
        ("<link>/relative</link>", id_from_title(TITLE), "http://127.0.0.1"),
        ("<link>javascript:alert(1)</link>", id_from_title(TITLE), ""),
        ("<link>http://[</link>", id_from_title(TITLE), ""),
        ("", id_from_title(TITLE), ""),
    ],
)
async def test_the_strongest_identifier_becomes_the_papers_id(
    server: PaperSources, fetcher: Fetcher, element: str, paper_id: str, link: str | None
) -> None:
    spaces = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"'
    body = rss(f"<item><title>{TITLE}</title>{element}</item>").replace("<rss", f"<rss {spaces}")
    paper = await read_paper(server, fetcher, body)
    assert paper.id == paper_id
    assert link is None or (paper.link.startswith(link) if link else paper.link == "")


async def test_papers_with_the_same_short_title_get_ids_from_their_links(
    server: PaperSources, fetcher: Fetcher
) -> None:
    items = (f"<item><title>Editorial</title><link>https://x.example/{n}</link></item>" for n in (1, 2, 2))
    ids = [listing.paper.id for listing in (await read(server, fetcher, rss(*items))).listings]
    assert len(set(ids)) == 2
    assert all(paper_id.startswith("link:") for paper_id in ids)


async def test_html_becomes_plain_text(server: PaperSources, fetcher: Fetcher) -> None:
    html = (
        "<style>p {}</style><p>First <b>bold</b>ly.</p><p>a &lt; b&nbsp;&amp; c</p>"
        "<script>alert('<p>no</p>')</script><img src=x onerror=alert(1)>E=mc<sup>2</sup>"
    )
    title = "On &lt;i&gt;E. coli&lt;/i&gt; and others"
    item = f"<item><title>{title}</title><description><![CDATA[{html}]]></description></item>"
    paper = await read_paper(server, fetcher, rss(item))
    assert paper.title == "On E. coli and others"
    assert paper.abstract == "First boldly. a < b & c E=mc2"


async def test_content_authors_and_tags_of_atom_are_read(server: PaperSources, fetcher: Fetcher) -> None:
    body = f"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><entry>
      <id>tag:x,1</id><title type="text">{TITLE}, for a &lt; b</title><link href="https://x.example/a"/>
      <author><name>Ada Moreau</name></author><author><name>Bo Lindqvist</name></author>
      <category term="optics"/><category term="lasers"/><updated>2026-03-04T23:30:00Z</updated>
      <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hello <i>there</i></p></div></content>
    </entry></feed>"""
    paper = await read_paper(server, fetcher, body)
    assert paper.title == f"{TITLE}, for a < b"
    assert paper.abstract == "Hello there"
    assert paper.authors == ("Ada Moreau", "Bo Lindqvist")
    assert paper.categories == ("optics", "lasers")
    assert paper.published == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("Ada Moreau, Bo Lindqvist", ("Ada Moreau", "Bo Lindqvist")),
        ("Curie, Marie", ("Curie, Marie",)),
        ("Plato", ("Plato",)),
        ("", ()),
    ],
)
async def test_a_single_line_of_authors_is_split(
    server: PaperSources, fetcher: Fetcher, line: str, authors: tuple[str, ...]
) -> None:
    item = f'<item><title>{TITLE}</title><dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/">{line}</dc:creator></item>'
    assert (await read_paper(server, fetcher, rss(item))).authors == authors


async def test_arxivs_own_feed_is_read_as_a_feed(server: PaperSources, fetcher: Fetcher) -> None:
    sent = Paper(id="2603.01234", title=TITLE, abstract="An abstract.", authors=("Ada Moreau",))
    batch = await read(server, fetcher, arxiv_atom("cs.LG", FRIDAY, [(sent, "replace")]))
    (listing,) = batch.listings
    assert (listing.paper.id, listing.paper.abstract, listing.kind) == (
        "2603.01234",
        "An abstract.",
        ListingKind.REPLACE,
    )


@pytest.mark.parametrize(
    ("date_text", "published", "listed_on"),
    [
        ("Thu, 05 Mar 2026 10:00:00 GMT", date(2026, 3, 5), date(2026, 3, 5)),
        ("Sat, 07 Mar 2026 10:00:00 GMT", date(2026, 3, 7), FRIDAY),
        ("Thu, 05 Mar 2099 10:00:00 GMT", None, FRIDAY),
        ("Thu, 05 Mar 0099 10:00:00 GMT", None, FRIDAY),
        ("the day before yesterday", None, FRIDAY),
        ("", None, FRIDAY),
    ],
)
async def test_implausible_dates_are_ignored(
    server: PaperSources, fetcher: Fetcher, date_text: str, published: date | None, listed_on: date
) -> None:
    batch = await read(server, fetcher, rss(f"<item><title>{TITLE}</title><pubDate>{date_text}</pubDate></item>"))
    assert [(listing.paper.published, listing.listed_on) for listing in batch.listings] == [(published, listed_on)]


async def test_entries_without_a_title_are_counted_and_left_out(server: PaperSources, fetcher: Fetcher) -> None:
    batch = await read(
        server, fetcher, rss("<item/>", "<item><title> </title></item>", f"<item><title>{TITLE}</title></item>")
    )
    assert len(batch.listings) == 1
    assert batch.notes == ("2 of 127.0.0.1's entries have no title and were left out.",)


async def test_a_very_long_feed_is_cut_with_a_note(server: PaperSources, fetcher: Fetcher) -> None:
    batch = await read(server, fetcher, rss(*(f"<item><title>{TITLE} {n}</title></item>" for n in range(2_003))))
    assert len(batch.listings) == 2_000
    assert batch.notes == ("127.0.0.1's feed is very long; its first 2,000 entries were taken.",)


async def test_a_damaged_feed_is_repaired_with_a_note(server: PaperSources, fetcher: Fetcher) -> None:
    batch = await read(server, fetcher, rss(f"<item><title>{TITLE}&nbsp;& more</title></item>"))
    assert [listing.paper.title for listing in batch.listings] == [f"{TITLE} & more"]
    assert batch.notes == ("127.0.0.1's feed is damaged; what could be read was taken.",)


async def test_a_json_feed_is_read(server: PaperSources, fetcher: Fetcher) -> None:
    item = {
        "id": "https://huggingface.co/papers/2603.01234",
        "url": "https://huggingface.co/papers/2603.01234",
        "title": TITLE,
        "content_html": "<p>Hello <i>there</i></p>",
        "authors": [{"name": "Ada Moreau"}, {}, 3],
        "tags": ["optics", 3],
        "date_published": "2026-03-05T02:30:55",
    }
    paper = await read_paper(
        server, fetcher, json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [item]})
    )
    assert paper == Paper(
        id="2603.01234",
        title=TITLE,
        abstract="Hello there",
        authors=("Ada Moreau",),
        categories=("optics",),
        published=date(2026, 3, 5),
    )


RSS_PDF = """<item><title>{title}</title><link>http://e.org/1</link>
<enclosure url="{url}" type="application/pdf"/></item>"""
ATOM_PDF = """<feed xmlns="http://www.w3.org/2005/Atom"><title>A &lt;b>bold&lt;/b> journal</title>
<entry><title>{title}</title><link href="http://e.org/1"/>
<link rel="related" type="application/pdf" href="{url}"/></entry></feed>"""


def json_feed(url: object) -> str:
    attachments = [
        {"url": "http://e.org/a.mp3", "mime_type": "audio/mpeg"},
        {"url": url, "mime_type": "application/pdf"},
    ]
    item = {"id": "1", "url": "http://e.org/1", "title": TITLE, "attachments": attachments}
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Journal", "items": [item]})


@pytest.mark.parametrize(
    ("url", "pdf"),
    [
        ("https://e.org/1.pdf", "https://e.org/1.pdf"),
        ("javascript:alert(1)", ""),
        ("https://arxiv.org@e.org/1.pdf", ""),
        ("https://e.org/" + "x" * 3_000, ""),
    ],
)
async def test_a_feed_may_name_the_pdf_of_a_paper(server: PaperSources, fetcher: Fetcher, url: str, pdf: str) -> None:
    for body in (rss(RSS_PDF.format(title=TITLE, url=url)), ATOM_PDF.format(title=TITLE, url=url), json_feed(url)):
        paper = await read_paper(server, fetcher, body)
        assert (paper.pdf_url, paper.link) == (pdf, "http://e.org/1")


async def test_the_title_of_a_feed_is_the_source_of_its_papers(server: PaperSources, fetcher: Fetcher) -> None:
    item = f"<item><title>{TITLE}</title></item>"
    assert (await read_paper(server, fetcher, rss(item))).source == "Journal"
    assert (await read_paper(server, fetcher, ATOM_PDF.format(title=TITLE, url=""))).source == "A bold journal"
    assert (await read_paper(server, fetcher, json_feed(3))).source == "Journal"
    long_title = rss(item).replace("Journal", "Journal\u202e of " + "x" * 500)
    assert len((await read_paper(server, fetcher, long_title)).source) <= 80
    # An arXiv paper is arXiv's, whatever feed names it.
    arxiv_item = f"<item><title>{TITLE}</title><link>https://arxiv.org/abs/2603.01234</link></item>"
    assert (await read_paper(server, fetcher, rss(arxiv_item))).source == ""


BOMB = '<!DOCTYPE rss [<!ENTITY a "' + "a" * 1_000 + '">]>' + rss(f"<item><title>{'&a;' * 1_000}</title></item>")
THEFT = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + rss("<item><title>&x;</title></item>")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "empty or cut off"),
        ("/etc/passwd", "no feed"),
        ("http://127.0.0.1/", "no feed"),
        ("<!doctype html><html><title>Welcome</title></html>", "web page"),
        (rss(f"<item><title>{TITLE}</title></item>" * 5)[:200], "cut off"),
        (BOMB, "declares entities"),
        (THEFT, "declares entities"),
        ("& " + BOMB, "declares entities"),
        ("<a>" * 5_000, "too intricate"),
        (rss("<item><title>&#x110000;</title></item>"), "damaged"),
        ("<rss><item><textinput><description>x", "cut off"),
        ("<rss><item><textinput><description>&;", "damaged"),
        ('{"items": 3}', "no feed"),
        ('{"items": [', "damaged or cut off"),
        ("<x/>", "no feed"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no feed"),
    ],
)
async def test_a_body_that_is_no_feed_is_unreadable(
    server: PaperSources, fetcher: Fetcher, body: str | bytes, problem: str
) -> None:
    with pytest.raises(Unreadable, match=problem):
        await read(server, fetcher, body)


async def test_a_body_that_names_a_file_does_not_open_it(
    server: PaperSources, fetcher: Fetcher, tmp_path: Path
) -> None:
    file = tmp_path / "feed.xml"
    file.write_text(rss(f"<item><title>{TITLE}</title></item>"))
    with pytest.raises(Unreadable, match="no feed"):
        await read(server, fetcher, str(file))


def test_a_large_damaged_feed_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="damaged"):
        feed_module._read(Answer("https://x.example/feed", 200, b"<rss>& " + b"<a " * 400_000), FRIDAY)


async def test_the_event_loop_is_not_blocked_while_a_feed_is_parsed(server: PaperSources, fetcher: Fetcher) -> None:
    items = (f"<item><title>{TITLE} {n}</title></item>" for n in range(1_000))
    reading = asyncio.create_task(read(server, fetcher, rss(*items)))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5
    assert len((await reading).listings) == 1_000


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("http://["),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "id",
    "url",
    "title",
    "content_text",
    "content_html",
    "authors",
    "author",
    "tags",
    "date_published",
    "attachments",
)
items = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, anything)) | anything, max_size=3)


@given(st.fixed_dictionaries({"items": items | anything}))
def test_any_values_in_a_json_feed_give_valid_papers(body: object) -> None:
    assert_valid_papers(json.dumps(body).encode())


@given(st.binary())
def test_any_bytes_are_read_or_raise_source_error(body: bytes) -> None:
    assert_valid_papers(body)


TOKENS = (
    "<rss version='2.0'> <channel> <item> <title> </title> </item> &#0; &lt;b <![CDATA[ ]]> <!-- --> <link> x \x00 & <"
)


@given(st.lists(st.sampled_from(TOKENS), max_size=25))
def test_any_markup_is_read_or_raises_source_error(parts: list[str]) -> None:
    assert_valid_papers("".join(parts).encode())


def assert_valid_papers(body: bytes) -> None:
    try:
        feed = feed_module._read(Answer("https://x.example/feed", 200, body), FRIDAY)
    except SourceError:
        return
    for entry in feed.entries:
        paper = feed_module._paper(entry, feed.title)
        assert paper.id
        for text in (paper.id, paper.title, paper.abstract, paper.url, *paper.authors, *paper.categories):
            assert "\x00" not in text
            text.encode()  # a lone surrogate could not be
