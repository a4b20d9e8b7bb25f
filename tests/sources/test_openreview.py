"""OpenReview: what is read, who may read it, what is no news, and what is survived."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.ingest import is_news
from bot.settings import SettingsError, load
from bot.source_registry import configured_sources
from bot.sources.base import Batch, Listing, ListingKind, RateLimited, Refused, SourceError, TooLarge, Unreadable
from bot.sources.fetch import Answer, Fetcher
from bot.sources.openreview import PAGE, OpenReview, read_page
from recommender.paper import Paper
from tests.bounds import MOST_SECONDS, seconds
from tests.sources.conftest import FakeTime
from tests.support.paper_sources import PaperSources, Reply, submission

FRIDAY = date(2026, 3, 6)
THURSDAY = date(2026, 3, 5)
LONG_AGO = date(2025, 10, 8)
VENUE = "ICLR.cc/2027/Conference"
ACCOUNT = ("ada@example.org", "hunter-2")


def source(server: PaperSources, fetcher: Fetcher, *venues: str, account: tuple[str, str] = ("", "")) -> OpenReview:
    return OpenReview(fetcher, venues or (VENUE,), url=server.url + "/", username=account[0], password=account[1])


async def read(server: PaperSources, fetcher: Fetcher, *venues: str) -> Batch:
    return await source(server, fetcher, *venues).fetch(FRIDAY, FRIDAY, {})


def ids(batch: Batch) -> list[str]:
    return [listing.paper.id.removeprefix("openreview:") for listing in batch.listings]


def milliseconds(day: date) -> object:
    return submission("x", day)["tmdate"]


async def test_a_submission_comes_whole(server: PaperSources, fetcher: Fetcher) -> None:
    server.openreview(VENUE, [submission("Ab1_cD2-eF", FRIDAY)])
    batch = await read(server, fetcher)
    whole = Paper(
        id="openreview:Ab1_cD2-eF",
        title="The submission with the forum Ab1_cD2-eF",
        abstract="We learn a taste from emoji.",
        authors=("Ada Moreau", "Bo Lindqvist"),
        categories=("taste", "emoji"),
        published=FRIDAY,
        url="https://openreview.net/forum?id=Ab1_cD2-eF",
        pdf_url="https://openreview.net/pdf?id=Ab1_cD2-eF",
        source="ICLR 2027 Conference Submission",
    )
    assert batch.listings == (Listing(whole, "openreview", FRIDAY, ListingKind.NEW),)
    assert (batch.notes, batch.failure) == ((), None)


async def test_every_venue_is_read_and_a_whole_invitation_is_one(server: PaperSources, fetcher: Fetcher) -> None:
    server.openreview(VENUE, [submission("aaaaaaa", FRIDAY)])
    server.openreview("TMLR", [submission("bbbbbbb", FRIDAY)])
    assert ids(await read(server, fetcher, VENUE, "TMLR/-/Submission", VENUE)) == ["aaaaaaa", "bbbbbbb"]


async def test_pages_are_read_until_what_is_older_and_politely(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    fresh = [submission(f"fresh{number:05d}", FRIDAY) for number in range(PAGE + 5)]
    old = [submission(f"older{number:05d}", LONG_AGO) for number in range(3 * PAGE)]
    server.openreview(VENUE, old + fresh)
    batch = await read(server, fetcher)
    news = [listing for listing in batch.listings if is_news(listing)]
    assert len(news) == PAGE + 5
    assert [request.query["offset"] for request in server.requests] == ["0", str(PAGE)]
    assert fake_time.sleeps == [1.0]


async def test_what_was_read_before_is_not_asked_for_again(server: PaperSources, fetcher: Fetcher) -> None:
    notes = [submission(f"fresh{number:05d}", FRIDAY) for number in range(3 * PAGE)]
    server.openreview(VENUE, notes)
    openreview = source(server, fetcher)
    first = await openreview.fetch(FRIDAY, FRIDAY, {})
    assert (len(first.listings), len(server.requests)) == (3 * PAGE, 4)
    noon = int(str(milliseconds(FRIDAY)))
    late, evening = noon + 4 * 60_000, noon + 3_600_000
    assert first.memory == {VENUE: str(noon)}
    server.requests.clear()
    for note in notes[:PAGE]:
        note["tmdate"] = evening
    server.openreview(VENUE, [*notes, submission("late000", FRIDAY, tmdate=late)])
    again = await openreview.fetch(FRIDAY, FRIDAY, first.memory)
    assert "late000" in ids(again)
    assert len(server.requests) == 4, "the changes of five minutes come again, since some are listed late"
    server.requests.clear()
    third = await openreview.fetch(FRIDAY, FRIDAY, again.memory)
    assert "late000" in ids(third)
    assert (len(server.requests), third.memory) == (2, {VENUE: str(evening)})


async def test_a_server_that_does_not_sort_is_read_to_the_end(server: PaperSources, fetcher: Fetcher) -> None:
    notes = [submission(f"older{number:05d}", LONG_AGO, tmdate=None) for number in range(PAGE + 1)]
    server.openreview(VENUE, [*notes, submission("fresh00000", FRIDAY, tmdate=None)])
    assert "fresh00000" in ids(await read(server, fetcher))


async def test_an_endless_venue_is_cut_and_says_so(
    server: PaperSources, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sources.openreview._MOST_PAGES", 2)
    server.openreview(VENUE, [submission(f"fresh{number:05d}", FRIDAY) for number in range(3 * PAGE)])
    batch = await read(server, fetcher)
    assert (len(batch.listings), len(server.requests)) == (2 * PAGE, 2)
    assert batch.notes == ("OpenReview's list is too long to be read whole; what changed last was taken.",)


async def test_a_server_that_knows_no_pages_is_not_asked_for_ever(server: PaperSources, fetcher: Fetcher) -> None:
    notes = [submission(f"fresh{number:05d}", FRIDAY) for number in range(PAGE)]
    server.answer("/notes", json.dumps({"notes": notes}))
    assert len((await read(server, fetcher)).listings) == PAGE
    assert len(server.requests) == 2


async def test_missed_days_are_news_of_their_day(server: PaperSources, fetcher: Fetcher) -> None:
    server.openreview(VENUE, [submission(f"day{n:05d}", FRIDAY - timedelta(days=n)) for n in range(9)])
    batch = await source(server, fetcher).fetch(FRIDAY - timedelta(days=4), FRIDAY, {})
    news = [listing.listed_on for listing in batch.listings if is_news(listing)]
    assert news == [FRIDAY - timedelta(days=n) for n in range(6)], "and the day before, for other time zones"


async def test_a_revision_is_no_news_but_a_paper_made_public_or_accepted_today_is(
    server: PaperSources, fetcher: Fetcher
) -> None:
    today = milliseconds(FRIDAY)
    server.openreview(
        VENUE,
        [
            submission("revised", LONG_AGO, tmdate=today, mdate=today),
            submission("opened1", LONG_AGO, tmdate=today, odate=today),
            submission("accepted", LONG_AGO, tmdate=today, pdate=today, venueid=VENUE, venue="ICLR 2027 poster"),
        ],
    )
    batch = await read(server, fetcher)
    assert {listing.paper.id: is_news(listing) for listing in batch.listings} == {
        "openreview:revised": False,
        "openreview:opened1": True,
        "openreview:accepted": True,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"venueid": f"{VENUE}/Withdrawn_Submission"},
        {"venueid": f"{VENUE}/Desk_Rejected_Submission"},
        {"venueid": f"{VENUE}/Rejected_Submission"},
        {"venueid": "TMLR/Rejected"},
        {"venueid": None, "venue": "ICLR 2027 Conference Withdrawn Submission"},
        {"ddate": milliseconds(FRIDAY)},
        {"readers": [VENUE, f"{VENUE}/Submission7/Reviewers"]},
        {"readers": []},
        {"readers": "everyone"},
    ],
)
async def test_what_is_withdrawn_rejected_deleted_or_not_for_everybody_is_left_out(
    server: PaperSources, fetcher: Fetcher, fields: dict[str, object]
) -> None:
    server.openreview(VENUE, [submission("aaaaaaa", FRIDAY, **fields), submission("bbbbbbb", FRIDAY)])
    batch = await read(server, fetcher)
    assert (ids(batch), batch.notes) == (["bbbbbbb"], ())


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ([{"fullname": "Ada Moreau", "username": "~Ada_Moreau1"}, {"username": "~B1"}, "Bo Lindqvist"], 2),
        ({"value": ["Ada Moreau"], "readers": [VENUE]}, 0),
        (["Anonymous"], 0),
        (None, 0),
        ("Ada Moreau", 0),
    ],
)
async def test_authors_are_read_where_everybody_may_know_them(
    server: PaperSources, fetcher: Fetcher, authors: object, names: int
) -> None:
    server.openreview(VENUE, [submission("aaaaaaa", FRIDAY, authors=authors)])
    (listing,) = (await read(server, fetcher)).listings
    assert listing.paper.authors == ("Ada Moreau", "Bo Lindqvist")[:names]


async def test_an_account_signs_in_once_and_again_when_its_token_ran_out(
    server: PaperSources, fetcher: Fetcher
) -> None:
    server.openreview(VENUE, [submission("aaaaaaa", FRIDAY)], account=ACCOUNT)
    openreview = source(server, fetcher, account=ACCOUNT)
    assert ids(await openreview.fetch(FRIDAY, FRIDAY, {})) == ["aaaaaaa"]
    await openreview.fetch(FRIDAY, FRIDAY, {})
    assert server.paths() == ["/login", "/notes", "/notes"]
    server.expire_token()
    assert ids(await openreview.fetch(FRIDAY, FRIDAY, {})) == ["aaaaaaa"]
    assert server.paths()[3:] == ["/notes", "/login", "/notes"]


@pytest.mark.parametrize("challenge", [Reply("{}", 403), Reply("<!doctype html><title>Are you human?</title>")])
async def test_without_an_account_the_mend_is_told(server: PaperSources, fetcher: Fetcher, challenge: Reply) -> None:
    server.answer("/notes", challenge)
    with pytest.raises(Refused, match=r"set sources\.openreview\.username and password\.$"):
        await read(server, fetcher)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, r"did not sign us in \(400\); check sources\.openreview\.username and password\.$"),
        ('{"mfaPending": true, "mfaPendingToken": "x"}', "wants a second factor from this account"),
        ('{"token": 3}', "answered with something that is no token"),
        ('{"token": "a\\nb"}', "answered with something that is no token"),
        ("<html>", "answered with a web page instead of data"),
        (Reply(status=429), "asked not to be asked again"),
        (Reply(status=302, headers={"Location": "https://evil.example/"}), "sends us elsewhere"),
    ],
)
async def test_a_sign_in_that_fails_is_one_sentence_without_the_password(
    server: PaperSources, fetcher: Fetcher, answer: Reply | str | None, sentence: str
) -> None:
    server.openreview(VENUE, [submission("aaaaaaa", FRIDAY)], account=ACCOUNT)
    if answer is not None:
        server.answer("/login", answer)
    with pytest.raises(SourceError, match=sentence) as told:
        await source(server, fetcher, account=(ACCOUNT[0], "wrong-1")).fetch(FRIDAY, FRIDAY, {})
    assert "wrong-1" not in str(told.value)
    assert "/notes" not in server.paths()


async def test_an_account_that_may_not_read_is_told(server: PaperSources, fetcher: Fetcher) -> None:
    server.openreview(VENUE, [], account=ACCOUNT)
    server.answer("/notes", Reply("{}", 403))
    with pytest.raises(Refused, match="does not let this account read"):
        await source(server, fetcher, account=ACCOUNT).fetch(FRIDAY, FRIDAY, {})


async def test_a_redirect_never_gets_the_token(server: PaperSources, fetcher: Fetcher) -> None:
    server.openreview(VENUE, [], account=ACCOUNT)
    async with PaperSources() as elsewhere:
        elsewhere.openreview(VENUE, [submission("aaaaaaa", FRIDAY)])
        server.answer("/notes", Reply(status=302, headers={"Location": f"{elsewhere.url}/stolen"}))
        with pytest.raises(Refused):
            await source(server, fetcher, account=ACCOUNT).fetch(FRIDAY, FRIDAY, {})
        assert elsewhere.requests
        assert not any("Authorization" in request.headers for request in elsewhere.requests)


async def test_odd_notes_are_counted_and_cost_no_other(server: PaperSources, fetcher: Fetcher) -> None:
    everyone = {"readers": ["everyone"]}
    notes = [
        {**everyone, "id": "aaaaaaa", "content": {"title": {"value": "A title"}}},
        {**everyone, "id": "../evil?x", "content": {"title": {"value": "A title"}}},
        {**everyone, "id": "bbbbbbb", "content": {"title": "A bare title"}},
        {**everyone, "id": "ccccccc", "content": []},
        None,
        7,
    ]
    server.answer("/notes", json.dumps({"notes": notes}))
    batch = await read(server, fetcher)
    (listing,) = batch.listings
    whole = Paper(
        "openreview:aaaaaaa",
        "A title",
        published=FRIDAY,
        url="https://openreview.net/forum?id=aaaaaaa",
        source="OpenReview",
    )
    assert listing == Listing(whole, "openreview", FRIDAY, ListingKind.NEW)
    assert batch.notes == ("5 of OpenReview's submissions came without an id or a title and were left out.",)


@pytest.mark.parametrize("moment", [None, "1772800000000", True, -1, 10**30, 1e400, [], 32503680000000])
async def test_a_time_that_cannot_be_true_is_today(server: PaperSources, fetcher: Fetcher, moment: object) -> None:
    fields = dict.fromkeys(("cdate", "tcdate", "odate", "pdate"), moment)
    server.openreview(VENUE, [submission("aaaaaaa", FRIDAY, **fields)])
    (listing,) = (await read(server, fetcher)).listings
    assert listing.listed_on == FRIDAY


@pytest.mark.parametrize(
    "body", ["", '{"notes": [{"id": "aaa', "null", "[]", '{"notes": {}}', "[" * 100_000, b"\x00\xff\xfe"]
)
async def test_a_body_that_is_no_list_is_one_clear_error(
    server: PaperSources, fetcher: Fetcher, body: str | bytes
) -> None:
    server.answer("/notes", body)
    with pytest.raises(Unreadable, match=r"^127\.0\.0\.1 answered with "):
        await read(server, fetcher)


async def test_a_venue_that_fails_stops_no_other(server: PaperSources, fetcher: Fetcher) -> None:
    server.openreview(VENUE, [submission("aaaaaaa", FRIDAY)])
    query = f"invitation=TMLR%2F-%2FSubmission&sort=tmdate%3Adesc&limit={PAGE}&offset=0"
    server.answer(f"/notes?{query}", Reply(status=404))
    batch = await read(server, fetcher, "TMLR", VENUE)
    assert (ids(batch), isinstance(batch.failure, Refused)) == (["aaaaaaa"], True)


async def test_a_server_that_wants_a_rest_gets_it(server: PaperSources, fetcher: Fetcher, fake_time: FakeTime) -> None:
    good = json.dumps({"notes": [submission("aaaaaaa", FRIDAY)]})
    server.answer("/notes", Reply(status=429, headers={"Retry-After": "20"}), good)
    assert ids(await read(server, fetcher)) == ["aaaaaaa"]
    assert sum(fake_time.sleeps) >= 20
    server.answer("/notes", Reply(status=429, headers={"Retry-After": "7200"}))
    with pytest.raises(RateLimited):
        await read(server, fetcher)


async def test_a_huge_answer_is_not_read_to_its_end(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer("/notes", Reply('{"notes": [' + " " * 100_000, repeat=1_000))
    with pytest.raises(TooLarge):
        await read(server, fetcher)
    assert server.bytes_sent < 20_000_000


def settings_for(server: PaperSources, **openreview: str) -> dict[str, str]:
    variables = {f"PAPERBOY_SOURCES__OPENREVIEW__{name.upper()}": value for name, value in openreview.items()}
    off = {f"PAPERBOY_SOURCES__{name}__ENABLED": "false" for name in ("HUGGINGFACE", "ARXIV")}
    return {**off, **variables, "PAPERBOY_SOURCES__OPENREVIEW__URL": server.url}


async def test_the_settings_switch_it_on_with_the_link_of_a_venue(server: PaperSources) -> None:
    server.openreview(VENUE, [submission("aaaaaaa", FRIDAY)], account=ACCOUNT)
    links = f"https://openreview.net/group?id={VENUE}#tab-recent-activity,https://openreview.net/group?id=TMLR&x=1"
    settings = load(None, settings_for(server, venues=links, username=ACCOUNT[0], password=ACCOUNT[1]))
    assert settings.sources.openreview.venues == (VENUE, "TMLR")
    assert ACCOUNT[1] not in repr(settings)
    async with configured_sources(settings) as sources:
        assert [each.name for each in sources] == ["openreview"]
        assert ids(await sources[0].fetch(FRIDAY, FRIDAY, {})) == ["aaaaaaa"]
    async with configured_sources(load(None, settings_for(server))) as sources:
        assert sources == []


@pytest.mark.parametrize(
    ("openreview", "sentence"),
    [
        ({"venues": "ICLR 2027"}, r"no venue's id like ICLR\.cc/2027/Conference"),
        ({"venues": "https://openreview.net/"}, "no venue's id"),
        ({"venues": "TMLR", "username": "ada@example.org"}, "needs both username and password"),
    ],
)
def test_a_wrong_setting_says_what_is_right(openreview: dict[str, str], sentence: str) -> None:
    variables = {f"PAPERBOY_SOURCES__OPENREVIEW__{name.upper()}": value for name, value in openreview.items()}
    with pytest.raises(SettingsError, match=sentence):
        load(None, variables)


def test_a_full_page_of_long_submissions_is_read_whole() -> None:
    abstract = "We study $\\mathcal{N}=4$ models – and show, as others did, that $\\alpha < 1$ (see below). " * 25
    authors = [f"Ada Maria Moreau-Lindqvist {number}" for number in range(40)]
    fields = {"abstract": abstract, "authors": authors, "authorids": authors, "_bibtex": "x, " * 500}
    note = submission("aaaaaaa", FRIDAY, **fields, keywords=["federated learning"] * 10, TLDR=abstract[:250])
    page = read_page(Answer("https://x.example", 200, json.dumps({"notes": [note] * PAGE}).encode()), FRIDAY)
    assert (page.cut, len(page.submissions)) == (False, PAGE)


def test_a_page_of_the_costliest_texts_is_read_in_time() -> None:
    note = submission("aaaaaaa", FRIDAY, title="$\\alpha$ " * 500, abstract="x\u0316\u0301 " * 20_000)
    body = json.dumps({"notes": [note] * 60}).encode()
    assert seconds(lambda: read_page(Answer("https://x.example", 200, body), FRIDAY)) <= MOST_SECONDS


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["everyone", "aaaaaaa"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
held = st.fixed_dictionaries({}, optional={"value": anything, "readers": anything}) | anything
content = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("title", "abstract", "authors", "keywords", "venueid"), held)
)
times = st.integers() | st.floats() | anything
notes = st.fixed_dictionaries(
    {"readers": st.just(["everyone"]) | anything},
    optional={
        "id": anything,
        "forum": anything,
        "content": content | anything,
        **dict.fromkeys(("cdate", "pdate", "odate", "tmdate", "ddate"), times),
    },
)


@given(st.fixed_dictionaries({"notes": st.lists(notes | anything, max_size=4) | anything}) | anything)
def test_whatever_stands_in_a_field_submissions_stay_fit_to_keep(body: object) -> None:
    try:
        page = read_page(Answer("https://api2.openreview.net/x", 200, json.dumps(body).encode()), FRIDAY)
    except SourceError as error:
        str(error).encode()
        return
    for each in page.submissions:
        assert each.paper.title
        assert each.listed_on <= FRIDAY + timedelta(days=2)
        for text in (each.paper.id, each.paper.title, each.paper.abstract, *each.paper.authors, *each.paper.categories):
            text.encode()
            assert "\x00" not in text
