"""Feeds as careless programs write them: titles of other things, broken bytes, dates of all kinds, tags in texts."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.base import Batch, ListingKind, SourceError
from bot.sources.clean import day, is_html, plain, words_of_html
from bot.sources.document import markup_of
from bot.sources.feed import Feed
from bot.sources.fetch import Answer, Fetcher
from recommender.paper import Paper
from tests.support.paper_sources import PaperSources

FRIDAY = date(2026, 3, 6)
TITLE = "Alloys that remember the shape of a spoon"
_SPACES = " ".join(
    f'xmlns:{prefix}="{address}"'
    for prefix, address in {
        "dc": "http://purl.org/dc/elements/1.1/",
        "media": "http://search.yahoo.com/mrss/",
        "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
        "x": "urn:unknown",
    }.items()
)


def rss(*items: str, head: str = "") -> str:
    return f'{head}<rss version="2.0" {_SPACES}><channel><title>Journal</title>{"".join(items)}</channel></rss>'


async def read(server: PaperSources, fetcher: Fetcher, body: str | bytes) -> Batch:
    return await Feed(fetcher, server.answer("/feed", body), name="journal", trusted=True).fetch(FRIDAY, FRIDAY, {})


async def read_papers(server: PaperSources, fetcher: Fetcher, body: str | bytes) -> list[Paper]:
    return [listing.paper for listing in (await read(server, fetcher, body)).listings]


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize(
    "other",
    [
        "<image><url>https://x.example/a.png</url><title>Journal of Spoons</title></image>",
        "<textInput><title>Journal of Spoons</title><link>https://x.example/t</link></textInput>",
        "<media:title>Journal of Spoons</media:title>",
        "<media:content><media:title>Journal of Spoons</media:title></media:content>",
        "<media:group><media:title>Journal of Spoons</media:title></media:group>",
        "<dc:title>Journal of Spoons</dc:title>",
        "<itunes:title>Journal of Spoons</itunes:title>",
        "<x:journal><title>Journal of Spoons</title><link>https://x.example/j</link><guid>j</guid></x:journal>",
        "<related><item><title>Journal of Spoons</title></item></related>",
    ],
)
async def test_the_title_of_something_else_in_an_item_is_not_its_title(
    server: PaperSources, fetcher: Fetcher, other: str, is_before: bool
) -> None:
    def item(number: int) -> str:
        own = f"<title>{TITLE}, part {number}</title><link>https://x.example/{number}</link>"
        return f"<item>{other + own if is_before else own + other}</item>"

    papers = await read_papers(server, fetcher, rss(item(1), item(2)))
    assert [(paper.title, paper.url) for paper in papers] == [
        (f"{TITLE}, part {n}", f"https://x.example/{n}") for n in (1, 2)
    ]


async def test_a_title_of_dublin_core_is_read_where_an_item_has_no_other(
    server: PaperSources, fetcher: Fetcher
) -> None:
    (paper,) = await read_papers(server, fetcher, rss(f"<item><dc:title>{TITLE}</dc:title></item>"))
    assert paper.title == TITLE


@pytest.mark.parametrize(
    "authors",
    [
        "<authors><![CDATA[ Jane Roe;John Doe; ]]></authors>",
        "<authors>Jane Roe, John Doe</authors>",
        "<authors><author>Jane Roe</author><author>John Doe</author></authors>",
        "<creators>Roe, Jane; Doe, John</creators>",
        "<author>Jane Roe</author><author>John Doe</author>",
        "<dc:creator>Jane Roe and John Doe</dc:creator>",
    ],
)
async def test_authors_are_read_in_whatever_element_they_stand(
    server: PaperSources, fetcher: Fetcher, authors: str
) -> None:
    (paper,) = await read_papers(server, fetcher, rss(f"<item><title>{TITLE}</title>{authors}</item>"))
    assert paper.authors == ("Jane Roe", "John Doe")


@pytest.mark.parametrize("attributes", ["", ' a="b"'])
@pytest.mark.parametrize(
    "name",
    [
        "author_detail",
        "authors",
        "bozo",
        "categories",
        "contributors",
        "creators",
        "entries",
        "enclosures",
        "feed",
        "guidislink",
        "items",
        "keys",
        "language",
        "links",
        "publisher_detail",
        "published_parsed",
        "summary_detail",
        "tags",
        "title_detail",
        "updated_parsed",
        "version",
    ],
)
async def test_an_unknown_element_of_any_name_costs_nothing(
    server: PaperSources, fetcher: Fetcher, name: str, attributes: str
) -> None:
    known = f"<title>{TITLE}</title><link>https://x.example/1</link><pubDate>Thu, 05 Mar 2026 10:00:00 GMT</pubDate>"
    unknown = f"<{name}{attributes}>Of it</{name}>"
    for item in (known + unknown, unknown + known):
        batch = await read(server, fetcher, rss(f"<item>{item}<category>metals</category></item>"))
        (listing,) = batch.listings
        assert (listing.paper.title, listing.paper.url, listing.listed_on, listing.paper.categories, batch.notes) == (
            TITLE,
            "https://x.example/1",
            date(2026, 3, 5),
            ("metals",),
            (),
        )


_GERMAN = "Größe und Tiefe neuronaler Netze über viele Jahre"


async def test_one_broken_byte_does_not_turn_a_feed_into_another_encoding(
    server: PaperSources, fetcher: Fetcher
) -> None:
    body = rss(f"<item><title>{_GERMAN}</title><description>Le caf~</description></item>").encode()
    batch = await read(server, fetcher, body.replace(b"~", b"\xc3"))
    (listing,) = batch.listings
    assert (listing.paper.title, listing.paper.abstract) == (_GERMAN, "Le caf\ufffd")
    assert batch.notes == ("127.0.0.1's feed is damaged; what could be read was taken.",)


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("cp1252", "utf-8"),
        ("cp1252", ""),
        ("iso-8859-1", "iso-8859-1"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("utf-16-be", ""),
        ("utf-32", "utf-32"),
        ("utf-32-le", ""),
        ("utf-8-sig", "utf-8"),
    ],
)
async def test_a_feed_is_read_in_its_real_encoding(
    server: PaperSources, fetcher: Fetcher, encoding: str, declared: str
) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    batch = await read(server, fetcher, rss(f"<item><title>{_GERMAN}</title></item>", head=head).encode(encoding))
    assert ([listing.paper.title for listing in batch.listings], batch.notes) == ([_GERMAN], ())


async def test_a_broken_byte_in_a_json_feed_is_noted(server: PaperSources, fetcher: Fetcher) -> None:
    body = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{{"title": "{_GERMAN} ~"}}]}}'.encode()
    batch = await read(server, fetcher, body.replace(b"~", b"\xff"))
    assert [listing.paper.title for listing in batch.listings] == [f"{_GERMAN} \ufffd"]
    assert batch.notes == ("127.0.0.1's feed is damaged; what could be read was taken.",)


@pytest.mark.parametrize(
    "document_type",
    [
        '<!DOCTYPE rss PUBLIC "-//Example//DTD RSS 0.91//EN" "http://127.0.0.1:1/rss-0.91.dtd">',
        '<!DOCTYPE rss PUBLIC "-//Example//DTD RSS 0.91//EN">',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/rss-0.91.dtd">',
        "<!doctype rss>",
    ],
)
async def test_a_document_type_without_declarations_is_read_and_nothing_is_fetched_for_it(
    server: PaperSources, fetcher: Fetcher, document_type: str
) -> None:
    body = rss(f"<item><title>{TITLE} at the caf&eacute;</title></item>", head=document_type)
    batch = await read(server, fetcher, body.replace("127.0.0.1:1", server.url.removeprefix("http://")))
    assert [listing.paper.title for listing in batch.listings] == [f"{TITLE} at the café"]
    assert (batch.notes, len(server.requests)) == ((), 1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Thu, 4 May 2017 19:40:17", date(2017, 5, 4)),
        ("Thu, 4 May 2017 19:40:17 -0800", date(2017, 5, 4)),
        ("MON, 30 NOV 2015 23:17:32 -0400", date(2015, 11, 30)),
        ("2017-05-04T23:40:17-08:00", date(2017, 5, 4)),
        ("2017-05-04 19:40", date(2017, 5, 4)),
        ("Thu, 04-May-2017 24:00:00 GMT", date(2017, 5, 4)),
        ("Thursday, 4th May 2017, 7:40 PM", date(2017, 5, 4)),
        ("Tues, 5 Sept 2017 10:00 EDT", date(2017, 9, 5)),
        ("May 4, 2017", date(2017, 5, 4)),
        ("Thu May  4 19:40:17 2017", date(2017, 5, 4)),
        ("4 May 17", date(2017, 5, 4)),
        ("4. Mai 2017", date(2017, 5, 4)),
        ("Do, 12 Okt 2017 10:00:00 +0200", date(2017, 10, 12)),
        ("1er août 2017", date(2017, 8, 1)),
        ("4 de mayo de 2017", date(2017, 5, 4)),
        ("4 мая 2017", date(2017, 5, 4)),
        ("2017年5月4日", date(2017, 5, 4)),
        ("2017/05/04", date(2017, 5, 4)),
        ("2017.5.4", date(2017, 5, 4)),
        ("04.05.2017", date(2017, 5, 4)),
        ("5/4/2017", date(2017, 5, 4)),
        ("25/4/2017", date(2017, 4, 25)),
        ("12/2/2026", date(2026, 2, 12)),  # December is still to come
        ("20170504", date(2017, 5, 4)),
        ("2017-124", date(2017, 5, 4)),
        ("2017-W18-4", date(2017, 5, 4)),
        ("1493926817", date(2017, 5, 4)),
        ("May 2017", date(2017, 5, 1)),
        ("2017-05", date(2017, 5, 1)),
        ("2017", date(2017, 1, 1)),
        ("10:00", None),
        ("31 February 2017", None),
        ("99/99/2017", None),
        ("maybe in March", None),
    ],
)
async def test_a_date_is_read_as_it_is_meant(
    server: PaperSources, fetcher: Fetcher, written: str, meant: date | None
) -> None:
    batch = await read(server, fetcher, rss(f"<item><title>{TITLE}</title><pubDate>{written}</pubDate></item>"))
    (listing,) = batch.listings
    assert (listing.paper.published, listing.listed_on) == (meant, meant or FRIDAY)
    assert listing.kind is (ListingKind.FEED if meant else ListingKind.UNDATED)


@given(st.one_of(st.text(), st.from_regex(r"[0-9/ .:+A-Za-z-]{0,40}", fullmatch=True)))
def test_any_text_is_a_plausible_day_or_none(text: str) -> None:
    found = day(text, FRIDAY)
    assert found is None or date(1665, 3, 6) <= found <= date(2026, 3, 8)


_TEXTS = [
    ("We see <i>E. coli</i> at p<0.05 in all", "We see E. coli at p<0.05 in all"),
    ("At p<0.05 in <em class='x'>E. coli</em> & more", "At p<0.05 in E. coli & more"),
    ("H<sub>2</sub>O where p<q and r>s", "H2O where p<q and r>s"),
    ("If a<b then <b>c</b>", "If a<b then c"),
    ("A <math xmlns='m'><mi>x</mi><mo>&lt;</mo><mn>5</mn></math> bound", "A x < 5 bound"),
    ("<mml:math><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math> bounds", "x 2 bounds"),
    (
        "<math><semantics><mi>y</mi><annotation encoding='application/x-tex'>y</annotation></semantics></math> it is",
        "y it is",
    ),
    ("<jats:italic>Homo</jats:italic> sapiens", "Homo sapiens"),
    ("One<br>two", "One two"),
    ("&lt;i&gt;E. coli&lt;/i&gt; escaped twice", "E. coli escaped twice"),
    ("A List<String> of R&D", "A List<String> of R&D"),
]


@pytest.mark.parametrize(("text", "seen"), _TEXTS)
async def test_escaped_titles_and_texts_have_no_tags_and_keep_their_words(
    server: PaperSources, fetcher: Fetcher, text: str, seen: str
) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    item = f"<item><title>{escaped}</title><description>{escaped}</description></item>"
    (paper,) = await read_papers(server, fetcher, rss(item))
    assert (paper.title, paper.abstract) == (seen, seen)


@pytest.mark.parametrize(("text", "seen"), _TEXTS)
async def test_titles_in_cdata_have_no_tags_and_keep_their_words(
    server: PaperSources, fetcher: Fetcher, text: str, seen: str
) -> None:
    (paper,) = await read_papers(server, fetcher, rss(f"<item><title><![CDATA[{text}]]></title></item>"))
    assert paper.title == seen


@given(
    st.lists(st.sampled_from(["<", ">", "</", "a", "b ", "i", "math", "=", '"', "'", "&lt;", "p<0.05 ", "/", "!--"]))
)
def test_a_comparison_loses_no_words(parts: list[str]) -> None:
    text = "".join(parts)
    assert "p<0.05" not in text or "<i>" in text or words_of_html(f"p<0.05 {text}").startswith("p<0.05")
    is_html(text)
    plain(text, 100)


_SOUP = ["<item>", "</item>", "<title>", "</title>", "<image>", "</image>", "<authors>", "</authors>", "<x:group>"]
_SOUP += ["</x:group>", "<links a='b'>", "</links>", "text ", "&eacute;", "<!DOCTYPE rss>", "<media:group>"]
_SOUP += ["</media:group>", "<description>", "</description>", "<entry>", "</entry>", "<source>", "</source>"]


@given(st.lists(st.sampled_from(_SOUP), max_size=40))
def test_any_order_of_elements_is_read_or_refused(parts: list[str]) -> None:
    body = f"<rss {_SPACES}><channel>{''.join(parts)}</channel></rss>".encode()
    try:
        markup = markup_of(Answer("https://x.example/feed", 200, body))
    except SourceError:
        return
    assert markup.body.startswith(b"<rss")


async def test_an_item_with_another_title_has_the_same_name(server: PaperSources, fetcher: Fetcher) -> None:
    def item(title: str, link: str) -> str:
        return f"<item><title>{title}</title><guid isPermaLink='false'>77</guid><link>{link}</link></item>"

    bodies = (
        rss(item(f"{TITLE} (3 comments)", "https://x.example/77")),
        rss(item(f"{TITLE} (4 comments)", "https://x.example/77/?utm_source=rss")),
        rss(item(f"{TITLE} (4 comments)", "https://x.example/78")),
        rss(item(TITLE, "https://x.example/77"), item(f"{TITLE} again", "https://x.example/77")),
    )
    first, later, other, shared = [(await read(server, fetcher, body)).listings for body in bodies]
    assert first[0].names == later[0].names != ()
    assert other[0].names != first[0].names
    assert [listing.names for listing in shared] == [(), ()], "they do not tell the two apart"
