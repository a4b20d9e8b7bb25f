"""Papers of bioRxiv and OpenReview in a channel: one paper with arXiv's, named by any of their links."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest

from bot.sources.biorxiv import BioRxiv
from bot.sources.fetch import Fetcher, Limits
from bot.sources.openreview import OpenReview
from bot.store import papers
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.support.harness import BotHarness, harness_over, paper
from tests.support.paper_sources import PaperSources, Reply, preprint, submission

DOI = "10.64898/2026.03.01.123456"
LINK = f"https://www.biorxiv.org/content/{DOI}v2.full.pdf"
FORUM = "https://openreview.net/pdf?id=Ab1_cD2-eF"
TITLE = "A title that is long enough to be that of one paper only"


@pytest.fixture
async def world() -> AsyncIterator[PaperSources]:
    async with PaperSources() as opened:
        yield opened


@pytest.fixture
async def harness(world: PaperSources, sqlite_store: Store, clock: Clock) -> AsyncIterator[BotHarness]:
    """A bot that reads bioRxiv and OpenReview, invited to a channel."""
    async with Fetcher(limits=Limits(attempts=1, total=5.0), paces={}) as fetcher:
        sources = (BioRxiv(fetcher, "biorxiv", (), world.url), OpenReview(fetcher, ["TMLR"], url=world.url))
        opened = harness_over(sqlite_store, clock, sources=sources)
        await opened.invite()
        yield opened


def today(harness: BotHarness) -> date:
    return harness.clock().date()


async def test_what_several_sources_list_is_one_paper_that_every_link_names(
    world: PaperSources, harness: BotHarness
) -> None:
    day = today(harness)
    listed = paper(7, TITLE)
    world.preprints("biorxiv", [preprint(DOI, day, title="A preprint that only bioRxiv has, about neurons")])
    world.openreview("TMLR", [submission("Ab1_cD2-eF", day, title=TITLE.upper())])
    harness.shelf.lists[day] = [listed]
    outcomes = await harness.app.ingest.run()
    assert [(outcome.source, outcome.failure) for outcome in outcomes] == [
        ("shelf", ""),
        ("biorxiv", ""),
        ("openreview", ""),
    ]
    async with harness.store.read() as tx:
        assert sorted(await papers.news(tx, day, day)) == [listed.id, f"doi:{DOI}"]
    for link in (FORUM, "https://openreview.net/forum?id=Ab1_cD2-eF", listed.id):
        [card] = (await harness.say(f"abstract {link}")).cards
        assert card.paper_id == listed.id
    [card] = (await harness.say(f"abstract {LINK}")).cards
    assert (card.title, card.url) == (
        "A preprint that only bioRxiv has, about neurons",
        f"https://www.biorxiv.org/content/{DOI}",
    )
    assert (await harness.say(f"teach {LINK} {FORUM}")).text.startswith("Learned from 2 papers")


async def test_a_second_version_makes_no_news_of_a_preprint(world: PaperSources, harness: BotHarness) -> None:
    day = today(harness)
    world.preprints("biorxiv", [preprint(DOI, day, version="2", title="The second version of something")])
    await harness.app.ingest.run()
    async with harness.store.read() as tx:
        assert await papers.news(tx, date(2020, 1, 1), day) == []
    assert (await harness.say(f"abstract {LINK}")).cards


@pytest.mark.parametrize("link", [LINK, f"doi:{DOI}v1", FORUM])
async def test_a_paper_that_the_store_lacks_is_looked_up_and_posted(
    world: PaperSources, harness: BotHarness, link: str
) -> None:
    long_ago = date(2025, 11, 3)
    world.preprints("biorxiv", [preprint(DOI, long_ago), preprint(DOI, today(harness), version="2")])
    world.openreview("TMLR", [submission("Ab1_cD2-eF", long_ago)])
    assert (await harness.say(f"submit {link}")).text == "Posted."
    [shown] = harness.chat.shown["c1"]
    assert shown.message.card
    assert shown.message.card.published == long_ago
    assert (await harness.say(f"teach {link}")).text.startswith("Learned from 1 paper")


async def test_a_preprint_that_is_withdrawn_later_is_marked_and_no_longer_news(
    world: PaperSources, harness: BotHarness
) -> None:
    day = today(harness)
    world.preprints("biorxiv", [preprint(DOI, day, title=TITLE)])
    await harness.app.ingest.run()
    statement = "The authors have withdrawn this manuscript."
    later = preprint(DOI, day, version="2", title=f"WITHDRAWN: {TITLE}", abstract=statement)
    world.preprints("biorxiv", [preprint(DOI, day, title=TITLE), later])
    await harness.app.ingest.run()
    async with harness.store.read() as tx:
        assert await papers.news(tx, day, day) == []
    [card] = (await harness.say(f"abstract {LINK}")).cards
    assert card.title == f"Withdrawn: {TITLE}"


async def test_a_link_that_no_source_knows_is_told(world: PaperSources, harness: BotHarness) -> None:
    for link in (LINK, FORUM, "10.1000/182"):
        reply = await harness.say(f"why {link}")
        assert not reply.ok
        assert "no source told me about it" in reply.text
    world.answer(f"/details/biorxiv/{DOI}/na/json", Reply(status=500))
    assert "no source told me about it" in (await harness.say(f"submit {LINK}")).text


async def test_one_source_that_is_silent_costs_no_other(world: PaperSources, harness: BotHarness) -> None:
    world.preprints("biorxiv", [preprint(DOI, today(harness))])
    world.answer("/notes", Reply(status=500))
    reply = await harness.say(f"teach {FORUM} {LINK}")
    assert reply.text.startswith("Learned from 1 paper")
    assert "I could not find openreview:Ab1_cD2-eF." in reply.text
