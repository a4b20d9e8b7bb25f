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
from tests.support.house import ADA, BEN, PLACE, House, demo_papers, house_over
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
async def house(sqlite_store: Store, clock: Clock) -> House:
    return await at_home(sqlite_store, clock)


async def at_home(store: Store, clock: Clock) -> House:
    """A house in two workspaces: three channels of the one, a public one of the other."""
    made = house_over(store, clock)
    await made.list_papers(demo_papers()[:40])
    for place in (PLACE, HOME, BESIDE, SECRET_ROOM, ABROAD):
        await made.invite(place)
    return made


async def finds(house: House, place: Place, query: str = "nightingale dosing") -> bool:
    """Whether a search there brings the draft."""
    return TITLE in [line.title for line in (await house.say(f"search {query}", place=place)).lines]


async def kept(house: House) -> list[str]:
    """The titles of all private papers."""
    async with house.store.read() as tx:
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
async def test_an_entry_changes_nothing_of_a_paper_that_a_source_told_of(house: House, entry: str) -> None:
    async with house.store.read() as tx:
        before = await papers.get(tx, KNOWN.id)
        names = (await tx.execute(sa.select(tables.paper_names))).all()
    assert (await house.say(f"teach {entry}", place=DM, asker=BEN)).ok
    await house.list_papers(demo_papers()[:40])
    async with house.store.read() as tx:
        assert await papers.get(tx, KNOWN.id) == before
        assert (await tx.execute(sa.select(tables.paper_names))).all() == names
    told = await house.say(f"abstract {KNOWN.id}", place=ABROAD)
    assert "RETRACTED" not in str(told)
    assert "evil" not in str(told)


async def test_two_papers_of_a_source_stay_two_whatever_entries_say_of_them(house: House) -> None:
    one, other = demo_papers()[1], demo_papers()[2]
    for title in (one.title, other.title):
        await house.say(f"teach {forged(title=title, doi='10.9999/same')}", place=HOME)
    feed = [
        Paper("feed-1", "A paper of a feed with a title by itself"),
        Paper("feed-2", "Another paper of the same feed"),
    ]
    await house.list_papers(feed)
    for paper in feed:
        await house.say(f"teach {forged(title=paper.title, doi='10.9999/again')}", place=HOME)
    await house.list_papers([*feed, replace(one), replace(other)])
    async with house.store.read() as tx:
        found = await papers.get_many(tx, [one.id, other.id, "feed-1", "feed-2"])
    assert [paper.title for paper in found.values()] == [one.title, other.title, *(paper.title for paper in feed)]


async def test_what_was_given_before_a_source_lists_it_is_replaced_by_the_listing(house: House) -> None:
    entry = forged(
        title="A paper before its listing", eprint="2603.77777", url="https://evil.example", author="Mallory, M"
    )
    assert (await house.say(f"teach {entry}", place=HOME)).ok
    [private] = await kept(house)
    await house.say(f"save {private}", BEN, HOME)
    listed = Paper("2603.77777", "A paper as its source lists it", "Federated learning.", ("Ada Lovelace",), ("cs.LG",))
    await house.list_papers([listed])
    async with house.store.read() as tx:
        assert await papers.get(tx, "2603.77777") == listed
    assert await kept(house) == []
    assert "Learned from 1 vote by 1 member" in (await house.say("taste", place=HOME)).text
    assert [line.title for line in (await house.say("saved", BEN, HOME)).lines] == [listed.title]
    [line] = (await house.say("search mallory", place=HOME)).lines or [None]
    assert line is None


async def test_the_buttons_of_a_private_papers_card_work_after_a_source_lists_it(house: House) -> None:
    await house.say(f"teach {forged(title='A paper before its listing', eprint='2603.77777')}", place=HOME)
    [line] = (await house.say("search before its listing", place=HOME)).lines[:1]
    await house.list_papers([Paper("2603.77777", "A paper as its source lists it", "Federated learning.")])
    told = await house.app.service.act(HOME, BEN, Action("", "more", line.paper_id))
    assert "Counted. More like “A paper as its source lists it”" in told.text


# --- where it is found


async def test_a_paper_given_to_a_public_channel_is_found_in_its_workspace_alone(house: House) -> None:
    assert (await house.say(f"teach {DRAFT}", place=HOME)).ok
    assert [await finds(house, place) for place in (HOME, BESIDE, SECRET_ROOM, ABROAD, PLACE)] == [True] * 3 + [
        False
    ] * 2


async def test_a_paper_given_to_a_private_channel_is_found_there_alone(house: House) -> None:
    assert (await house.say(f"teach {DRAFT}", place=SECRET_ROOM)).ok
    assert [await finds(house, place) for place in (SECRET_ROOM, HOME, BESIDE, ABROAD)] == [True, False, False, False]


async def test_a_paper_given_in_a_direct_conversation_is_found_there_alone(house: House) -> None:
    mine = Place("fake", "d1", "T1", kind=PlaceKind.DIRECT)
    assert (await house.say(f"teach {DRAFT}", BEN, mine)).ok
    assert [await finds(house, place) for place in (mine, HOME, SECRET_ROOM, ABROAD)] == [True, False, False, False]


async def test_a_channel_that_becomes_private_takes_its_papers_along(house: House) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    await house.app.service.renamed(replace(HOME, private=True))
    assert [await finds(house, place) for place in (HOME, BESIDE)] == [True, False]


async def test_two_workspaces_that_give_the_same_paper_have_one_each(house: House) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    await house.say(f"teach {DRAFT.replace('confidential', 'RIVAL')}", place=ABROAD)
    assert await kept(house) == [TITLE, TITLE]
    assert "RIVAL" not in (await house.say(f"abstract {TITLE}", place=HOME)).text
    assert "RIVAL" in (await house.say(f"abstract {TITLE}", place=ABROAD)).text


async def test_what_was_said_first_of_a_private_paper_stands(house: House) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    await house.say(f"teach {DRAFT.replace('confidential', 'DEFACED')}", BEN, BESIDE)
    await house.say(f"teach {DRAFT.replace('confidential', 'DEFACED')}", place=BESIDE)
    assert "DEFACED" not in (await house.say(f"abstract {TITLE}", place=HOME)).text
    assert await kept(house) == [TITLE]


@pytest.mark.parametrize("verb", ["abstract", "why", "similar", "more", "less", "save", "submit"])
async def test_an_id_that_leaked_opens_nothing_elsewhere(house: House, verb: str) -> None:
    await house.say(f"teach {DRAFT}", place=SECRET_ROOM)
    [line] = (await house.say("search nightingale", place=SECRET_ROOM)).lines[:1]
    assert line.paper_id.startswith(contributions.PREFIX)
    for place in (HOME, ABROAD):
        for told in (
            await house.say(f"{verb} {line.paper_id}", place=place),
            await house.app.service.act(place, ADA, Action("", verb, line.paper_id)),
        ):
            assert "Nightingale" not in str(told)
            assert not told.cards


async def test_what_was_given_to_a_channel_that_became_private_can_not_be_had_by_naming_it(house: House) -> None:
    await house.say(f"teach {forged(title=TITLE, doi='10.5555/n.1', abstract='Only for us.')}", place=HOME)
    await house.app.service.renamed(replace(HOME, private=True))
    await house.say(f"teach {forged(title='Some other title altogether', doi='10.5555/n.1')}", place=BESIDE)
    assert not await finds(house, BESIDE)
    told = await house.say("abstract 10.5555/n.1", place=BESIDE)
    assert "Only for us" not in str(told)
    assert "Some other title altogether" in str(told)
    assert await finds(house, HOME)


async def test_a_saved_paper_of_a_private_channel_can_be_dropped_elsewhere(house: House) -> None:
    mine = Place("fake", "ben", "T1", kind=PlaceKind.DIRECT)
    await house.say(f"teach {DRAFT}", place=SECRET_ROOM)
    await house.say(f"save {TITLE}", BEN, SECRET_ROOM)
    [entry] = (await house.app.service.home(mine, BEN)).saved
    told = await house.app.service.act(mine, ADA, entry.action)
    assert "Nightingale" not in told.text, "another's saved paper"
    assert "no longer among your saved" in (await house.app.service.act(mine, BEN, entry.action)).text
    assert not (await house.app.service.home(mine, BEN)).saved


async def test_a_source_that_gives_a_paper_the_id_of_a_private_one_costs_nobody_theirs(house: House) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    [line] = (await house.say("search nightingale", place=HOME)).lines[:1]
    good = Paper("feed-9", "A good paper in the same list as the odd one")
    await house.list_papers([Paper(line.paper_id, "A paper of an odd source with a long title"), good])
    assert await finds(house, HOME)
    assert (await house.say("abstract A good paper in the same list as the odd one", place=ABROAD)).ok


async def test_a_paper_that_is_taught_is_added_to_the_index_and_nothing_is_left_of_one_that_is_gone(
    house: House,
) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    assert await finds(house, HOME)
    channel = (await house.channel(HOME)).id
    before = await house.app.service._services.private.engine(channel)
    await house.say(f"teach {forged(title='Another xenolithic paper of our own')}", replace(BEN, manager=True), HOME)
    after = await house.app.service._services.private.engine(channel)
    assert before is after is not None
    assert len(after) == 2
    await house.say("forget me", BEN, HOME)
    assert await house.app.service.suggest(HOME, "search xenol") == []


# --- what can be done with it at home


async def test_a_private_paper_can_be_read_liked_saved_posted_and_compared_where_it_is_visible(house: House) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    [line] = (await house.say("search nightingale", place=BESIDE)).lines[:1]
    assert line.url == "https://intranet.example/n"
    assert "confidential until autumn" in (await house.say(f"abstract {line.paper_id}", place=BESIDE)).text
    assert "was taught here" in (await house.say(f"why {TITLE}", place=BESIDE)).text
    assert (await house.say(f"similar {TITLE}", place=BESIDE)).text.startswith("Most like “Dosing schedules")
    assert (await house.say(f"more {TITLE}", place=BESIDE)).text.startswith("Counted.")
    assert (await house.say(f"save {TITLE}", BEN, BESIDE)).text.startswith("Saved")
    assert [line.title for line in (await house.say("saved", BEN, BESIDE)).lines] == [TITLE]
    assert (await house.say(f"submit {TITLE}", place=BESIDE)).text == "Posted."
    assert TITLE in str(house.chat.shown["c2"])
    suggested = await house.app.service.suggest(BESIDE, "search dosing")
    assert f"search {TITLE}" in suggested
    assert await house.app.service.suggest(ABROAD, "search dosing") == []
    assert TITLE in str((await house.say("export", place=HOME)).attachment)


async def test_picks_follow_a_private_paper_and_say_so(house: House) -> None:
    await house.list_papers(demo_papers()[40:], house.clock.now.date() - timedelta(days=20))
    await house.say(f"teach {DRAFT}", place=HOME)
    await house.say("settings guess off", place=HOME)
    told = await house.say("today", place=HOME)
    assert all("federated" in card.title.lower() for card in told.cards[:3])
    assert "because you liked “Dosing schedules" in " ".join(card.why for card in told.cards)


async def test_a_search_with_a_slip_finds_a_private_paper_too(house: House) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    assert await finds(house, HOME, "nightingal dosing")


async def test_pages_of_a_search_show_each_paper_once(house: House) -> None:
    for number in range(8):
        entry = forged(title=f"Learning of our own, volume {number} of all", abstract="We learn.")
        await house.say(f"teach {entry}", place=HOME)
    seen: list[str] = []
    for offset in range(0, 60, 5):
        page = await house.app.service.act(HOME, ADA, Action("More", "search", "learning", offset))
        seen += [line.paper_id for line in page.lines]
    assert len(seen) == len(set(seen))
    assert sum(paper_id.startswith(contributions.PREFIX) for paper_id in seen) == 8
    first = (await house.say("search learning", place=HOME)).lines
    assert {line.paper_id.startswith(contributions.PREFIX) for line in first} == {True, False}


async def test_a_channel_can_be_given_only_so_many(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contributions, "MOST_IN_A_CHANNEL", 2)
    for number in range(2):
        assert (await house.say(f"teach {forged(title=f'Our own paper number {number}')}", place=HOME)).ok
    told = await house.say(f"teach {forged(title='One more than there is room for')}", place=HOME)
    assert not told.ok
    assert "as many as I keep" in told.text
    assert (await house.say(f"teach {KNOWN.id}", place=HOME)).ok


# --- how it goes


async def test_forget_me_deletes_what_one_member_alone_gave(house: House) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    await house.say(f"save {TITLE}", BEN, HOME)
    await house.say(f"more {TITLE}", BEN, BESIDE)
    await house.say(f"submit {TITLE}", place=BESIDE)
    await house.say("forget me", BEN, HOME)
    assert await kept(house) == [TITLE], "another's"
    await house.say("forget me", ADA, HOME)
    assert await kept(house) == []
    assert not await finds(house, HOME)
    async with house.store.read() as tx:
        for table in (tables.votes, tables.contributed_names, tables.contributions, tables.saved):
            assert (await tx.execute(sa.select(sa.func.count()).select_from(table))).scalar_one() == 0, table.name
    assert TITLE not in str(await house.posts(BESIDE))
    house.chat.shown["c2"].clear()
    await house.next_morning()
    await house.beat()
    assert all("Nightingale" not in str(one) for one in house.chat.shown["c2"])


async def test_what_two_members_gave_stays_until_both_are_forgotten(house: House) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    await house.say(f"teach {DRAFT}", replace(BEN, manager=True), BESIDE)
    await house.say("forget me", ADA, HOME)
    assert await finds(house, HOME)
    await house.say("forget me", BEN, HOME)
    assert await kept(house) == []


async def test_a_private_paper_that_waits_to_be_posted_is_not_after_it_was_forgotten(house: House) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    async with house.store.read() as tx:
        paper_id = await contributions.resolve(tx, TITLE, (await house.channel(HOME)).id)
        assert paper_id
        paper = await papers.get(tx, paper_id)
    assert paper
    await house.app.digests.plan_card(
        await house.channel(HOME), paper, DeliveryKind.SUBMISSION, "A member …", house.clock()
    )
    await house.say("forget me", ADA, HOME)
    await house.app.delivery_worker.deliver_all()
    assert "Nightingale" not in str(house.chat.shown["c1"])


@pytest.mark.parametrize("stands", [True, False], ids=["was posted", "was lost"])
async def test_a_private_paper_whose_post_is_uncertain_leaves_no_words_after_it_was_forgotten(
    house: House, *, stands: bool
) -> None:
    def fault(message: Message) -> None:
        if message.card:
            setattr(house.chat, "after" if stands else "before", None)
            raise Uncertain("nobody knows")

    await house.say(f"teach {DRAFT}", place=HOME)
    setattr(house.chat, "after" if stands else "before", fault)
    house.chat.unable_to_look_up = Uncertain("not now")
    assert (await house.say(f"submit {TITLE}", place=HOME)).text == "It is on its way."
    await house.say("forget me", ADA, HOME)
    house.chat.unable_to_look_up = None
    await house.beat_until_settled()
    assert "Nightingale" not in str(await house.posts(HOME))
    assert ("Nightingale" in str(house.chat.shown["c1"])) is stands


async def test_a_workspace_that_goes_takes_its_private_papers_along(house: House) -> None:
    for place in (HOME, SECRET_ROOM, ABROAD):
        await house.say(f"teach {DRAFT}", place=place)
    async with house.store.write() as tx:
        await installations.delete(tx, "fake", "T1")
    assert await kept(house) == [TITLE]
    assert await finds(house, ABROAD)


async def test_what_a_source_tells_of_a_paper_is_exported_and_what_members_say_is_not(house: House) -> None:
    await house.say(f"teach {DRAFT}", place=HOME)
    async with house.store.read() as tx:
        assert await papers.count(tx) == 40
        assert TITLE not in [paper.title for paper in await papers.page(tx, "", 1_000)]
    assert len(house.app.paper_index.engine) == 40
