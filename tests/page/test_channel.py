"""The page of a channel behind its secret link."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from urllib.parse import quote, urlencode

import aiohttp
import pytest
import sqlalchemy as sa
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.model.messages import Place, PlaceKind
from bot.settings import load
from bot.store import installations, links
from bot.store.database import Store
from bot.store.states import ChannelState
from bot.store.tables import channels as channel_rows
from bot.website import website
from tests.fakes.clock import Clock
from tests.page.conftest import Answer, Site
from tests.support.harness import BEN, PLACE, BotHarness, demo_papers, harness_over, paper

PRIVATE = {"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}


@pytest.fixture
async def team(store: Store, clock: Clock) -> AsyncIterator[Site]:
    """The page over either database, with a channel that has had two digests."""
    web = load(None, {}).web.model_copy(update={"port": 0, "requests_per_minute": 0})
    bot = harness_over(store, clock, web=web)
    await bot.list_papers(demo_papers()[:40])
    await bot.invite()
    await bot.say("settings bar 0")
    await bot.next_morning()
    await bot.beat_until_settled()
    async with website(bot.app, required=True, clock=clock) as url, aiohttp.ClientSession() as client:
        yield Site(url, bot, client)


async def link_to(bot: BotHarness) -> str:
    """The path of the channel's page, behind a new link."""
    channel = await bot.channel()
    async with bot.store.write() as tx:
        return f"/c/{await links.make(tx, channel.id, 'ada', bot.clock())}"


def words(answer: Answer) -> str:
    """The text of a page without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def assert_private(answer: Answer) -> None:
    for name, value in PRIVATE.items():
        assert answer.headers[name] in (value, "no-store"), name
    assert "Set-Cookie" not in answer.headers
    assert "ETag" not in answer.headers


async def test_the_page_shows_the_picks_with_reasons_and_likes_but_no_names(team: Site) -> None:
    posts = [post.paper_id for post in await team.bot.posts() if post.paper_id]
    await team.bot.react(posts[0])
    await team.bot.react(posts[0], member="ben")
    await team.bot.react(posts[1], "👎")
    await team.bot.say("subscribe gaussian splatting")
    base = await link_to(team.bot)
    page = await team.get(base)
    assert page.status == 200
    assert_private(page)
    text = words(page)
    assert "#ml" in text
    assert text.count("👍 Likes: 2") == 1
    assert text.count("👎 Dislikes: 1") == 1
    assert "gaussian splatting" in text
    assert "Learned from 3 votes by 2 members and 1 topic." in text
    assert "ada" not in re.sub(r"[A-Za-z]*ada[a-z]+", "", page.text)  # neither is the member, nor their id, named
    for paper_id in posts:
        assert f'href="{base}/paper/{paper_id}"' in page.text
    assert page.text.count("<svg") == 2
    assert "In all: 1 of 5 liked (20%), 1 disliked" in text


async def test_a_quiet_day_says_why_and_days_are_paged(team: Site) -> None:
    for _ in range(9):
        await team.bot.next_morning()
        await team.bot.beat_until_settled()
    base = await link_to(team.bot)
    first, second = await team.get(base), await team.get(f"{base}?page=2")
    assert first.text.count('class="day"') == 5
    assert 'class="note"' in first.text
    assert f'href="{base}?page=2"' in first.text
    assert second.text.count('class="day"') == 5
    assert "<svg" not in second.text
    assert (await team.get(f"{base}?page=4")).status == 404
    assert (await team.get(f"{base}?page=x")).status == 404


async def test_the_next_digest_is_shown_as_it_would_be_now(team: Site) -> None:
    base = await link_to(team.bot)
    await team.bot.list_papers([paper(number) for number in range(3)])
    page = await team.get(f"{base}/next")
    assert paper(0).title in page.text
    await team.bot.next_morning()
    await team.bot.beat_until_settled()
    assert "Nothing yet:" in (await team.get(f"{base}/next")).text


async def test_the_search_ranks_for_the_channel_and_says_what_it_had(team: Site) -> None:
    posted = next(post.paper_id for post in await team.bot.posts() if post.paper_id)
    await team.bot.react(posted)
    base = await link_to(team.bot)
    title = next(each.title for each in demo_papers() if each.id == posted)
    found = await team.get(f"{base}/search?q={title[:40]}")
    assert found.status == 200
    assert f'href="{base}/paper/{posted}"' in found.text
    assert "posted 3 Mar, 1 👍" in words(found)
    assert 'aria-current="true">Best for this channel' in found.text
    assert 'aria-current="true">Best match' in (await team.get(f"{base}/search?q=model&order=query")).text
    assert "Type words" in (await team.get(f"{base}/search")).text
    assert (await team.get(f"{base}/search?q={'a' * 501}")).status == 413


async def test_a_papers_page_says_where_the_team_had_it_and_why(team: Site) -> None:
    posted = next(post.paper_id for post in await team.bot.posts() if post.paper_id)
    await team.bot.react(posted)
    base = await link_to(team.bot)
    page = await team.get(f"{base}/paper/{posted}")
    assert page.status == 200
    text = words(page)
    assert "Posted 3 Mar, 1 👍" in text
    assert "Fits this channel better than" in text
    assert "It was posted here today, 1 👍; no paper comes twice." in text
    by_link = await team.get(f"{base}/paper/https://arxiv.org/abs/{posted}v2")
    assert (by_link.status, by_link.headers["Location"]) == (302, f"{base}/paper/{posted}")
    assert (await team.get(f"{base}/paper/2599.99999")).status == 404
    assert (await team.get(f"{base}/paper/{'a' * 1_001}")).status == 404


async def test_a_revoked_link_ends_at_once_and_a_wrong_one_says_so(team: Site) -> None:
    base = await link_to(team.bot)
    paths = [base, f"{base}/next", f"{base}/search?q=graph", f"{base}/paper/{demo_papers()[0].id}"]
    for path in paths:
        assert (await team.get(path)).status == 200
    await team.bot.say("link revoke")
    for path in paths:
        gone = await team.get(path, **{"If-None-Match": "*"})
        assert gone.status == 410
        assert_private(gone)
        assert "This link has ended." in gone.text
        assert demo_papers()[0].title not in gone.text
    other = await link_to(team.bot)
    assert (await team.get(other)).status == 200
    assert (await team.get(base)).status == 410


async def test_a_workspace_that_removed_the_bot_has_no_page(team: Site) -> None:
    base = await link_to(team.bot)
    now = team.bot.clock()
    async with team.bot.store.write() as tx:
        row = dict.fromkeys(("name", "bot_user", "bot", "installer", "token", "refresh_token"), "")
        await installations.put(
            tx, PLACE.platform, "", **row, scopes=[], expires_at=None, installed_at=now, revoked_at=None,
            uninstalled_at=None,
        )  # fmt: skip
    assert (await team.get(base)).status == 200
    async with team.bot.store.write() as tx:
        assert await installations.revoke(tx, PLACE.platform, "", now, now, uninstalled=True)
    assert (await team.get(base)).status == 410
    async with team.bot.store.write() as tx:
        await installations.delete(tx, PLACE.platform, "", now)
    assert (await team.get(base)).status == 404


async def test_wrong_secrets_get_one_page_and_too_many_have_to_wait(site: Site) -> None:
    pages = [await site.get(f"/c/{secrets.token_urlsafe(32)}{path}") for path in ("", "/next", "/search?q=a")]
    assert {page.status for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    for page in pages:
        assert_private(page)
    statuses = [(await site.get(f"/c/{secrets.token_urlsafe(32)}")).status for _ in range(30)]
    assert statuses[-1] == 429
    await site.bot.invite()
    base = await link_to(site.bot)
    assert (await site.get(base)).status == 200  # whoever has a link is not locked out by others behind one address


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=120), st.sampled_from(["", "/next"]))
async def test_no_token_of_any_form_opens_a_page_or_breaks_it(site: Site, token: str, path: str) -> None:
    page = await site.get(f"/c/{quote(token, safe='')}{path}")
    assert page.status in (404, 429)


ODD_TEXTS = ["1e9", "-1", "x" * 1_200, "\0", "a/../b", "%", "ä" * 180]
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(ODD_TEXTS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["", "/next", "/search", "/paper/", "/"]),
    ANY_TEXT,
    st.dictionaries(st.sampled_from(["q", "page", "order", "sort"]), ANY_TEXT),
    st.sampled_from(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]),
    st.sampled_from([{}, {"Host": "evil.example"}, {"X-Forwarded-For": "::1, x"}, {"If-Modified-Since": "x" * 99}]),
)
async def test_no_request_below_a_link_breaks_the_page(
    site: Site, path: str, rest: str, query: dict[str, str], method: str, headers: dict[str, str]
) -> None:
    await site.bot.invite()
    base = await link_to(site.bot)
    url = f"{base}{path}{quote(rest, safe='')}?{urlencode(query)}"
    answer = await site.ask(method, url, headers=headers)
    assert answer.status < 500, (url, answer.text)
    assert "Traceback" not in answer.text
    assert "evil.example" not in answer.text
    if answer.status != 400:  # aiohttp answers a request that is no HTTP without the app
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"


async def test_every_answer_below_the_link_is_private_also_of_wrong_methods(team: Site) -> None:
    base = await link_to(team.bot)
    for method, path, status in (
        ("POST", base, 405),
        ("PUT", f"{base}/search", 405),
        ("GET", f"{base}/nothing", 404),
        ("GET", "/c/", 404),
        ("GET", f"{base}/search?q=a&page=200", 404),
    ):
        answer = await team.ask(method, path)
        assert answer.status == status, path
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Cache-Control"] in ("no-store", "private, no-cache")


async def test_the_secret_is_in_no_log(team: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    base = await link_to(team.bot)
    token = base.removeprefix("/c/")
    with structlog.testing.capture_logs() as lines:
        for path in ("", "/next", "/search?q=a", "/nothing", "/paper/nothing"):
            await team.get(base + path)
        await team.bot.store.close()  # every page fails now
        for path in ("", "/next", "/search?q=a"):
            await team.get(base + path)
    assert token not in caplog.text
    assert token not in repr(lines)


async def test_what_others_wrote_is_escaped(team: Site) -> None:
    async with team.bot.store.write() as tx:
        await tx.execute(sa.update(channel_rows).values(name="<b>ml</b>", state=ChannelState.LOST, state_reason="<i>"))
    await team.bot.say('subscribe "<script>alert(1)</script>"')
    base = await link_to(team.bot)
    for path in ("", "/next", "/search?q=<script>alert(1)</script>"):
        page = await team.get(base + path)
        assert page.status == 200
        for bad in ("<script", "<b>ml", "<i>"):
            assert bad not in page.text


async def test_links_that_lead_away_send_no_referrer(team: Site) -> None:
    base = await link_to(team.bot)
    posted = next(post.paper_id for post in await team.bot.posts() if post.paper_id)
    for path in ("", "/next", "/search?q=model", f"/paper/{posted}"):
        page = await team.get(base + path)
        for tag in re.findall(r"<a [^>]*href=\"https?:[^>]*>", page.text):
            assert 'rel="noreferrer"' in tag


async def test_a_member_of_no_channel_sees_their_own_papers(site: Site) -> None:
    home = Place("fake", "ben", name="Ben B", kind=PlaceKind.DIRECT)
    await site.bot.list_papers([paper(1)])
    await site.bot.say("subscribe robots", BEN, home)
    channel = await site.bot.channel(home)
    async with site.bot.store.write() as tx:
        base = f"/c/{await links.make(tx, channel.id, 'ben', site.bot.clock() - timedelta(days=1))}"
    page = await site.get(base)
    assert "Your papers" in page.text
    assert "Ben B" not in page.text
    assert "Nothing has been posted here yet." in page.text
