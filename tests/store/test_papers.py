from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bot.store import deliveries, delivery_plans, exposures, metadata, papers, pick_log, saved, votes
from bot.store.database import Store
from bot.store.delivery_plans import Draft
from bot.store.pick_log import LoggedPick
from bot.store.states import DeliveryKind, PostState
from bot.store.tables import clean_name, paper_names, posts
from bot.store.votes import Vote
from recommender.paper import Paper
from tests.fakes.clock import Clock
from tests.store.whole import START, add_channel

TITLE = "Federated learning with many silent clients"
OTHER = "A second title that is long enough to tell"
DAY = date(2026, 3, 2)


async def record(store: Store, *new_papers: Paper, listed: dict[str, date] | None = None) -> papers.Recorded:
    async with store.write() as tx:
        return await papers.record(tx, new_papers, START, listed)


async def all_ids(store: Store) -> list[str]:
    async with store.read() as tx:
        return [paper.id for paper in await papers.page(tx, "", 1_000)]


@pytest.mark.parametrize(
    "again",
    [
        Paper("2310.01234v3", TITLE),
        Paper("https://arxiv.org/pdf/2310.01234v2.pdf", "An entirely different title of it"),
        Paper("https://huggingface.co/papers/2310.01234", ""),
        Paper("some-feed-guid", "", url="https://arxiv.org/abs/2310.01234"),
        Paper("10.48550/arXiv.2310.01234", "x"),
        Paper("https://doi.org/10.1145/ABC.1", ""),
        Paper("rss-17", "FEDERATED LEARNING: with many, silent clients!"),
    ],
    ids=lambda paper: paper.id,
)
async def test_a_paper_is_stored_once_whatever_its_name(store: Store, again: Paper) -> None:
    first = await record(store, Paper("2310.01234v1", TITLE, doi="10.1145/abc.1"))
    assert (first.ids, first.new) == (["2310.01234"], 1)
    second = await record(store, again)
    assert (second.ids, second.new) == (["2310.01234"], 0)
    assert await all_ids(store) == ["2310.01234"]


async def test_recording_a_paper_twice_changes_nothing(store: Store) -> None:
    paper = Paper(
        "2310.01234", TITLE, "An abstract.", ("A", "B"), ("cs.LG",), DAY, 3, 1, "Org", "https://x.org", "10.1/x"
    )
    await record(store, paper)
    again = await record(store, paper)
    assert (again.new, again.changed) == (0, 0)
    async with store.read() as tx:
        assert await papers.get(tx, "2310.01234") == paper
        assert [revision for revision, _ in await papers.changed_since(tx, 0, 10)] == [1]


async def test_recording_merges_new_facts_into_a_stored_paper(store: Store) -> None:
    await record(store, Paper("2310.01234", TITLE, "Short.", ("A",), ("cs.LG",), DAY, 2))
    later = Paper("2310.01234v2", "Retitled in version two, at length", "A longer abstract.", ("A", "B"), ("stat.ML",))
    result = await record(store, later)
    assert (result.new, result.changed) == (0, 1)
    async with store.read() as tx:
        paper = await papers.get(tx, "2310.01234")
    assert paper == Paper(
        "2310.01234", TITLE, "A longer abstract.", ("A", "B"), ("cs.LG", "stat.ML"), DAY, 2
    )  # fmt: skip


async def test_two_listings_of_a_paper_keep_the_links_of_both(store: Store) -> None:
    from_feed = Paper("x", TITLE, pdf_url="https://e.org/1.pdf", code_url="https://e.org/code", source="A journal")
    from_huggingface = Paper(
        "2310.01234",
        TITLE,
        code_url="https://github.com/a/b",
        project_url="https://a.github.io",
        discussion_url="https://huggingface.co/papers/2310.01234",
    )
    await record(store, from_feed)
    await record(store, from_huggingface)
    await record(store, Paper("2310.01234", TITLE))
    async with store.read() as tx:
        paper = await papers.get(tx, "2310.01234")
    assert paper
    assert (paper.code_url, paper.pdf_url, paper.source) == (from_feed.code_url, from_feed.pdf_url, "A journal")
    assert (paper.project_link, paper.discussion_link) == (
        from_huggingface.project_url,
        from_huggingface.discussion_url,
    )
    assert paper.pdf_link == "https://arxiv.org/pdf/2310.01234"


async def test_a_link_that_can_not_be_followed_is_not_stored(store: Store) -> None:
    hostile = "https://github.com@evil.example/x"
    await record(store, Paper("2310.01234", TITLE, code_url=hostile, project_url="file:///x", pdf_url="x" * 3_000))
    await record(store, Paper("2310.01234", TITLE, code_url="https://github.com/a/b"))
    async with store.read() as tx:
        paper = await papers.get(tx, "2310.01234")
    assert paper
    assert (paper.code_url, paper.project_url, paper.pdf_url) == ("https://github.com/a/b", "", "")


async def test_a_withdrawn_paper_stays_one_and_is_no_news(store: Store) -> None:
    listed = {"2603.00001": DAY, "2603.00002": DAY, "2603.00003": DAY}
    shown = Paper("2603.00001", TITLE, "A long abstract of what was found.")
    await record(store, shown, Paper("2603.00002", OTHER), Paper("2603.00003", "X", withdrawn=True), listed=listed)
    await record(store, Paper("2603.00001", TITLE, "Withdrawn.", withdrawn=True), Paper("2603.00001", TITLE))
    async with store.read() as tx:
        paper = await papers.get(tx, "2603.00001")
        news = await papers.news(tx, DAY, DAY)
    assert paper
    assert (paper.withdrawn, paper.abstract) == (True, shown.abstract)
    assert news == ["2603.00002"]


async def test_the_same_title_under_two_arxiv_ids_is_two_papers(store: Store) -> None:
    result = await record(store, Paper("2310.01234", TITLE), Paper("2401.00001", TITLE))
    assert (result.ids, result.new) == (["2310.01234", "2401.00001"], 2)


async def test_papers_with_the_same_short_title_are_not_merged(store: Store) -> None:
    result = await record(store, Paper("feed-1", "Editorial"), Paper("feed-2", "Editorial"))
    assert (result.ids, result.new) == (["feed-1", "feed-2"], 2)
    assert (await record(store, Paper("feed-2", "Editorial"))).ids == ["feed-2"]


async def test_papers_without_an_id_are_identified_by_their_titles(store: Store) -> None:
    result = await record(store, Paper("", "Editorial"), Paper("", "A reply"), Paper("", TITLE))
    assert result.new == 3
    assert all(result.ids)


async def test_duplicates_within_a_batch_are_merged(store: Store) -> None:
    result = await record(
        store, Paper("feed-9", TITLE), Paper("2310.01234", TITLE, "Abstract."), Paper("2310.01234v2", "")
    )
    assert (result.new, result.changed, len(set(result.ids))) == (1, 0, 1)
    assert await all_ids(store) == [result.ids[0]]


async def test_a_paper_merged_later_in_its_batch_is_returned_under_the_surviving_id(store: Store) -> None:
    result = await record(
        store,
        Paper("10.1145/abc.1", OTHER),
        Paper("2310.01234", TITLE),
        Paper("2310.01234", TITLE, doi="10.1145/abc.1"),
    )
    assert result.ids == ["2310.01234"] * 3
    assert (result.new, result.changed, result.merged) == (1, 0, ["doi:10.1145/abc.1"])
    assert await all_ids(store) == ["2310.01234"]


async def test_a_chain_of_merges_in_one_batch_ends_at_one_paper(store: Store) -> None:
    await record(store, Paper("feed-3", "A third title that is long enough too"))
    result = await record(
        store,
        Paper("10.1145/abc.1", OTHER),
        Paper("10.1145/abc.1", "A third title that is long enough too"),
        Paper("2310.01234", TITLE),
        Paper("2310.01234", TITLE, doi="10.1145/abc.1"),
    )
    assert len(set(result.ids)) == 1
    assert await all_ids(store) == [result.ids[0]]
    async with store.read() as tx:
        for name in ("feed-3", "doi:10.1145/abc.1", "arXiv:2310.01234", TITLE, OTHER):
            assert await papers.resolve(tx, name) == result.ids[0]


async def test_a_new_title_merges_a_paper_with_its_duplicate(store: Store) -> None:
    await record(store, Paper("2310.01234", OTHER))
    await record(store, Paper("feed-1", TITLE))
    assert (await record(store, Paper("2310.01234v2", TITLE))).merged == ["feed-1"]
    assert (await record(store, Paper("feed-1", "Editorial"))).ids == ["2310.01234"]
    assert (await record(store, Paper("feed-1", "Editorial"))).ids == ["2310.01234"]


async def test_a_merge_of_two_stored_papers_keeps_votes_saved_posts_and_names(store: Store) -> None:
    await record(store, Paper("2310.01234", TITLE), Paper("10.1145/abc.1", OTHER), listed={"10.1145/abc.1": DAY})
    duplicate, later = "doi:10.1145/abc.1", START + timedelta(hours=1)
    async with store.write() as tx:
        first, second = await add_channel(tx, "C1"), await add_channel(tx, "C2")
        await delivery_plans.plan(tx, first.id, DAY, DeliveryKind.DIGEST, START, [Draft({}, duplicate)], START)
        await delivery_plans.plan(
            tx, second.id, DAY, DeliveryKind.DIGEST, START, [Draft({}, duplicate), Draft({}, "2310.01234")], START
        )
        await votes.put(tx, Vote(first.id, duplicate, "ada", "👍", True, START))
        await votes.put(tx, Vote(second.id, duplicate, "bob", "🔥", False, later))
        await votes.put(tx, Vote(second.id, "2310.01234", "bob", "🔥", True, START))
        await votes.put(tx, Vote(second.id, duplicate, "cy", "🔥", True, START))
        await votes.put(tx, Vote(second.id, "2310.01234", "cy", "🔥", False, later))
        for planned in (await deliveries.for_channel(tx, first.id), await deliveries.for_channel(tx, second.id)):
            upvoted = "2310.01234" if planned[0].channel_id == second.id else duplicate
            picks = pick_log.merged([LoggedPick(duplicate, fit=0.9)], [upvoted])
            await pick_log.record(tx, {planned[0].id: picks})
        await saved.put(tx, "slack", "W", "ada", duplicate, START)
        await saved.put(tx, "slack", "W", "bob", duplicate, later)
        await saved.put(tx, "slack", "W", "bob", "2310.01234", START)
    result = await record(store, Paper("2310.01234", TITLE, doi="10.1145/abc.1"))
    assert result.merged == [duplicate]
    async with store.read() as tx:
        assert [paper.id for paper in await papers.page(tx, "", 9)] == ["2310.01234"]
        assert await papers.resolve(tx, OTHER) == "2310.01234"
        assert await papers.resolve(tx, "10.1145/ABC.1") == "2310.01234"
        assert await votes.for_channel(tx, first.id) == [Vote(first.id, "2310.01234", "ada", "👍", True, START)]
        assert await votes.for_channel(tx, second.id) == []
        assert await pick_log.for_channel(tx, first.id) == [LoggedPick("2310.01234", 1, 0.9, upvoted=1, day=DAY)]
        assert await pick_log.for_channel(tx, second.id) == [LoggedPick("2310.01234", 1, 0.9, day=DAY)]
        assert await saved.for_member(tx, "slack", "W", "ada") == [("2310.01234", START)]
        assert len(await saved.for_member(tx, "slack", "W", "bob")) == 1
        assert [post.paper_id for post in await deliveries.posts_in_channel(tx, first.id)] == ["2310.01234"]
        assert {post.paper_id: post.state for post in await deliveries.posts_in_channel(tx, second.id)} == {
            "2310.01234": PostState.PLANNED,
            None: PostState.DROPPED,
        }
        assert await papers.listed_on(tx, ["2310.01234"]) == {"2310.01234": DAY}
        assert await papers.news(tx, DAY, DAY, 0, START - timedelta(seconds=1)) == ["2310.01234"]


async def test_a_paper_takes_the_stronger_id_and_keeps_votes_and_news(store: Store) -> None:
    await record(store, Paper("feed-1", TITLE, upvotes=3), listed={"feed-1": DAY})
    async with store.write() as tx:
        channel = await add_channel(tx)
        await votes.put(tx, Vote(channel.id, "feed-1", "ada", "👍", True, START))
    assert (await record(store, Paper("10.1145/abc.1", TITLE))).merged == ["feed-1"]
    result = await record(store, Paper("2310.01234", TITLE, upvotes=7), listed={"2310.01234": DAY + timedelta(1)})
    assert (result.ids, result.merged) == (["2310.01234"], ["doi:10.1145/abc.1"])
    assert (await record(store, Paper("2401.00001", TITLE))).new == 1  # by its arXiv id another paper
    async with store.read() as tx:
        assert await papers.get(tx, "2310.01234") == Paper("2310.01234", TITLE, upvotes=7, doi="10.1145/abc.1")
        assert await papers.listed_on(tx, ["2310.01234"]) == {"2310.01234": DAY}
        assert await papers.resolve(tx, "feed-1") == "2310.01234"
        assert [vote.paper_id for vote in await votes.for_channel(tx, channel.id)] == ["2310.01234"]


@pytest.mark.parametrize("sent_first", ["2310.01234", "doi:10.1145/abc.1"])
async def test_after_a_merge_the_sent_post_keeps_the_paper_and_the_planned_one_is_dropped(
    store: Store, sent_first: str
) -> None:
    await record(store, Paper("2310.01234", TITLE), Paper("10.1145/abc.1", OTHER))
    async with store.write() as tx:
        channel = await add_channel(tx)
        both = [Draft({}, "2310.01234"), Draft({}, "doi:10.1145/abc.1")]
        await delivery_plans.plan(tx, channel.id, DAY, DeliveryKind.DIGEST, START, both, START)
        await tx.execute(sa.update(posts).where(posts.c.paper_id == sent_first).values(state=PostState.SENT))
    await record(store, Paper("2310.01234", TITLE, doi="10.1145/abc.1"))
    async with store.write() as tx:
        paper_by_state = {post.state: post.paper_id for post in await deliveries.posts_in_channel(tx, channel.id)}
        assert paper_by_state == {PostState.SENT: "2310.01234", PostState.DROPPED: None}
        again = await delivery_plans.plan(
            tx, channel.id, DAY + timedelta(1), DeliveryKind.DIGEST, START, [Draft({}, "2310.01234")], START
        )
        assert again
        assert len(await deliveries.posts_in_channel(tx, channel.id)) == 2


ARXIV, DOI = "2310.01234", "doi:10.1145/abc.1"


@pytest.mark.parametrize("sent", [PostState.SENT, PostState.PLANNED])
async def test_after_a_merge_a_numbered_line_keeps_the_paper_and_the_planned_card_is_dropped(
    store: Store, sent: PostState
) -> None:
    await record(store, Paper(ARXIV, TITLE), Paper("10.1145/abc.1", OTHER))
    async with store.write() as tx:
        channel = await add_channel(tx)
        both = [Draft({}, ARXIV), Draft({}, numbered=(DOI,))]
        await delivery_plans.plan(tx, channel.id, DAY, DeliveryKind.DIGEST, START, both, START)
        await tx.execute(sa.update(posts).where(posts.c.paper_id.is_(None)).values(state=sent))
    await record(store, Paper(ARXIV, TITLE, doi="10.1145/abc.1"))
    async with store.read() as tx:
        card, listed = await deliveries.posts_in_channel(tx, channel.id)
        assert (card.state, card.paper_id) == (PostState.DROPPED, None)
        assert await exposures.by_number(tx, channel.id) == {(listed.id, 1): ARXIV}


async def test_after_a_merge_one_numbered_line_or_the_sent_card_keeps_the_paper(store: Store) -> None:
    await record(store, Paper(ARXIV, TITLE), Paper("10.1145/abc.1", OTHER))
    async with store.write() as tx:
        first, second = await add_channel(tx), await add_channel(tx, "C2")
        await delivery_plans.plan(
            tx, first.id, DAY, DeliveryKind.DIGEST, START, [Draft({}, numbered=(DOI, ARXIV))], START
        )
        await delivery_plans.plan(
            tx, second.id, DAY, DeliveryKind.DIGEST, START, [Draft({}, DOI), Draft({}, numbered=(ARXIV,))], START
        )
        await tx.execute(sa.update(posts).where(posts.c.paper_id == DOI).values(state=PostState.SENT))
    await record(store, Paper(ARXIV, TITLE, doi="10.1145/abc.1"))
    async with store.read() as tx:
        assert list((await exposures.by_number(tx, first.id)).values()) == [ARXIV]
        assert [post.paper_id for post in await deliveries.posts_in_channel(tx, second.id)] == [ARXIV, None]
        assert await exposures.by_number(tx, second.id) == {}


async def test_a_paper_is_listed_on_the_earliest_day_it_was_news(store: Store) -> None:
    paper = Paper("2310.01234", TITLE)
    await record(store, paper)
    async with store.read() as tx:
        assert await papers.listed_on(tx, ["2310.01234"]) == {}
    for day in (DAY, DAY - timedelta(3), DAY + timedelta(1)):
        await record(store, paper, listed={"2310.01234": day})
    async with store.read() as tx:
        assert await papers.listed_on(tx, ["2310.01234", "nothing"]) == {"2310.01234": DAY - timedelta(3)}
        assert await papers.news(tx, DAY - timedelta(3), DAY) == ["2310.01234"]
        assert await papers.news(tx, DAY, DAY + timedelta(9)) == []


async def test_a_paper_that_becomes_news_by_a_merge_gets_a_news_revision(store: Store) -> None:
    await record(store, Paper("2310.01234", TITLE))
    async with store.read() as tx:
        before = await metadata.revision(tx)
    both = Paper("10.1145/abc.1", OTHER), Paper("2310.01234", TITLE, doi="10.1145/abc.1")
    result = await record(store, *both, listed={"10.1145/abc.1": DAY})
    assert result.merged == ["doi:10.1145/abc.1"]
    async with store.read() as tx:
        assert await papers.news(tx, DAY, DAY, before) == ["2310.01234"]
        assert await papers.news(tx, DAY, DAY, await metadata.revision(tx)) == []


async def test_changed_since_gives_whole_batches_in_order(store: Store) -> None:
    batches = [[Paper(f"2310.{batch}{n:04}", f"Paper {batch} {n}") for n in range(4)] for batch in range(3)]
    for batch in batches:
        await record(store, *batch)
    await record(store, Paper("2310.00001", "", "Now with an abstract."))
    ids_by_call, revision = [], 0
    async with store.read() as tx:
        while changes := await papers.changed_since(tx, revision, 2):
            revisions = [number for number, _ in changes]
            assert revisions == sorted(revisions)
            assert revision < revisions[0]
            revision = revisions[-1]
            ids_by_call.append([paper.id for _, paper in changes])
    assert ids_by_call == [
        ["2310.00000", "2310.00002", "2310.00003"],
        [paper.id for paper in batches[1]],
        [paper.id for paper in batches[2]],
        ["2310.00001"],
    ]


@pytest.mark.parametrize(
    "text", ["", "   ", "nothing", "\0", "\ud800", "x" * 10_000, "10.1145/" + "y" * 10_000, "🎲" * 4_000]
)
async def test_resolve_gives_none_for_unknown_names(store: Store, text: str) -> None:
    async with store.read() as tx:
        assert await papers.resolve(tx, text) is None
        assert await papers.get(tx, text) is None


@pytest.mark.parametrize(
    "paper",
    [
        Paper("a\0b", "T\0itle \ud800 with what no database takes", "\0", ("\udfff",), ("\0",), None, 2**70, -5, "\0"),
        Paper("z" * 10_000, "Editorial", url="u" * 10_000),
        Paper("".join(chr(0x4E00 + n) for n in range(10_000)), "Editorial"),
        Paper("10.1145/" + "".join(chr(97 + n * n % 26) for n in range(10_000)), "Editorial", "x" * 1_000_000),
        Paper("feed-1", "Editorial", doi="10.1145/" + "".join(chr(97 + n * n % 26) for n in range(10_000))),
        Paper("10.1/x", "Editorial", code_url="x\0" * 10_000, pdf_url="javascript:alert(1)", source="\0\ud800"),
        Paper("", ""),
    ],
    ids=["nul", "long", "long-wide", "long-doi", "long-doi-field", "links", "nothing"],
)
async def test_hostile_papers_are_stored_once_and_found_again(store: Store, paper: Paper) -> None:
    first = await record(store, paper)
    again = await record(store, paper)
    assert (first.new, again.new, again.changed) == (1, 0, 0)
    assert first.ids == again.ids
    async with store.read() as tx:
        assert await papers.get(tx, first.ids[0])
        assert await papers.count(tx) == 1
        named = await tx.execute(sa.select(paper_names.c.name).where(paper_names.c.paper_id == first.ids[0]))
        assert all(len(name.encode()) <= 500 for name in named.scalars())


@given(st.text())
def test_clean_name_is_idempotent_and_bounded(text: str) -> None:
    for name in (clean_name(text), clean_name(text * 400)):
        assert clean_name(name) == name
        assert len(name.encode()) <= 500


async def test_thousands_of_papers_are_recorded_within_the_limit_of_a_statement(
    sqlite_store: Store, clock: Clock
) -> None:
    many = [Paper(f"2310.{number:05}", f"A paper with number {number} of many") for number in range(3_000)]
    assert (await record(sqlite_store, *many)).new == 3_000
    async with sqlite_store.read() as tx:
        assert len(await papers.get_many(tx, (paper.id for paper in many))) == 3_000
