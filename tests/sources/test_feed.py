"""Any feed: journals, blogs and other people's lists, as careless or hostile as they come."""

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


async def read(world: PaperSources, fetcher: Fetcher, body: str | bytes) -> Batch:
    return await Feed(fetcher, world.answer("/feed", body), name="journal", trusted=True).fetch(FRIDAY, FRIDAY, {})


async def only(world: PaperSources, fetcher: Fetcher, body: str | bytes) -> Paper:
    (listing,) = (await read(world, fetcher, body)).listings
    return listing.paper


def rss(*items: str) -> str:
    return f'<rss version="2.0"><channel><title>Journal</title>{"".join(items)}</channel></rss>'


async def test_a_journals_feed_is_a_list_of_papers(world: PaperSources, fetcher: Fetcher) -> None:
    one = Paper(id="doi:10.1000/1", title=TITLE, abstract="If a < b & c.", published=date(2026, 3, 5), doi="10.1000/1")
    url = world.feed("/journal", [one])
    batch = await Feed(fetcher, url, name="journal", trusted=True).fetch(FRIDAY, FRIDAY, {})
    (listing,) = batch.listings
    assert (listing.source, listing.listed_on, listing.kind) == ("journal", date(2026, 3, 5), ListingKind.FEED)
    assert (listing.paper.id, listing.paper.title, listing.paper.abstract) == (one.id, one.title, one.abstract)
    assert listing.paper.link == "https://doi.org/10.1000/1"
    assert (batch.notes, batch.failure) == ((), None)


async def test_what_did_not_change_gives_nothing_and_stays_remembered(world: PaperSources, fetcher: Fetcher) -> None:
    feed = Feed(fetcher, world.answer("/feed", rss(f"<item><title>{TITLE}</title></item>")), trusted=True)
    first = await feed.fetch(FRIDAY, FRIDAY, {})
    again = await feed.fetch(FRIDAY, FRIDAY, first.memory)
    assert len(first.listings) == 1
    assert (again.listings, again.memory) == ((), first.memory)
    assert re.fullmatch(r"feed 127\.0\.0\.1 \([0-9a-f]{6}\)", feed.name)
    assert world.url not in repr(first)


async def test_a_feed_that_a_stranger_names_may_not_be_inside(world: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(BadAddress):
        await Feed(fetcher, world.answer("/feed", rss())).fetch(FRIDAY, FRIDAY, {})
    assert world.asked == []


@pytest.mark.parametrize(
    ("inside", "its_id", "link"),
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
async def test_a_paper_is_known_by_its_strongest_name(
    world: PaperSources, fetcher: Fetcher, inside: str, its_id: str, link: str | None
) -> None:
    spaces = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"'
    body = rss(f"<item><title>{TITLE}</title>{inside}</item>").replace("<rss", f"<rss {spaces}")
    found = await only(world, fetcher, body)
    assert found.id == its_id
    assert link is None or (found.link.startswith(link) if link else found.link == "")


async def test_two_papers_with_one_short_title_stay_two(world: PaperSources, fetcher: Fetcher) -> None:
    items = (f"<item><title>Editorial</title><link>https://x.example/{n}</link></item>" for n in (1, 2, 2))
    ids = [listing.paper.id for listing in (await read(world, fetcher, rss(*items))).listings]
    assert len(set(ids)) == 2
    assert all(its_id.startswith("link:") for its_id in ids)


async def test_html_becomes_the_words_a_reader_sees(world: PaperSources, fetcher: Fetcher) -> None:
    html = (
        "<style>p {}</style><p>First <b>bold</b>ly.</p><p>a &lt; b&nbsp;&amp; c</p>"
        "<script>alert('<p>no</p>')</script><img src=x onerror=alert(1)>E=mc<sup>2</sup>"
    )
    title = "On &lt;i&gt;E. coli&lt;/i&gt; and others"
    item = f"<item><title>{title}</title><description><![CDATA[{html}]]></description></item>"
    found = await only(world, fetcher, rss(item))
    assert found.title == "On E. coli and others"
    assert found.abstract == "First boldly. a < b & c E=mc2"


async def test_atom_with_content_people_and_tags(world: PaperSources, fetcher: Fetcher) -> None:
    body = f"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><entry>
      <id>tag:x,1</id><title type="text">{TITLE}, for a &lt; b</title><link href="https://x.example/a"/>
      <author><name>Ada Moreau</name></author><author><name>Bo Lindqvist</name></author>
      <category term="optics"/><category term="lasers"/><updated>2026-03-04T23:30:00Z</updated>
      <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hello <i>there</i></p></div></content>
    </entry></feed>"""
    found = await only(world, fetcher, body)
    assert found.title == f"{TITLE}, for a < b"
    assert found.abstract == "Hello there"
    assert found.authors == ("Ada Moreau", "Bo Lindqvist")
    assert found.categories == ("optics", "lasers")
    assert found.published == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("Ada Moreau, Bo Lindqvist", ("Ada Moreau", "Bo Lindqvist")),
        ("Curie, Marie", ("Curie, Marie",)),
        ("Plato", ("Plato",)),
        ("", ()),
    ],
)
async def test_one_line_of_authors(world: PaperSources, fetcher: Fetcher, line: str, authors: tuple[str, ...]) -> None:
    item = f'<item><title>{TITLE}</title><dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/">{line}</dc:creator></item>'
    assert (await only(world, fetcher, rss(item))).authors == authors


async def test_arxivs_own_feed_may_come_this_way_too(world: PaperSources, fetcher: Fetcher) -> None:
    one = Paper(id="2603.01234", title=TITLE, abstract="An abstract.", authors=("Ada Moreau",))
    batch = await read(world, fetcher, arxiv_atom("cs.LG", FRIDAY, [(one, "replace")]))
    (listing,) = batch.listings
    assert (listing.paper.id, listing.paper.abstract, listing.kind) == (
        "2603.01234",
        "An abstract.",
        ListingKind.REPLACE,
    )


@pytest.mark.parametrize(
    ("said", "published", "listed_on"),
    [
        ("Thu, 05 Mar 2026 10:00:00 GMT", date(2026, 3, 5), date(2026, 3, 5)),
        ("Sat, 07 Mar 2026 10:00:00 GMT", date(2026, 3, 7), FRIDAY),
        ("Thu, 05 Mar 2099 10:00:00 GMT", None, FRIDAY),
        ("Thu, 05 Mar 0099 10:00:00 GMT", None, FRIDAY),
        ("the day before yesterday", None, FRIDAY),
        ("", None, FRIDAY),
    ],
)
async def test_dates_that_cannot_be_true_are_not_believed(
    world: PaperSources, fetcher: Fetcher, said: str, published: date | None, listed_on: date
) -> None:
    batch = await read(world, fetcher, rss(f"<item><title>{TITLE}</title><pubDate>{said}</pubDate></item>"))
    assert [(one.paper.published, one.listed_on) for one in batch.listings] == [(published, listed_on)]


async def test_entries_without_a_title_are_counted_and_left_out(world: PaperSources, fetcher: Fetcher) -> None:
    batch = await read(
        world, fetcher, rss("<item/>", "<item><title> </title></item>", f"<item><title>{TITLE}</title></item>")
    )
    assert len(batch.listings) == 1
    assert batch.notes == ("2 of 127.0.0.1's entries have no title and were left out.",)


async def test_a_very_long_feed_is_cut_and_says_so(world: PaperSources, fetcher: Fetcher) -> None:
    batch = await read(world, fetcher, rss(*(f"<item><title>{TITLE} {n}</title></item>" for n in range(2_003))))
    assert len(batch.listings) == 2_000
    assert batch.notes == ("127.0.0.1's feed is very long; its first 2,000 entries were taken.",)


async def test_a_damaged_feed_gives_what_can_be_read_and_says_so(world: PaperSources, fetcher: Fetcher) -> None:
    batch = await read(world, fetcher, rss(f"<item><title>{TITLE}&nbsp;& more</title></item>"))
    assert [listing.paper.title for listing in batch.listings] == [f"{TITLE} & more"]
    assert batch.notes == ("127.0.0.1's feed is damaged; what could be read was taken.",)


async def test_a_json_feed_is_read(world: PaperSources, fetcher: Fetcher) -> None:
    item = {
        "id": "https://huggingface.co/papers/2603.01234",
        "url": "https://huggingface.co/papers/2603.01234",
        "title": TITLE,
        "content_html": "<p>Hello <i>there</i></p>",
        "authors": [{"name": "Ada Moreau"}, {}, 3],
        "tags": ["optics", 3],
        "date_published": "2026-03-05T02:30:55",
    }
    found = await only(world, fetcher, json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [item]}))
    assert found == Paper(
        id="2603.01234",
        title=TITLE,
        abstract="Hello there",
        authors=("Ada Moreau",),
        categories=("optics",),
        published=date(2026, 3, 5),
    )


BOMB = '<!DOCTYPE rss [<!ENTITY a "' + "a" * 1_000 + '">]>' + rss(f"<item><title>{'&a;' * 1_000}</title></item>")
THEFT = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + rss("<item><title>&x;</title></item>")


@pytest.mark.parametrize(
    ("body", "why"),
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
async def test_a_body_that_is_no_feed_is_one_clear_error(
    world: PaperSources, fetcher: Fetcher, body: str | bytes, why: str
) -> None:
    with pytest.raises(Unreadable, match=why):
        await read(world, fetcher, body)


async def test_a_body_that_names_a_file_does_not_open_it(world: PaperSources, fetcher: Fetcher, tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_text(rss(f"<item><title>{TITLE}</title></item>"))
    with pytest.raises(Unreadable, match="no feed"):
        await read(world, fetcher, str(file))


def test_a_large_damaged_feed_is_not_worth_the_minutes_it_would_take() -> None:
    with pytest.raises(Unreadable, match="damaged"):
        feed_module._read(Answer("https://x.example/feed", 200, b"<rss>& " + b"<a " * 400_000), FRIDAY)


async def test_the_loop_stays_free_while_a_feed_is_parsed(world: PaperSources, fetcher: Fetcher) -> None:
    items = (f"<item><title>{TITLE} {n}</title></item>" for n in range(1_000))
    reading = asyncio.create_task(read(world, fetcher, rss(*items)))
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
FIELDS = ("id", "url", "title", "content_text", "content_html", "authors", "author", "tags", "date_published")
items = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, anything)) | anything, max_size=3)


@given(st.fixed_dictionaries({"items": items | anything}))
def test_whatever_stands_in_a_json_feed_papers_stay_fit_to_keep(body: object) -> None:
    survives(json.dumps(body).encode())


@given(st.binary())
def test_any_bytes_are_a_feed_or_one_clear_error(body: bytes) -> None:
    survives(body)


TOKENS = (
    "<rss version='2.0'> <channel> <item> <title> </title> </item> &#0; &lt;b <![CDATA[ ]]> <!-- --> <link> x \x00 & <"
)


@given(st.lists(st.sampled_from(TOKENS), max_size=25))
def test_any_jumble_of_markup_is_a_feed_or_one_clear_error(parts: list[str]) -> None:
    survives("".join(parts).encode())


def survives(body: bytes) -> None:
    try:
        found = feed_module._read(Answer("https://x.example/feed", 200, body), FRIDAY)
    except SourceError:
        return
    for entry in found.entries:
        paper = feed_module._paper(entry)
        assert paper.id
        for text in (paper.id, paper.title, paper.abstract, paper.url, *paper.authors, *paper.categories):
            assert "\x00" not in text
            text.encode()  # a lone surrogate could not be
