"""A channel's feed behind its secret link, and ids of entries that outlive merges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from bot.model.messages import Place
from bot.page import atom
from bot.store import contributions, links, listings, papers
from bot.store.database import Store
from bot.store.tables import installations
from recommender import Paper
from tests.page.conftest import Site
from tests.page.test_feeds import parsed
from tests.support.harness import PLACE, paper

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


async def link(site: Site, place: Place = PLACE) -> str:
    """The token of a new link to a channel."""
    channel = await site.bot.channel(place)
    async with site.bot.store.write() as tx:
        token = await links.make(tx, channel.id, "ada", site.bot.clock())
    assert token
    return token


async def post_digest(site: Site, first: int, place: Place = PLACE) -> None:
    """A digest of new papers in a channel."""
    await site.bot.list_papers([paper(number, upvotes=number) for number in range(first, first + 12)])
    await site.bot.next_morning()
    await site.bot.beat_until_settled()


async def test_a_channel_feed_has_its_picks_with_their_reasons(site: Site) -> None:
    await site.bot.invite()
    await post_digest(site, 0)
    picks = [post for post in await site.bot.posts() if post.paper_id]
    answer = await site.get(f"/feeds/c/{await link(site)}.atom")
    feed = parsed(answer)
    assert feed.feed.title == "Papers for #ml · Paperboy"
    assert {entry.id for entry in feed.entries} == {atom.entry_id(post.paper_id or "") for post in picks}
    assert all(entry.updated == f"{picks[0].sent_at:%Y-%m-%dT%H:%M:%SZ}" for entry in feed.entries)
    why = [post.body["card"]["why"] for post in picks]
    assert any(why)
    contents = " ".join(entry.content[0].value for entry in feed.entries)
    assert all(reason[1:].split(":")[0] in contents for reason in why if reason)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"


async def test_a_compact_digest_is_in_the_feed_too(site: Site) -> None:
    await site.bot.invite()
    await site.bot.say("set style=compact")
    await post_digest(site, 0)
    feed = parsed(await site.get(f"/feeds/c/{await link(site)}.atom"))
    assert len(feed.entries) > 1
    assert any("<em>" in entry.content[0].value for entry in feed.entries)


async def test_papers_that_stay_keep_their_id_and_order(site: Site) -> None:
    await site.bot.invite()
    await post_digest(site, 0)
    token = await link(site)
    first = [entry.id for entry in parsed(await site.get(f"/feeds/c/{token}.atom")).entries]
    await post_digest(site, 20)
    both = [entry.id for entry in parsed(await site.get(f"/feeds/c/{token}.atom")).entries]
    assert len(both) > len(first)
    assert both[len(both) - len(first) :] == first


async def test_a_channel_feed_is_sent_once_and_a_new_link_keeps_its_id(site: Site) -> None:
    await site.bot.invite()
    await post_digest(site, 0)
    path = f"/feeds/c/{await link(site)}.atom"
    answer = await site.get(path)
    again = await site.get(path, **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.headers["Cache-Control"]) == (304, "private, no-cache")
    renewed = await site.get(f"/feeds/c/{await link(site)}.atom")
    assert parsed(renewed).feed.id == parsed(answer).feed.id


async def test_a_revoked_link_is_gone_and_an_invented_one_is_unknown(site: Site) -> None:
    await site.bot.invite()
    token = await link(site)
    channel = await site.bot.channel()
    async with site.bot.store.write() as tx:
        await links.revoke(tx, channel.id, site.bot.clock())
    revoked = await site.get(f"/feeds/c/{token}.atom", Accept="*/*")
    assert revoked.status == 410
    assert "This link has ended" in revoked.text
    for invented in ("x", "A" * 43, "%00", "..", "é", "A" * 3_000):
        answer = await site.get(f"/feeds/c/{invented}.atom")
        assert answer.status == 404, invented
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"


async def test_the_feed_ends_where_the_workspace_removed_the_bot(site: Site) -> None:
    await site.bot.invite()
    path, now = f"/feeds/c/{await link(site)}.atom", site.bot.clock()
    assert (await site.get(path)).status == 200
    async with site.bot.store.write() as tx:
        row = {"platform": PLACE.platform, "workspace": PLACE.workspace, "name": "", "bot_user": "", "bot": ""}
        more = {"installer": "", "scopes": [], "token": "", "refresh_token": "", "installed_at": now}
        await tx.execute(sa.insert(installations).values(**row, **more, uninstalled_at=now))
    assert (await site.get(path)).status == 410


async def test_a_private_paper_is_in_its_channels_feed_alone(site: Site) -> None:
    await site.bot.invite()
    other_place = Place("fake", "c2", name="other")
    await site.bot.invite(other_place)
    channel = await site.bot.channel()
    secret = Paper(
        "x", "A secret manuscript about graphs and their proofs", "Nobody may read this.", url="https://s.x/1"
    )
    async with site.bot.store.write() as tx:
        paper_id = await contributions.give(tx, channel, "ada", secret, site.bot.clock())
    assert paper_id
    await site.bot.say("submit https://s.x/1")
    await site.bot.beat_until_settled()
    feed = parsed(await site.get(f"/feeds/c/{await link(site)}.atom"))
    entries = [entry for entry in feed.entries if entry.title == secret.title]
    assert len(entries) == 1
    assert "/paper/" not in str(entries[0].links)
    for path in (
        f"/feeds/c/{await link(site, other_place)}.atom",
        "/feeds/day.atom",
        "/feeds/trending.atom",
        "/feeds/search.atom?q=secret+manuscript",
    ):
        assert "secret manuscript about" not in (await site.get(path)).text, path


async def test_two_posts_of_one_paper_are_one_entry_under_its_first_id(site: Site) -> None:
    title = "A very long and telling title of one and the same work on graphs"
    await site.bot.invite()
    await site.bot.list_papers([Paper("blog-7", title, url="https://blog.example/7", upvotes=9)])
    await site.bot.next_morning()
    await site.bot.beat_until_settled()
    token = await link(site)
    [before] = parsed(await site.get(f"/feeds/c/{token}.atom")).entries
    day_before = [entry.id for entry in parsed(await site.get("/feeds/day.atom")).entries]
    await site.bot.list_papers([Paper("2603.00077", "Another title of it, which differs in all its words", upvotes=9)])
    await site.bot.next_morning()
    await site.bot.beat_until_settled()
    assert len(parsed(await site.get(f"/feeds/c/{token}.atom")).entries) == 2
    # The source now gives both the same title: they are one paper, under the stronger id.
    await site.bot.list_papers([Paper("2603.00077", title, upvotes=9)])
    [after] = parsed(await site.get(f"/feeds/c/{token}.atom")).entries
    assert after.id == before.id
    assert [entry.id for entry in parsed(await site.get("/feeds/day.atom")).entries] == day_before


async def test_the_first_id_survives_several_merges(store: Store) -> None:
    title = "One work that three servers list one after the other, with one title"
    async with store.write() as tx:
        for at, name in enumerate(("blog-7", "doi:10.1234/abc", "2603.00077")):
            listed = Paper(name, title)
            await papers.record(tx, [listed], NOW + timedelta(hours=at), {name: date(2026, 3, 2)})
    async with store.read() as tx:
        births = await listings.births(tx, ["2603.00077", "blog-7", "doi:10.1234/abc"])
    assert {paper_id: birth.first_id for paper_id, birth in births.items()} == {"2603.00077": "blog-7"}
