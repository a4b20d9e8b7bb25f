"""Zotero: papers out of a library and into one, and what is survived."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import SettingsError, load
from bot.source_registry import configured_zotero
from bot.sources.base import RateLimited, Refused, SourceError, Unreachable, Unreadable
from bot.sources.fetch import Answer, Fetcher
from bot.sources.zotero import Sent, Zotero, _creator, library_of, read_items
from recommender.paper import Paper
from tests.bounds import MOST_SECONDS, seconds
from tests.sources.conftest import FakeTime
from tests.support.paper_sources import PaperSources, Reply, zotero_item

LIBRARY = "groups/4567"
KEY = "AbCdEf0123456789"
TODAY = date(2026, 3, 6)
ITEMS = f"/{LIBRARY}/items"


def zotero_client(server: PaperSources, fetcher: Fetcher, key: str = "", library: str = LIBRARY) -> Zotero:
    return Zotero(fetcher, library=library, key=key, url=server.url + "/")


async def papers(server: PaperSources, fetcher: Fetcher, *items: dict[str, object]) -> tuple[Paper, ...]:
    server.zotero(LIBRARY, items)
    return (await zotero_client(server, fetcher).papers()).papers


async def test_an_item_comes_whole(server: PaperSources, fetcher: Fetcher) -> None:
    item = zotero_item("On <i>E. coli</i> &amp; friends", DOI="10.1000/ABC", url="https://journal.example/1")
    [paper] = await papers(server, fetcher, item)
    assert paper == Paper(
        id="doi:10.1000/abc",
        title="On E. coli & friends",
        abstract="What we found.",
        authors=("Ada Moreau", "The Example Consortium"),
        published=date(2023, 5, 1),
        url="https://journal.example/1",
        doi="10.1000/abc",
    )


@pytest.mark.parametrize(
    ("fields", "paper_id"),
    [
        ({"itemType": "preprint", "archiveID": "arXiv:2310.01234", "DOI": "10.48550/arXiv.2310.01234"}, "2310.01234"),
        ({"url": "http://arxiv.org/abs/2310.01234v2"}, "2310.01234"),
        ({"extra": "Citation Key: x\narXiv:2310.01234 [cs]\nPMID: 3"}, "2310.01234"),
        ({"extra": "arXiv: 2310.01234"}, "2310.01234"),
        ({"itemType": "book", "extra": "DOI: 10.1000/1"}, "doi:10.1000/1"),
        ({"itemType": "webpage", "url": "https://openreview.net/forum?id=Ab1_cD2-eF"}, "openreview:Ab1_cD2-eF"),
        (
            {"itemType": "blogPost", "url": "https://www.biorxiv.org/content/10.1101/2026.01.02.123456v2.full"},
            "doi:10.1101/2026.01.02.123456",
        ),
        ({"title": "", "DOI": "10.1000/1"}, "doi:10.1000/1"),
    ],
)
async def test_an_id_is_found_wherever_zotero_keeps_it(
    server: PaperSources, fetcher: Fetcher, fields: dict[str, object], paper_id: str
) -> None:
    [paper] = await papers(server, fetcher, zotero_item(**fields))
    assert paper.id == paper_id


@pytest.mark.parametrize(
    "fields",
    [
        {"itemType": "attachment"},
        {"itemType": "note", "url": "https://arxiv.org/abs/2310.01234"},
        {"itemType": "annotation"},
        {"itemType": "webpage", "url": "https://shop.example/"},
        {"itemType": "film"},
        {"title": ""},
        {"deleted": 1},
    ],
)
async def test_what_is_no_paper_is_left_out(server: PaperSources, fetcher: Fetcher, fields: dict[str, object]) -> None:
    assert await papers(server, fetcher, zotero_item(**fields)) == ()


async def test_a_large_library_is_read_page_by_page_and_its_oldest_items_are_told(
    server: PaperSources, fetcher: Fetcher
) -> None:
    server.zotero(LIBRARY, [zotero_item(f"The paper with the number {number}") for number in range(1_050)])
    items = await zotero_client(server, fetcher).papers()
    assert (len(items.papers), items.total, items.is_cut) == (1_000, 1_050, True)
    assert [request.query["start"] for request in server.requests] == [str(start) for start in range(0, 1_000, 100)]
    assert {request.headers["Zotero-API-Version"] for request in server.requests} == {"3"}


async def test_a_library_that_tells_no_count_is_read_to_its_end(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer(f"{ITEMS}/top", json.dumps([zotero_item(f"The paper {n}") for n in range(3)]), "[]")
    items = await zotero_client(server, fetcher).papers()
    assert (len(items.papers), items.total) == (3, 3)


async def test_only_the_operators_library_gets_the_key(server: PaperSources, fetcher: Fetcher) -> None:
    server.zotero(LIBRARY, [])
    server.zotero("users/1", [zotero_item("A public paper with a long title")])
    zotero = zotero_client(server, fetcher, KEY)
    await zotero.papers()
    assert len((await zotero.papers("users/1")).papers) == 1
    assert [request.headers.get("Zotero-API-Key") for request in server.requests] == [KEY, None]


@pytest.mark.parametrize(
    ("reply", "library", "sentence"),
    [
        (Reply("Not found", 404), LIBRARY, "has no library groups/4567 (404); check its number."),
        (Reply("Forbidden", 403), LIBRARY, "does not let the key do this in groups/4567 (403)"),
        (Reply("Forbidden", 403), "users/1", "users/1 is not public at Zotero (403)"),
        (Reply("[", 200), LIBRARY, "answered with data that is damaged"),
        (Reply("{}", 200), LIBRARY, "answered with something that is no list of items"),
        (Reply("<html>", 200), LIBRARY, "answered with a web page"),
        (Reply("", 500), LIBRARY, "is out of order (500)"),
    ],
)
async def test_trouble_is_one_sentence_without_the_key(
    server: PaperSources, fetcher: Fetcher, reply: Reply, library: str, sentence: str
) -> None:
    server.answer(f"/{library}/items/top", reply)
    with pytest.raises(SourceError) as told:
        await zotero_client(server, fetcher, KEY).papers(library)
    assert sentence in str(told.value)
    assert KEY not in str(told.value)


async def test_a_rest_that_zotero_asks_for_is_kept(server: PaperSources, fetcher: Fetcher, fake_time: FakeTime) -> None:
    page = json.dumps([zotero_item("A paper with a title that is long")])
    server.answer(f"{ITEMS}/top", Reply(page, headers={"Backoff": "10", "Total-Results": "2"}), page)
    await zotero_client(server, fetcher).papers()
    assert fake_time.sleeps == [10.0]
    server.answer(f"{ITEMS}/top", Reply(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(RateLimited):
        await zotero_client(server, fetcher).papers()


ARXIV = Paper(
    "2310.01234", "A paper of arXiv with a title", "An abstract.", ("Ada Moreau",), published=date(2023, 10, 2)
)
JOURNAL = Paper("doi:10.1000/1", "A paper of a journal with a title", authors=("CERN",), doi="10.1000/1")
FORUM = Paper("openreview:Ab1_cD2-eF", "A paper of OpenReview", url="https://openreview.net/forum?id=Ab1_cD2-eF")
POST = Paper("link:0123", "A post of somebody's feed", url="https://blog.example/1")


async def test_papers_are_added_as_items_that_come_back_as_the_same_papers(
    server: PaperSources, fetcher: Fetcher
) -> None:
    server.zotero(LIBRARY, [], key=KEY)
    zotero = zotero_client(server, fetcher, KEY)
    assert await zotero.add([ARXIV, JOURNAL, FORUM, POST]) == Sent(4, 0, 0)
    post, forum, journal, arxiv = server.in_zotero(LIBRARY)
    assert arxiv == {
        "itemType": "preprint",
        "title": "A paper of arXiv with a title",
        "creators": [{"creatorType": "author", "firstName": "Ada", "lastName": "Moreau"}],
        "abstractNote": "An abstract.",
        "date": "2023-10-02",
        "url": "https://arxiv.org/abs/2310.01234",
        "repository": "arXiv",
        "archiveID": "arXiv:2310.01234",
        "DOI": "",
    }
    assert (journal["itemType"], journal["DOI"], journal["url"]) == (
        "journalArticle",
        "10.1000/1",
        "https://doi.org/10.1000/1",
    )
    assert (forum["itemType"], forum["repository"]) == ("preprint", "OpenReview")
    assert (post["itemType"], "DOI" in post) == ("document", False)
    back = [paper.id for paper in (await zotero.papers()).papers]
    assert back[1:] == [FORUM.id, JOURNAL.id, ARXIV.id]
    assert await zotero.add([ARXIV, JOURNAL, FORUM, POST]) == Sent(0, 4, 0)
    assert len(server.in_zotero(LIBRARY)) == 4


async def test_what_is_there_under_its_title_is_not_added_again(server: PaperSources, fetcher: Fetcher) -> None:
    server.zotero(LIBRARY, [zotero_item(JOURNAL.title.upper())])
    assert await zotero_client(server, fetcher).add([JOURNAL, ARXIV]) == Sent(1, 1, 0)


async def test_many_papers_go_in_several_requests_and_refused_ones_are_counted(
    server: PaperSources, fetcher: Fetcher
) -> None:
    server.zotero(LIBRARY, [])
    untitled = Paper("2310.99999", "")
    many = [Paper(f"2310.{number:05d}", f"The paper with the number {number}") for number in range(70)]
    assert await zotero_client(server, fetcher).add([untitled, *many]) == Sent(70, 0, 1)
    assert [request.path for request in server.requests] == [f"{ITEMS}/top", ITEMS, ITEMS]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply("Forbidden", 403), Refused),
        (Reply("locked", 409), Refused),
        (Reply("[]"), Unreadable),
        (Reply('{"failed": 3}'), Unreadable),
        (Reply(b"{", cut=0), Unreachable),
        (Reply(status=302, headers={"Location": "https://evil.example/"}), Refused),
    ],
)
async def test_adding_that_fails_is_one_sentence_and_never_repeated(
    server: PaperSources, fetcher: Fetcher, reply: Reply, error: type[SourceError]
) -> None:
    server.zotero(LIBRARY, [])
    server.answer(ITEMS, reply)
    with pytest.raises(error) as told:
        await zotero_client(server, fetcher, KEY).add([ARXIV])
    assert KEY not in str(told.value)
    assert server.paths() == [f"{ITEMS}/top", ITEMS]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Ada Moreau", "Ada", "Moreau"),
        ("A.-B. van der Berg", "A.-B.", "van der Berg"),
        ("Joseph M. Reagle Jr.", "Joseph M.", "Reagle Jr."),
        ("J. Doe III", "J.", "Doe III"),
        ("de Bruijn", "de", "Bruijn"),
        ("CERN", None, None),
        ("The ATLAS Collaboration", None, None),
    ],
)
def test_a_name_is_parted_as_zotero_wants_it(name: str, first: str | None, last: str | None) -> None:
    parts = {"name": name} if first is None else {"firstName": first, "lastName": last}
    assert _creator(name) == {"creatorType": "author", **parts}


@pytest.mark.parametrize(
    ("text", "library"),
    [
        ("groups/4567", "groups/4567"),
        (" Users/12 ", "users/12"),
        ("https://www.zotero.org/groups/4567/our_papers/library", "groups/4567"),
        ("zotero.org/ada/library", ""),
        ("groups/../users/1", ""),
        ("groups/1/items?key=x", "groups/1"),
        ("4567", ""),
        ("", ""),
    ],
)
def test_a_library_is_named_by_its_number_or_its_link(text: str, library: str) -> None:
    assert library_of(text) == library


async def test_the_settings_name_the_library_and_keep_the_key(server: PaperSources) -> None:
    server.zotero(LIBRARY, [], key=KEY)
    link = "https://www.zotero.org/groups/4567/our_papers"
    variables = {"LIBRARY": link, "KEY": KEY, "URL": server.url}
    settings = load(None, {f"PAPERBOY_ZOTERO__{name}": value for name, value in variables.items()})
    assert KEY not in repr(settings)
    async with configured_zotero(settings) as zotero:
        assert zotero.library == LIBRARY
        await zotero.look()
    assert load(None, {"PAPERBOY_ZOTERO__KEY": f" {KEY}\n"}).zotero.key.get_secret_value() == KEY
    for wrong, sentence in (
        ({"LIBRARY": "ada"}, r"zotero\.library: is no library like groups/4567"),
        ({"KEY": "schlüssel-1"}, r"zotero\.key: is no key of Zotero"),
    ):
        with pytest.raises(SettingsError, match=sentence) as refusal:
            load(None, {f"PAPERBOY_ZOTERO__{name}": value for name, value in wrong.items()})
        assert "schlüssel" not in str(refusal.value)


def test_a_full_page_of_long_items_is_read_whole() -> None:
    abstract = "Background: β-amyloid, as <i>others</i> found (p < 0.05), is 3–5 times as common &amp; costly. " * 30
    creators = [{"creatorType": "author", "firstName": f"Ada {n}", "lastName": "Moreau-Lindqvist"} for n in range(30)]
    tags = [{"tag": f"a tag {number}"} for number in range(20)]
    item = zotero_item(abstractNote=abstract, creators=creators, tags=tags, extra="Citation Key: moreau\n" * 5)
    items = read_items(Answer("https://x.example", 200, json.dumps([item] * 100).encode()), TODAY)
    assert (items.is_cut, len(items.papers)) == (False, 100)


def test_a_page_of_the_costliest_texts_is_read_in_time() -> None:
    item = zotero_item("$\\alpha$ " * 500, abstractNote="<b>x" * 20_000, extra="arxiv: x\n" * 5_000)
    body = json.dumps([item] * 50).encode()
    assert seconds(lambda: read_items(Answer("https://x.example", 200, body), TODAY)) <= MOST_SECONDS


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["preprint", "2310.01234"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
names = ("itemType", "title", "creators", "abstractNote", "DOI", "url", "extra", "archiveID", "deleted")
creators = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(("firstName", "lastName", "name"), anything)))
data = st.fixed_dictionaries({}, optional=dict.fromkeys(names, anything) | {"creators": creators | anything})
items = st.fixed_dictionaries({}, optional={"data": data | anything, "meta": anything})


@given(st.lists(items | anything, max_size=4) | anything)
def test_whatever_stands_in_a_field_papers_stay_fit_to_keep(body: object) -> None:
    try:
        page = read_items(Answer("https://api.zotero.org/x", 200, json.dumps(body).encode()), TODAY)
    except SourceError as error:
        str(error).encode()
        return
    for paper in page.papers:
        assert paper.id
        for text in (paper.id, paper.title, paper.abstract, paper.url, *paper.authors):
            text.encode()
            assert "\x00" not in text
