"""Papers that members give in BibTeX are visible only in the channel or the workspace that they were given to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.model.messages import Action, Message, Place, PlaceKind
from bot.ports.platform import Uncertain
from bot.store import contributions, installations, papers, tables
from bot.store.database import Store
from bot.store.states import DeliveryKind
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.harness import ADA, BEN, PLACE, BotHarness, demo_papers, harness_over
from tests.support.saying import DM, KNOWN

HOME, BESIDE = Place("fake", "c1", "T1", "ml"), Place("fake", "c2", "T1", "theory")
SECRET_ROOM, ABROAD = Place("fake", "c3", "T1", "board", private=True), Place("fake", "c9", "T2", "rivals")
TITLE = "Dosing schedules of Project Nightingale in hospital trials"
DRAFT = f"""@unpublished{{n, title={{{TITLE}}}, author={{Doe, Jane}}, url={{https://intranet.example/n}},
abstract={{Federated learning of dosing schedules across hospitals, confidential until autumn.}}}}"""


def forged(**fields: str) -> str:
    """An entry that says so of a paper."""
    return "@article{y, " + ", ".join(f"{name}={{{value}}}" for name, value in fields.items()) + "}"


@pytest.fixture
async def harness(sqlite_store: Store, clock: Clock) -> BotHarness:
    return await at_home(sqlite_store, clock)


async def at_home(store: Store, clock: Clock) -> BotHarness:
    """A harness with two workspaces: three channels in the first, one public channel in the second."""
    made = harness_over(store, clock)
    await made.list_papers(demo_papers()[:40])
    for place in (PLACE, HOME, BESIDE, SECRET_ROOM, ABROAD):
        await made.invite(place)
    return made


async def finds(harness: BotHarness, place: Place, query: str = "nightingale dosing") -> bool:
    """Whether a search there brings the draft."""
    return TITLE in [line.title for line in (await harness.say(f"search {query}", place=place)).lines]


async def kept(harness: BotHarness) -> list[str]:
    """The titles of all private papers."""
    async with harness.store.read() as tx:
        query = sa.select(tables.papers.c.title).where(tables.papers.c.private).order_by(tables.papers.c.title)
        return list((await tx.execute(query)).scalars())


# --- what sources tell


@pytest.mark.parametrize(
    "entry",
    [
        forged(
            title=KNOWN.title, doi="10.9999/evil.1", abstract="RETRACTED for fraud. " * 200, url="https://evil.example"
        ),
        forged(title=KNOWN.title, abstract="RETRACTED " * 300, author=" and ".join(f"Mallory {n}" for n in range(40))),
        forged(title="Another title", eprint=KNOWN.id, abstract="RETRACTED " * 300, url="https://evil.example/login"),
        forged(title=KNOWN.title.upper(), eprint="2601.99999", url="https://evil.example/login"),
        forged(title=KNOWN.title, url=f"https://arxiv.org/abs/{KNOWN.id}", doi="10.9999/evil.2"),
    ],
    ids=["by title with a DOI", "by title", "by arXiv id", "by title with another arXiv id", "by its link"],
)
async def test_a_bibtex_entry_does_not_change_a_paper_from_a_source(harness: BotHarness, entry: str) -> None:
    async with harness.store.read() as tx:
        before = await papers.get(tx, KNOWN.id)
        names = (await tx.execute(sa.select(tables.paper_names))).all()
    assert (await harness.say(f"teach {entry}", place=DM, asker=BEN)).ok
    await harness.list_papers(demo_papers()[:40])
    async with harness.store.read() as tx:
        assert await papers.get(tx, KNOWN.id) == before
        assert (await tx.execute(sa.select(tables.paper_names))).all() == names
    told = await harness.say(f"abstract {KNOWN.id}", place=ABROAD)
    assert "RETRACTED" not in str(told)
    assert "evil" not in str(told)


async def test_bibtex_entries_do_not_merge_two_papers_from_a_source(harness: BotHarness) -> None:
    one, other = demo_papers()[1], demo_papers()[2]
    for title in (one.title, other.title):
        await harness.say(f"teach {forged(title=title, doi='10.9999/same')}", place=HOME)
    feed = [
        Paper("feed-1", "A paper of a feed with a title by itself"),
        Paper("feed-2", "Another paper of the same feed"),
    ]
    await harness.list_papers(feed)
    for paper in feed:
        await harness.say(f"teach {forged(title=paper.title, doi='10.9999/again')}", place=HOME)
    await harness.list_papers([*feed, replace(one), replace(other)])
    async with harness.store.read() as tx:
        found = await papers.get_many(tx, [one.id, other.id, "feed-1", "feed-2"])
    assert [paper.title for paper in found.values()] == [one.title, other.title, *(paper.title for paper in feed)]


async def test_a_private_paper_is_replaced_once_a_source_lists_it(harness: BotHarness) -> None:
    entry = forged(
        title="A paper before its listing", eprint="2603.77777", url="https://evil.example", author="Mallory, M"
    )
    assert (await harness.say(f"teach {entry}", place=HOME)).ok
    [private] = await kept(harness)
    await harness.say(f"save {private}", BEN, HOME)
    listed = Paper("2603.77777", "A paper as its source lists it", "Federated learning.", ("Ada Lovelace",), ("cs.LG",))
    await harness.list_papers([listed])
    async with harness.store.read() as tx:
        assert await papers.get(tx, "2603.77777") == listed
    assert await kept(harness) == []
    assert "Learned from 1 vote by 1 member" in (await harness.say("taste", place=HOME)).text
    assert [line.title for line in (await harness.say("saved", BEN, HOME)).lines] == [listed.title]
    [line] = (await harness.say("search mallory", place=HOME)).lines or [None]
    assert line is None


async def test_the_buttons_of_a_private_papers_card_work_after_a_source_lists_it(harness: BotHarness) -> None:
    await harness.say(f"teach {forged(title='A paper before its listing', eprint='2603.77777')}", place=HOME)
    [line] = (await harness.say("search before its listing", place=HOME)).lines[:1]
    await harness.list_papers([Paper("2603.77777", "A paper as its source lists it", "Federated learning.")])
    told = await harness.app.service.act(HOME, BEN, Action("", "more", line.paper_id))
    assert "Counted. More like “A paper as its source lists it”" in told.text


# --- where it is found


async def test_a_paper_given_to_a_public_channel_is_found_in_its_workspace_alone(harness: BotHarness) -> None:
    assert (await harness.say(f"teach {DRAFT}", place=HOME)).ok
    assert [await finds(harness, place) for place in (HOME, BESIDE, SECRET_ROOM, ABROAD, PLACE)] == [True] * 3 + [
        False
    ] * 2


async def test_a_paper_given_to_a_private_channel_is_found_there_alone(harness: BotHarness) -> None:
    assert (await harness.say(f"teach {DRAFT}", place=SECRET_ROOM)).ok
    assert [await finds(harness, place) for place in (SECRET_ROOM, HOME, BESIDE, ABROAD)] == [True, False, False, False]


async def test_a_paper_given_in_a_direct_conversation_is_found_there_alone(harness: BotHarness) -> None:
    mine = Place("fake", "d1", "T1", kind=PlaceKind.DIRECT)
    assert (await harness.say(f"teach {DRAFT}", BEN, mine)).ok
    assert [await finds(harness, place) for place in (mine, HOME, SECRET_ROOM, ABROAD)] == [True, False, False, False]


async def test_a_channel_that_becomes_private_takes_its_papers_along(harness: BotHarness) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    await harness.app.service.renamed(replace(HOME, private=True))
    assert [await finds(harness, place) for place in (HOME, BESIDE)] == [True, False]


async def test_two_workspaces_that_give_the_same_paper_have_one_each(harness: BotHarness) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    await harness.say(f"teach {DRAFT.replace('confidential', 'RIVAL')}", place=ABROAD)
    assert await kept(harness) == [TITLE, TITLE]
    assert "RIVAL" not in (await harness.say(f"abstract {TITLE}", place=HOME)).text
    assert "RIVAL" in (await harness.say(f"abstract {TITLE}", place=ABROAD)).text


async def test_a_later_bibtex_entry_does_not_change_a_private_paper(harness: BotHarness) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    await harness.say(f"teach {DRAFT.replace('confidential', 'DEFACED')}", BEN, BESIDE)
    await harness.say(f"teach {DRAFT.replace('confidential', 'DEFACED')}", place=BESIDE)
    assert "DEFACED" not in (await harness.say(f"abstract {TITLE}", place=HOME)).text
    assert await kept(harness) == [TITLE]


@pytest.mark.parametrize("command", ["abstract", "why", "similar", "more", "less", "save", "submit"])
async def test_a_leaked_id_of_a_private_paper_opens_nothing_in_other_channels(
    harness: BotHarness, command: str
) -> None:
    await harness.say(f"teach {DRAFT}", place=SECRET_ROOM)
    [line] = (await harness.say("search nightingale", place=SECRET_ROOM)).lines[:1]
    assert line.paper_id.startswith(contributions.PREFIX)
    for place in (HOME, ABROAD):
        for told in (
            await harness.say(f"{command} {line.paper_id}", place=place),
            await harness.app.service.act(place, ADA, Action("", command, line.paper_id)),
        ):
            assert "Nightingale" not in str(told)
            assert not told.cards


async def test_a_paper_of_a_channel_that_became_private_is_not_found_by_its_title(harness: BotHarness) -> None:
    await harness.say(f"teach {forged(title=TITLE, doi='10.5555/n.1', abstract='Only for us.')}", place=HOME)
    await harness.app.service.renamed(replace(HOME, private=True))
    await harness.say(f"teach {forged(title='Some other title altogether', doi='10.5555/n.1')}", place=BESIDE)
    assert not await finds(harness, BESIDE)
    told = await harness.say("abstract 10.5555/n.1", place=BESIDE)
    assert "Only for us" not in str(told)
    assert "Some other title altogether" in str(told)
    assert await finds(harness, HOME)


async def test_a_saved_paper_of_a_private_channel_can_be_dropped_elsewhere(harness: BotHarness) -> None:
    mine = Place("fake", "ben", "T1", kind=PlaceKind.DIRECT)
    await harness.say(f"teach {DRAFT}", place=SECRET_ROOM)
    await harness.say(f"save {TITLE}", BEN, SECRET_ROOM)
    [entry] = (await harness.app.service.home(mine, BEN)).saved
    told = await harness.app.service.act(mine, ADA, entry.action)
    assert "Nightingale" not in told.text, "another's saved paper"
    assert "no longer among your saved" in (await harness.app.service.act(mine, BEN, entry.action)).text
    assert not (await harness.app.service.home(mine, BEN)).saved


async def test_a_source_paper_with_the_id_of_a_private_paper_keeps_both(harness: BotHarness) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    [line] = (await harness.say("search nightingale", place=HOME)).lines[:1]
    good = Paper("feed-9", "A good paper in the same list as the odd one")
    await harness.list_papers([Paper(line.paper_id, "A paper of an odd source with a long title"), good])
    assert await finds(harness, HOME)
    assert (await harness.say("abstract A good paper in the same list as the odd one", place=ABROAD)).ok


async def test_a_private_index_adds_taught_papers_and_drops_deleted_ones(harness: BotHarness) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    assert await finds(harness, HOME)
    channel = (await harness.channel(HOME)).id
    before = await harness.app.service._services.private.engine(channel)
    await harness.say(f"teach {forged(title='Another xenolithic paper of our own')}", replace(BEN, manager=True), HOME)
    after = await harness.app.service._services.private.engine(channel)
    assert before is after is not None
    assert len(after) == 2
    await harness.say("forget me yes", BEN, HOME)
    assert await harness.app.service.suggest(HOME, "search xenol") == []


# --- what can be done with it at home


async def test_a_private_paper_can_be_read_liked_saved_posted_and_compared_where_it_is_visible(
    harness: BotHarness,
) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    [line] = (await harness.say("search nightingale", place=BESIDE)).lines[:1]
    assert line.url == "https://intranet.example/n"
    assert "confidential until autumn" in (await harness.say(f"abstract {line.paper_id}", place=BESIDE)).text
    assert "was taught here" in (await harness.say(f"why {TITLE}", place=BESIDE)).text
    assert (await harness.say(f"similar {TITLE}", place=BESIDE)).text.startswith("Most like “Dosing schedules")
    assert (await harness.say(f"more {TITLE}", place=BESIDE)).text.startswith("Counted.")
    assert (await harness.say(f"save {TITLE}", BEN, BESIDE)).text.startswith("Saved")
    assert [line.title for line in (await harness.say("saved", BEN, BESIDE)).lines] == [TITLE]
    assert (await harness.say(f"submit {TITLE}", place=BESIDE)).text == "Posted."
    assert TITLE in str(harness.chat.shown["c2"])
    suggested = await harness.app.service.suggest(BESIDE, "search dosing")
    assert f"search {TITLE}" in suggested
    assert await harness.app.service.suggest(ABROAD, "search dosing") == []
    assert TITLE in str((await harness.say("export", place=HOME)).attachment)


async def test_picks_that_follow_a_private_paper_name_it_as_their_reason(harness: BotHarness) -> None:
    await harness.list_papers(demo_papers()[40:], harness.clock.now.date() - timedelta(days=20))
    await harness.say(f"teach {DRAFT}", place=HOME)
    await harness.say("settings guess off", place=HOME)
    told = await harness.say("today", place=HOME)
    assert all("federated" in card.title.lower() for card in told.cards[:3])
    assert "because you liked “Dosing schedules" in " ".join(card.why for card in told.cards)


async def test_a_misspelled_search_finds_a_private_paper_too(harness: BotHarness) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    assert await finds(harness, HOME, "nightingal dosing")


async def test_pages_of_a_search_show_each_paper_once(harness: BotHarness) -> None:
    for number in range(8):
        entry = forged(title=f"Learning of our own, volume {number} of all", abstract="We learn.")
        await harness.say(f"teach {entry}", place=HOME)
    seen: list[str] = []
    for offset in range(0, 60, 5):
        page = await harness.app.service.act(HOME, ADA, Action("More", "search", "learning", offset))
        seen += [line.paper_id for line in page.lines]
    assert len(seen) == len(set(seen))
    assert sum(paper_id.startswith(contributions.PREFIX) for paper_id in seen) == 8
    first = (await harness.say("search learning", place=HOME)).lines
    assert {line.paper_id.startswith(contributions.PREFIX) for line in first} == {True, False}


async def test_a_channel_has_a_maximum_of_private_papers(harness: BotHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contributions, "MOST_IN_A_CHANNEL", 2)
    for number in range(2):
        assert (await harness.say(f"teach {forged(title=f'Our own paper number {number}')}", place=HOME)).ok
    told = await harness.say(f"teach {forged(title='One more than there is room for')}", place=HOME)
    assert not told.ok
    assert "as many as I keep" in told.text
    assert (await harness.say(f"teach {KNOWN.id}", place=HOME)).ok


# --- how it goes


async def test_forget_me_deletes_private_papers_that_only_this_member_gave(harness: BotHarness) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    await harness.say(f"save {TITLE}", BEN, HOME)
    await harness.say(f"more {TITLE}", BEN, BESIDE)
    await harness.say(f"submit {TITLE}", place=BESIDE)
    await harness.say("forget me yes", BEN, HOME)
    assert await kept(harness) == [TITLE], "another's"
    await harness.say("forget me yes", ADA, HOME)
    assert await kept(harness) == []
    assert not await finds(harness, HOME)
    async with harness.store.read() as tx:
        for table in (tables.votes, tables.contributed_names, tables.contributions, tables.saved):
            assert (await tx.execute(sa.select(sa.func.count()).select_from(table))).scalar_one() == 0, table.name
    assert TITLE not in str(await harness.posts(BESIDE))
    harness.chat.shown["c2"].clear()
    await harness.next_morning()
    await harness.beat()
    assert all("Nightingale" not in str(message) for message in harness.chat.shown["c2"])


async def test_a_private_paper_of_two_members_stays_until_both_are_forgotten(harness: BotHarness) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    await harness.say(f"teach {DRAFT}", replace(BEN, manager=True), BESIDE)
    await harness.say("forget me yes", ADA, HOME)
    assert await finds(harness, HOME)
    await harness.say("forget me yes", BEN, HOME)
    assert await kept(harness) == []


async def test_a_planned_card_of_a_forgotten_private_paper_is_not_posted(harness: BotHarness) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    async with harness.store.read() as tx:
        paper_id = await contributions.resolve(tx, TITLE, (await harness.channel(HOME)).id)
        assert paper_id
        paper = await papers.get(tx, paper_id)
    assert paper
    await harness.app.digests.plan_card(
        await harness.channel(HOME), paper, DeliveryKind.SUBMISSION, "A member …", harness.clock()
    )
    await harness.say("forget me yes", ADA, HOME)
    await harness.app.delivery_worker.deliver_all()
    assert "Nightingale" not in str(harness.chat.shown["c1"])


@pytest.mark.parametrize("stands", [True, False], ids=["was posted", "was lost"])
async def test_an_uncertain_post_of_a_forgotten_private_paper_leaves_no_text(
    harness: BotHarness, *, stands: bool
) -> None:
    def fault(message: Message) -> None:
        if message.card:
            setattr(harness.chat, "after" if stands else "before", None)
            raise Uncertain("nobody knows")

    await harness.say(f"teach {DRAFT}", place=HOME)
    setattr(harness.chat, "after" if stands else "before", fault)
    harness.chat.unable_to_look_up = Uncertain("not now")
    assert (await harness.say(f"submit {TITLE}", place=HOME)).text == "It is on its way."
    await harness.say("forget me yes", ADA, HOME)
    harness.chat.unable_to_look_up = None
    await harness.beat_until_settled()
    assert "Nightingale" not in str(await harness.posts(HOME))
    assert ("Nightingale" in str(harness.chat.shown["c1"])) is stands


async def test_deleting_a_workspace_deletes_its_private_papers(harness: BotHarness) -> None:
    for place in (HOME, SECRET_ROOM, ABROAD):
        await harness.say(f"teach {DRAFT}", place=place)
    async with harness.store.write() as tx:
        await installations.delete(tx, "fake", "T1", harness.clock())
    assert await kept(harness) == [TITLE]
    assert await finds(harness, ABROAD)


async def test_the_papers_export_leaves_out_private_papers(harness: BotHarness) -> None:
    await harness.say(f"teach {DRAFT}", place=HOME)
    async with harness.store.read() as tx:
        assert await papers.count(tx) == 40
        assert TITLE not in [paper.title for paper in await papers.page(tx, "", 1_000)]
    assert len(harness.app.paper_index.engine) == 40
