"""bioRxiv and medRxiv: what is read, what is no news, and what is survived."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.ingest import is_news
from bot.settings import load
from bot.source_registry import configured_sources
from bot.sources.base import (
    Batch,
    Listing,
    ListingKind,
    RateLimited,
    Refused,
    SourceError,
    TooLarge,
    Unreachable,
    Unreadable,
)
from bot.sources.biorxiv import BioRxiv, read_page
from bot.sources.fetch import Answer, Fetcher
from recommender.paper import Paper
from tests.bounds import MOST_SECONDS, seconds
from tests.sources.conftest import FakeTime
from tests.support.paper_sources import PaperSources, Reply, preprint

FRIDAY = date(2026, 3, 6)
THURSDAY = date(2026, 3, 5)
WEDNESDAY = date(2026, 3, 4)
FIRST_PAGE = f"/details/biorxiv/{WEDNESDAY}/{FRIDAY}/0"
DOI = "10.64898/2026.03.05.123456"


def doi(number: int) -> str:
    return f"10.1101/2026.03.05.{number:06d}"


def source(server: PaperSources, fetcher: Fetcher, *subjects: str) -> BioRxiv:
    return BioRxiv(fetcher, "biorxiv", subjects, server.url + "/")


async def read(server: PaperSources, fetcher: Fetcher, *subjects: str) -> Batch:
    return await source(server, fetcher, *subjects).fetch(FRIDAY, FRIDAY, {})


def dois(batch: Batch) -> list[str]:
    return [listing.paper.doi for listing in batch.listings]


async def test_a_preprint_is_read_whole(server: PaperSources, fetcher: Fetcher) -> None:
    server.preprints("biorxiv", [preprint(DOI, THURSDAY, title="What <i>E. coli</i> &amp; we like at p<0.05")])
    batch = await read(server, fetcher)
    whole = Paper(
        id=f"doi:{DOI}",
        title="What E. coli & we like at p<0.05",
        abstract="We measured what neurons do when nobody looks.",
        authors=("A. Moreau", "B. C. Lindqvist", "The Example Consortium"),
        categories=("neuroscience",),
        published=THURSDAY,
        organization="Institute of Examples",
        url=f"https://www.biorxiv.org/content/{DOI}",
        doi=DOI,
        pdf_url=f"https://www.biorxiv.org/content/{DOI}v1.full.pdf",
        source="bioRxiv",
    )
    assert batch.listings == (Listing(whole, "biorxiv", THURSDAY, ListingKind.NEW),)
    assert (batch.notes, batch.failure) == ((), None)


async def test_medrxiv_is_read_from_the_same_api(server: PaperSources, fetcher: Fetcher) -> None:
    server.preprints("biorxiv", [preprint(doi(1), FRIDAY)])
    server.preprints("medrxiv", [preprint(DOI, FRIDAY, server="medRxiv", category="health informatics")])
    batch = await BioRxiv(fetcher, "medrxiv", (), server.url).fetch(FRIDAY, FRIDAY, {})
    assert [(listing.source, listing.paper.link) for listing in batch.listings] == [
        ("medrxiv", f"https://www.medrxiv.org/content/{DOI}")
    ]


async def test_a_long_list_is_read_page_by_page_at_the_pace_of_the_host(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    server.preprints("biorxiv", [preprint(doi(number), THURSDAY) for number in range(65)])
    assert len(dois(await read(server, fetcher))) == 65
    assert [path.rpartition("/")[2] for path in server.paths()] == ["0", "30", "60"]
    assert fake_time.sleeps == [1.0, 1.0]


async def test_missed_days_are_requested_week_by_week(server: PaperSources, fetcher: Fetcher) -> None:
    server.preprints("biorxiv", [preprint(doi(day), FRIDAY - timedelta(days=day)) for day in range(12)])
    batch = await source(server, fetcher).fetch(FRIDAY - timedelta(days=9), FRIDAY, {})
    assert dois(batch) == [doi(day) for day in range(12)]
    assert [listing.listed_on for listing in batch.listings[:2]] == [FRIDAY, THURSDAY]


async def test_a_preprint_that_the_api_got_late_is_read(server: PaperSources, fetcher: Fetcher) -> None:
    biorxiv = source(server, fetcher)
    server.preprints("biorxiv", [preprint(doi(1), THURSDAY)])
    first = await biorxiv.fetch(THURSDAY, THURSDAY, {})
    server.preprints("biorxiv", [preprint(doi(1), THURSDAY), preprint(doi(2), THURSDAY)])
    again = await biorxiv.fetch(FRIDAY, FRIDAY, first.memory)
    assert doi(2) in dois(again)


async def test_a_list_that_has_not_grown_costs_one_request_and_gives_nothing(
    server: PaperSources, fetcher: Fetcher
) -> None:
    server.preprints("biorxiv", [preprint(doi(number), FRIDAY) for number in range(40)])
    biorxiv = source(server, fetcher)
    first = await biorxiv.fetch(FRIDAY, FRIDAY, {})
    server.requests.clear()
    again = await biorxiv.fetch(FRIDAY, FRIDAY, first.memory)
    assert (again.listings, again.notes, again.memory, len(server.requests)) == ((), (), first.memory, 1)
    server.preprints("biorxiv", [preprint(doi(number), FRIDAY) for number in range(41)])
    assert len(dois(await biorxiv.fetch(FRIDAY, FRIDAY, again.memory))) == 41


async def test_only_the_chosen_subjects_are_read(server: PaperSources, fetcher: Fetcher) -> None:
    subjects = ("neuroscience", "cell biology", "zoology")
    server.preprints("biorxiv", [preprint(doi(n), FRIDAY, category=subject) for n, subject in enumerate(subjects)])
    batch = await read(server, fetcher, "Neuroscience", "Cell_Biology", "neuroscience")
    assert dois(batch) == [doi(0), doi(1)]
    assert [request.query["category"] for request in server.requests] == ["neuroscience", "cell biology"]


async def test_preprints_of_other_subjects_are_left_out(server: PaperSources, fetcher: Fetcher) -> None:
    entries = [preprint(doi(1), FRIDAY, category="Zoology"), preprint(doi(2), FRIDAY, category="Neuroscience")]
    server.answer(FIRST_PAGE, json.dumps({"messages": [{"status": "ok", "total": 2}], "collection": entries}))
    assert dois(await read(server, fetcher, "neuroscience")) == [doi(2)]


async def test_a_new_version_is_no_news_but_its_text_is_kept(server: PaperSources, fetcher: Fetcher) -> None:
    server.preprints("biorxiv", [preprint(DOI, FRIDAY, version="3", title="The third version of a preprint")])
    (listing,) = (await read(server, fetcher)).listings
    assert not is_news(listing)
    assert (listing.paper.id, listing.paper.title) == (f"doi:{DOI}", "The third version of a preprint")


async def test_two_versions_in_one_list_are_one_preprint_with_the_day_of_the_first(
    server: PaperSources, fetcher: Fetcher
) -> None:
    later = preprint(DOI, FRIDAY, version="2", title="A better title for the preprint")
    server.preprints("biorxiv", [later, preprint(DOI, WEDNESDAY)])
    (listing,) = (await read(server, fetcher)).listings
    assert (listing.paper.title, listing.listed_on, listing.kind) == (later["title"], WEDNESDAY, ListingKind.NEW)


@pytest.mark.parametrize(
    "withdrawal",
    [
        {"title": "WITHDRAWN: What neurons do"},
        {"title": "[Withdrawn] What neurons do"},
        {"type": "withdrawn"},
        {"abstract": "The authors have withdrawn this manuscript owing to an error in the analysis."},
        {"abstract": "Withdrawal Statement: this preprint is cited no more."},
        {"abstract": "This manuscript has been withdrawn by bioRxiv, since it was posted without consent."},
        {"abstract": "bioRxiv has withdrawn this preprint after a complaint."},
    ],
)
async def test_a_withdrawn_preprint_is_no_news_with_its_first_version_and_is_marked(
    server: PaperSources, fetcher: Fetcher, withdrawal: dict[str, str]
) -> None:
    server.preprints("biorxiv", [preprint(DOI, THURSDAY), preprint(DOI, FRIDAY, version="2", **withdrawal)])
    batch = await read(server, fetcher)
    (listing,) = batch.listings
    assert (listing.paper.withdrawn, is_news(listing), batch.notes) == (True, False, ())


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Withdrawal from opioids changes the amygdala"},
        {"title": "Removed microglia come back in a week"},
        {"abstract": "Withdrawal of dopamine slows learning. Two patients were withdrawn from the study."},
        {"abstract": "The study was withdrawn from the registry, and the authors have removed its outliers."},
    ],
)
async def test_a_preprint_about_withdrawal_is_not_withdrawn(
    server: PaperSources, fetcher: Fetcher, fields: dict[str, str]
) -> None:
    server.preprints("biorxiv", [preprint(DOI, FRIDAY, **fields)])
    (listing,) = (await read(server, fetcher)).listings
    assert (listing.paper.withdrawn, is_news(listing)) == (False, True)


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("Doe, J.", ("J. Doe",)),
        ("Reagle, Jr., J. M.; van der Berg, A.-B.", ("J. M. Reagle Jr.", "A.-B. van der Berg")),
        (" ; ;Doe, J.;", ("J. Doe",)),
        ("", ()),
        (None, ()),
        (["Doe, J."], ()),
    ],
)
async def test_authors_are_read_with_their_first_names_first(
    server: PaperSources, fetcher: Fetcher, line: object, authors: tuple[str, ...]
) -> None:
    server.preprints("biorxiv", [preprint(DOI, FRIDAY, authors=line)])
    (listing,) = (await read(server, fetcher)).listings
    assert listing.paper.authors == authors


async def test_an_empty_list_gives_a_note(server: PaperSources, fetcher: Fetcher) -> None:
    assert (await read(server, fetcher)).notes == ("bioRxiv posted nothing.",)
    server.preprints("biorxiv", [preprint(DOI, FRIDAY)])
    batch = await read(server, fetcher, "bioinfomatics", "neuroscience")
    assert (dois(batch), batch.notes) == ([DOI], ("bioRxiv posted nothing under “bioinfomatics”.",))


async def test_only_doi_and_title_are_needed_and_odd_entries_cost_no_other(
    server: PaperSources, fetcher: Fetcher
) -> None:
    entries = [
        {"doi": DOI, "title": "A title"},
        {"doi": doi(1)},
        {"title": "A title"},
        {"doi": 3, "title": []},
        None,
        7,
    ]
    server.answer(FIRST_PAGE, json.dumps({"collection": entries}))
    server.answer(FIRST_PAGE.removesuffix("0") + "6", json.dumps({"collection": []}))
    batch = await read(server, fetcher)
    assert batch.listings == (
        Listing(Paper(f"doi:{DOI}", "A title", published=FRIDAY, doi=DOI), "biorxiv", FRIDAY, ListingKind.NEW),
    )
    assert batch.notes == ("5 of bioRxiv's preprints came without a DOI or a title and were left out.",)


async def test_a_server_that_ignores_the_cursor_is_asked_only_twice(server: PaperSources, fetcher: Fetcher) -> None:
    page = json.dumps({"messages": [{"status": "ok", "total": "900"}], "collection": [preprint(DOI, FRIDAY)]})
    for cursor in range(3):
        server.answer(FIRST_PAGE.removesuffix("0") + str(cursor), page)
    assert dois(await read(server, fetcher)) == [DOI]
    assert len(server.requests) == 2


async def test_a_total_that_is_too_high_ends_with_the_list(server: PaperSources, fetcher: Fetcher) -> None:
    page = json.dumps({"messages": [{"status": "ok", "total": "900"}], "collection": [preprint(DOI, FRIDAY)]})
    server.answer(FIRST_PAGE, page)
    assert dois(await read(server, fetcher)) == [DOI]


async def test_an_endless_list_is_cut_with_a_note(
    server: PaperSources, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sources.biorxiv._MOST_PAGES", 3)
    server.preprints("biorxiv", [preprint(doi(number), FRIDAY) for number in range(300)])
    batch = await read(server, fetcher)
    assert (len(batch.listings), len(server.requests)) == (90, 3)
    assert batch.notes == ("bioRxiv's list is too long to be read whole; its last days were taken.",)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!doctype html><html>We are down.</html>",
        "Error : (2002) Connection refused",
        '{"messages": [{"status": "ok"}], "collection": [{"doi": "10.1101/2026.0',
        "null",
        "[]",
        "{}",
        '{"collection": {}}',
        '{"messages": "x", "collection": 3}',
        "[" * 100_000,
        b"\x00\xff\xfe",
    ],
)
async def test_a_body_that_is_no_list_is_unreadable(server: PaperSources, fetcher: Fetcher, body: str | bytes) -> None:
    server.answer(FIRST_PAGE, body)
    with pytest.raises(Unreadable, match=r"^127\.0\.0\.1 answered with "):
        await read(server, fetcher)


async def test_an_error_status_in_the_body_is_refused(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer(FIRST_PAGE, '{"messages": [{"status": "database\\u0000 is away"}], "collection": []}')
    with pytest.raises(Refused, match=r"answered “database is away” instead of a list of preprints\.$"):
        await read(server, fetcher)


async def test_a_failing_page_keeps_the_listings_of_earlier_pages(server: PaperSources, fetcher: Fetcher) -> None:
    server.preprints("biorxiv", [preprint(doi(number), FRIDAY) for number in range(40)])
    server.answer(FIRST_PAGE.removesuffix("0") + "30", Reply(status=403))
    batch = await read(server, fetcher)
    assert len(batch.listings) == 30
    assert isinstance(batch.failure, Refused)


async def test_a_subject_that_fails_stops_no_other_but_a_silent_host_is_not_asked_again(
    server: PaperSources, fetcher: Fetcher
) -> None:
    server.preprints("biorxiv", [preprint(DOI, FRIDAY)])
    server.answer(f"{FIRST_PAGE}?category=zoology", Reply(status=403))
    batch = await read(server, fetcher, "zoology", "neuroscience")
    assert (dois(batch), isinstance(batch.failure, Refused)) == ([DOI], True)
    with pytest.raises(Unreachable):
        await BioRxiv(fetcher, "biorxiv", ("zoology", "neuroscience"), "http://127.0.0.1:9").fetch(FRIDAY, FRIDAY, {})


async def test_retry_after_is_waited_for_or_raises_rate_limited(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    server.preprints("biorxiv", [preprint(DOI, FRIDAY)])
    good = json.dumps({"messages": [{"status": "ok", "total": 1}], "collection": [preprint(DOI, FRIDAY)]})
    server.answer(FIRST_PAGE, Reply(status=429, headers={"Retry-After": "20"}), good)
    assert dois(await read(server, fetcher)) == [DOI]
    assert sum(fake_time.sleeps) >= 20
    server.answer(FIRST_PAGE, Reply(status=429, headers={"Retry-After": "7200"}))
    with pytest.raises(RateLimited):
        await read(server, fetcher)


async def test_a_huge_answer_is_not_read_to_its_end(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer(FIRST_PAGE, Reply('{"collection": [' + " " * 100_000, repeat=1_000))
    with pytest.raises(TooLarge):
        await read(server, fetcher)
    assert server.bytes_sent < 20_000_000


async def test_the_settings_switch_on_biorxiv_and_medrxiv(server: PaperSources) -> None:
    server.preprints("medrxiv", [preprint(DOI, FRIDAY, category="epidemiology")])
    variables = {
        "PAPERBOY_SOURCES__HUGGINGFACE__ENABLED": "false",
        "PAPERBOY_SOURCES__ARXIV__ENABLED": "false",
        "PAPERBOY_SOURCES__BIORXIV__ENABLED": "true",
        "PAPERBOY_SOURCES__BIORXIV__URL": server.url,
        "PAPERBOY_SOURCES__MEDRXIV__ENABLED": "true",
        "PAPERBOY_SOURCES__MEDRXIV__URL": server.url,
        "PAPERBOY_SOURCES__MEDRXIV__CATEGORIES": "epidemiology,oncology",
    }
    async with configured_sources(load(None, {})) as sources:
        assert [each.name for each in sources] == ["huggingface", "arxiv"]
    async with configured_sources(load(None, variables)) as sources:
        assert [each.name for each in sources] == ["biorxiv", "medrxiv"]
        assert dois(await sources[1].fetch(FRIDAY, FRIDAY, {})) == [DOI]


def test_a_full_page_of_long_preprints_is_read_whole() -> None:
    abstract = "Background: β-amyloid, as <i>others</i> found (p < 0.05), is 3–5 times as common &amp; costly. " * 30
    entry = preprint(DOI, FRIDAY, abstract=abstract, authors="Moreau-Lindqvist, A. M.; " * 80)
    page = read_page(Answer("https://x.example", 200, json.dumps({"collection": [entry] * 100}).encode()), "", FRIDAY)
    assert (page.cut, len(page.versions)) == (False, 100)


def test_a_page_of_the_costliest_texts_is_read_in_time() -> None:
    entry = preprint(DOI, FRIDAY, title="<b>" * 300, abstract="this paper is " * 5_000, authors="\\'e, A;" * 10_000)
    body = json.dumps({"collection": [entry] * 30}).encode()
    assert seconds(lambda: read_page(Answer("https://x.example", 200, body), "", FRIDAY)) <= MOST_SECONDS


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(DOI) | st.just("ok"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
entries = st.fixed_dictionaries({}, optional=dict.fromkeys(preprint(DOI, FRIDAY), anything))
messages = st.fixed_dictionaries({}, optional=dict.fromkeys(("status", "total", "count", "cursor"), anything))
bodies = st.fixed_dictionaries(
    {},
    optional={
        "collection": st.lists(entries | anything, max_size=4) | anything,
        "messages": st.lists(messages | anything, max_size=2) | anything,
    },
)


@given(bodies | anything, st.sampled_from(["", "neuroscience"]))
def test_any_values_in_the_fields_give_valid_preprints(body: object, subject: str) -> None:
    answer = Answer("https://api.biorxiv.org/x", 200, json.dumps(body).encode())
    try:
        page = read_page(answer, subject, FRIDAY)
    except SourceError as error:
        str(error).encode()
        return
    for version in page.versions:
        assert version.paper.id == f"doi:{version.paper.doi}"
        assert version.paper.title
        assert version.posted_on <= FRIDAY + timedelta(days=2)
        for text in (version.paper.id, version.paper.title, version.paper.abstract, *version.paper.authors):
            text.encode()
            assert "\x00" not in text
