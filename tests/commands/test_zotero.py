"""`teach zotero` and `saved zotero`: a library as the taste's start, and saved papers back into it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.sources.fetch import Fetcher, Limits
from bot.sources.zotero import Zotero
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.support.harness import BEN, BotHarness, harness_over, paper
from tests.support.paper_sources import PaperSources, Reply, zotero_item

LIBRARY, KEY = "groups/4567", "AbCdEf0123456789"


@pytest.fixture
async def server() -> AsyncIterator[PaperSources]:
    async with PaperSources() as opened:
        yield opened


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with Fetcher(limits=Limits(attempts=1, total=5.0)) as opened:
        yield opened


async def invited(store: Store, clock: Clock, zotero: Zotero | None) -> BotHarness:
    harness = harness_over(store, clock, zotero=zotero)
    await harness.invite()
    await harness.list_papers([paper(1), paper(2)])
    return harness


@pytest.fixture
async def harness(server: PaperSources, fetcher: Fetcher, sqlite_store: Store, clock: Clock) -> BotHarness:
    """A bot with a library, whose key may read and write it."""
    return await invited(sqlite_store, clock, Zotero(fetcher, library=LIBRARY, key=KEY, url=server.url))


async def test_a_library_is_taught(server: PaperSources, harness: BotHarness) -> None:
    known = paper(1)
    items = [
        zotero_item("As the source has it", url=f"https://arxiv.org/abs/{known.id}"),
        zotero_item("A paper that only this library has, on federated learning"),
        zotero_item("A snapshot", itemType="attachment"),
    ]
    server.zotero(LIBRARY, items, key=KEY)
    reply = await harness.say("teach Zotero")
    assert reply.text == "Learned from 2 papers: the next digest follows them."
    assert [line.title for line in (await harness.say("search only this library has")).lines][:1] == [
        "A paper that only this library has, on federated learning"
    ]
    [card] = (await harness.say(f"abstract {known.id}")).cards
    assert card.title == known.title, "what its source told of it stays"


async def test_a_large_librarys_older_items_are_told(server: PaperSources, harness: BotHarness) -> None:
    server.zotero(LIBRARY, [zotero_item(f"The paper with the number {n} of a library") for n in range(1_020)], key=KEY)
    reply = await harness.say("teach zotero")
    assert reply.text.startswith("Learned from 500 papers")
    assert reply.text.endswith("Skipped: the older ones of the 1,020 items.")


async def test_a_public_library_is_taught_by_its_number_or_link_without_the_key(
    server: PaperSources, harness: BotHarness
) -> None:
    server.zotero("groups/99", [zotero_item("A public paper with a long enough title")])
    reply = await harness.say("teach zotero https://www.zotero.org/groups/99/a_group/library")
    assert reply.text.startswith("Learned from 1 paper")
    assert "Zotero-API-Key" not in server.requests[-1].headers


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("teach zotero ada_moreau", "“ada_moreau” is no library of Zotero. One looks like groups/4567 or users/1234."),
        ("teach zotero groups/404", "Zotero has no library groups/404 (404); check its number."),
        ("teach zotero", "I found no papers in groups/4567 at Zotero."),
    ],
)
async def test_a_library_that_cannot_be_taught_is_told_with_the_mend(
    server: PaperSources, harness: BotHarness, line: str, sentence: str
) -> None:
    server.zotero(LIBRARY, [], key=KEY)
    reply = await harness.say(line)
    assert (reply.ok, reply.text) == (False, sentence)


async def test_only_managers_teach_a_library(server: PaperSources, harness: BotHarness) -> None:
    assert not (await harness.say("teach zotero", BEN)).ok
    assert server.requests == []


async def test_saved_papers_go_into_the_library_once(server: PaperSources, harness: BotHarness) -> None:
    server.zotero(LIBRARY, [zotero_item("Something else with a title")], key=KEY)
    for number in (1, 2):
        await harness.say(f"save {paper(number).id}", BEN)
    assert (await harness.say("saved zotero", BEN)).text == "Put 2 papers into Zotero (groups/4567)."
    assert {item["title"] for item in server.in_zotero(LIBRARY)} == {
        paper(1).title,
        paper(2).title,
        "Something else with a title",
    }
    reply = await harness.say("saved zotero", BEN)
    assert reply.text == "2 papers were in Zotero (groups/4567) already."
    await harness.list_papers([paper(3)])
    await harness.say(f"save {paper(3).id}", BEN)
    again, twice = await asyncio.gather(harness.say("saved zotero", BEN), harness.say("saved zotero", BEN))
    assert {again.text, twice.text} == {
        "Put 1 paper into Zotero (groups/4567). 2 papers were there already.",
        "3 papers were in Zotero (groups/4567) already.",
    }, "a press that comes twice adds nothing twice"
    assert (await harness.say("saved zotero")).text.startswith("You have saved nothing yet.")


async def test_a_library_that_takes_nothing_is_told_in_one_sentence(server: PaperSources, harness: BotHarness) -> None:
    server.zotero(LIBRARY, [], key=KEY)
    server.answer(f"/{LIBRARY}/items", Reply("Forbidden", 403))
    await harness.say(f"save {paper(1).id}")
    reply = await harness.say("saved zotero")
    assert (reply.ok, reply.text) == (
        False,
        "Zotero does not let the key do this in groups/4567 (403); check what zotero.key may do.",
    )


async def test_without_a_library_both_say_what_to_set(sqlite_store: Store, clock: Clock, fetcher: Fetcher) -> None:
    for zotero in (None, Zotero(fetcher)):
        harness = await invited(sqlite_store, clock, zotero)
        assert "whoever runs me can set zotero.library and zotero.key" in (await harness.say("teach zotero")).text
        await harness.say(f"save {paper(1).id}")
        reply = await harness.say("saved zotero")
        assert "whoever runs me can set zotero.library and zotero.key" in reply.text
        assert not reply.ok
        await harness.say(f"unsave {paper(1).id}")
