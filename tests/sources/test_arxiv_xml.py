"""Reading arXiv's three kinds of XML, whole and damaged."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.arxiv_xml import announced, read_announcement, read_page
from bot.sources.base import SourceError, Unreadable
from bot.sources.fetch import Answer, Fetcher
from recommender.paper import Paper
from tests.sources.test_arxiv import FRIDAY, MONDAY, WHOLE, paper, source
from tests.support.paper_sources import PaperSources, arxiv_api, arxiv_atom, arxiv_rss, packed, submitted

OLD_FORM = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">7</opensearch:totalResults>
  <entry>
    <id>http://arxiv.org/abs/2303.01234v6</id>
    <published>2023-03-27T18:18:15Z</published>
    <title>A title broken
  over two lines</title>
    <summary>  An abstract.
</summary>
    <author><name>Ada Moreau</name><arxiv:affiliation xmlns:arxiv="http://arxiv.org/schemas/atom">X</arxiv:affiliation></author>
    <author><name>Bo Lindqvist</name></author>
    <arxiv:doi xmlns:arxiv="http://arxiv.org/schemas/atom">10.1000/ABC</arxiv:doi>
    <arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.LG" scheme="x"/>
    <category term="cs.CV" scheme="x"/><category term="cs.LG" scheme="x"/><category term="68T05" scheme="x"/>
  </entry>
</feed>"""
NEW_FORM = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom"
 xmlns="http://www.w3.org/2005/Atom"><id>https://arxiv.org/api/x</id>
 <opensearch:totalResults>7</opensearch:totalResults>
 <entry><id>http://arxiv.org/abs/2303.01234v6</id><title>A title broken over two lines</title>
 <link href="https://arxiv.org/abs/2303.01234v6" rel="alternate" type="text/html"/><summary>An abstract.</summary>
 <category term="cs.LG" scheme="x"/><category term="cs.CV" scheme="x"/><published>2023-03-27T18:18:15Z</published>
 <author><name>Ada Moreau</name></author><author><name>Bo Lindqvist</name></author><arxiv:doi>10.1000/abc</arxiv:doi>
 </entry></feed>"""


@pytest.mark.parametrize("body", [OLD_FORM, NEW_FORM])
def test_both_formats_of_the_query_api_are_read(body: str) -> None:
    page = read_page(Answer("https://export.arxiv.org/api/query", 200, body.encode()), FRIDAY)
    assert (page.entries, page.total) == (1, 7)
    assert page.papers == (
        Paper(
            id="2303.01234",
            title="A title broken over two lines",
            abstract="An abstract.",
            authors=("Ada Moreau", "Bo Lindqvist"),
            categories=("cs.LG", "cs.CV"),
            published=date(2023, 3, 29),
            doi="10.1000/abc",
        ),
    )


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + ']><feed xmlns="http://www.w3.org/2005/Atom"><title>&i;</title></feed>'
)
THEFT = (
    '<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>&x;</title></entry></feed>'
)
GOOD = arxiv_atom("cs.LG", FRIDAY, [(paper(n), "new") for n in range(9)])


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "empty"),
        ("Rate exceeded.", "damaged"),
        ("<!DOCTYPE html><html><body>We are down.</body></html>", "web page"),
        (GOOD[: len(GOOD) // 2], "cut off"),
        (GOOD.replace("</title>", "</tilte>"), "damaged"),
        (BOMB, "declares entities"),
        (THEFT, "declares entities"),
        ("<feed>" + "<a>" * 200, "too intricate"),
        (GOOD.replace('xmlns:arxiv="', 'xmlns:arxxv="'), "damaged"),
        ("<rss version='2.0'/>", "no feed"),
        ("<x/>", "no feed"),
        ('{"error": "no"}', "damaged"),
    ],
)
async def test_a_body_that_is_no_announcement_is_unreadable(
    server: PaperSources, fetcher: Fetcher, body: str, problem: str
) -> None:
    server.answer("/atom/cs.LG", body)
    server.answer("/rss/cs.LG", body)
    server.answer("/api/query", body)
    with pytest.raises(Unreadable, match=problem):
        await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    with pytest.raises(Unreadable, match=problem):
        await source(server, fetcher).papers(["2603.00001"])


TOKENS = [
    "<",
    "</",
    "&",
    "&#0;",
    "<![CDATA[",
    "<!--",
    "<entry>",
    "</entry>",
    "<updated>",
    "<id>",
    "99",
    "-1",
    "(",
    "\x00",
]
SOUND = [
    arxiv_atom("cs.LG", FRIDAY, [(WHOLE, "new")]),
    arxiv_rss("cs.LG", FRIDAY, [(WHOLE, "cross")]),
    arxiv_api([WHOLE]),
]


@given(st.sampled_from(SOUND), st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 30), st.sampled_from(TOKENS))))
def test_any_damaged_feed_is_read_or_raises_source_error(feed: str, damages: list[tuple[int, int, str]]) -> None:
    for place, cut, token in damages[:4]:
        feed = feed[:place] + token + feed[place + cut :]
    answer = Answer("https://rss.arxiv.org/x", 200, feed.encode())
    for read in (read_announcement, read_page):
        with suppress(SourceError):
            read(answer, FRIDAY)


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8", "iso-8859-1"), ("cp1252", "utf-8"), ("iso-8859-1", "iso-8859-1"), ("utf-16", "utf-16")],
)
async def test_a_wrong_declared_encoding_loses_no_character(
    server: PaperSources, fetcher: Fetcher, encoding: str, declared: str
) -> None:
    feed = arxiv_atom("cs.LG", FRIDAY, [(Paper(id="2603.00001", title="Gödel au café"), "new")])
    body = f'<?xml version="1.0" encoding="{declared}"?>{feed}'.encode(encoding)
    server.answer("/atom/cs.LG", packed(body))
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert listing.paper.title == "Gödel au café"


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 2, 18, 59, tzinfo=UTC), date(2026, 3, 3)),  # Monday 13:59 Eastern
        (datetime(2026, 3, 2, 19, 0, tzinfo=UTC), date(2026, 3, 4)),  # Monday 14:00
        (datetime(2026, 3, 5, 18, 0, tzinfo=UTC), date(2026, 3, 6)),  # Thursday 13:00
        (datetime(2026, 3, 5, 20, 0, tzinfo=UTC), date(2026, 3, 9)),  # Thursday 15:00: Friday's cutoff
        (datetime(2026, 3, 6, 20, 0, tzinfo=UTC), date(2026, 3, 10)),  # Friday 15:00: Monday's cutoff
        (datetime(2026, 3, 7, 12, 0, tzinfo=UTC), date(2026, 3, 10)),  # Saturday
        (datetime(2026, 7, 6, 18, 0, tzinfo=UTC), date(2026, 7, 8)),  # Monday 14:00 in summer
    ],
)
def test_a_submission_is_announced_after_its_cutoff(moment: datetime, day: date) -> None:
    assert announced(moment) == day


def test_the_submission_times_of_the_fake_api_lead_to_the_right_announcements() -> None:
    for days in range(60):
        day = MONDAY + timedelta(days=days)
        if day.weekday() < 5:
            assert announced(submitted(paper(1, day))) == day


@pytest.mark.parametrize(
    ("change", "withdrawn"),
    [
        ("<summary>This paper has been withdrawn by the author.</summary>", True),
        ("<summary>An abstract.</summary><arxiv:comment>Withdrawn as Lemma 2 is wrong</arxiv:comment>", True),
        ("<summary>An abstract.</summary><arxiv:comment>12 pages</arxiv:comment>", False),
    ],
)
def test_a_withdrawn_paper_is_marked_wherever_it_says_so(change: str, withdrawn: bool) -> None:
    head = '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">'
    entry = f"<entry><id>http://arxiv.org/abs/2603.00001v2</id><title>A title</title>{change}</entry></feed>"
    answer = Answer("https://x.example", 200, (head + entry).encode())
    assert [paper.withdrawn for paper in read_page(answer, FRIDAY).papers] == [withdrawn]
    assert [item.paper.withdrawn for item in read_announcement(answer, FRIDAY).listings] == [withdrawn]
