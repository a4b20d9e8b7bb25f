"""The pages of mail before strangers: nothing changes on GET, nothing is told, and nothing breaks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.platforms.mail.platform import MailPlatform
from bot.store import subscriptions
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.fakes.smtp import mail_server
from tests.platforms.mail.mailbox import ADA, Browser, browsing, mail_platform
from tests.platforms.recording_service import RecordingService

KINDS = ("confirm", "off", "vote", "bounce")


@pytest.fixture
async def platform(sqlite_store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[MailPlatform]:
    async with mail_server() as server:
        made, _ = mail_platform(sqlite_store, server, clock, tmp_path / "key")
        made._pages.service = RecordingService()
        yield made
        await made.outbox.settled()
        await made._client.close()


@pytest.fixture
async def browser(platform: MailPlatform) -> AsyncIterator[Browser]:
    async with browsing(platform) as opened:
        yield opened


async def test_the_form_is_filled_as_the_link_to_it_says(browser: Browser) -> None:
    page = await browser.get('/mail?q=graphs+"of+x"')
    assert 'value="graphs &#34;of x&#34;"' in page.text
    assert re.search(r'id="search"[^>]* checked', page.text)
    assert re.search(r'id="channel"[^>]* checked', (await browser.get("/mail?link=" + "x" * 43)).text)
    assert re.search(r'id="trending"[^>]* checked', (await browser.get("/mail")).text)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"address": "nobody"}, "“nobody” is no mail address like you@example.org."),
        ({"address": '<b>"'}, "is no mail address"),
        ({"zone": "Atlantis"}, "“Atlantis” is no time zone I know"),
        ({"hour": "25:00"}, "The hour is one of 00:00"),
        ({"content": "everything"}, "Choose which papers"),
        ({"content": "search", "q": "  "}, "Which papers?"),
        ({"content": "channel", "link": "https://x/c/"}, "A channel's link ends in /c/ and a long word."),
        ({"content": "channel", "link": "https://x/c/" + "y" * 43}, "This link leads nowhere any more."),
        ({"token": "stale"}, "The form was open for long."),
        ({"token": ""}, "The form was open for long."),
    ],
)
async def test_a_wrong_field_is_told_above_the_filled_form(
    browser: Browser, fields: dict[str, str], problem: str
) -> None:
    values = {"address": ADA, "q": "kept words", **fields}
    page = await browser.subscribe(values.pop("address"), **values)
    assert page.status == 400
    assert problem in page.words.replace("&#39;", "'").replace("&#34;", '"')
    assert "<b>" not in page.text
    if "q" not in fields:
        assert "kept words" in page.text


async def test_a_form_of_yesterday_is_filled_in_once_more(browser: Browser, clock: Clock) -> None:
    token = (await browser.get("/mail")).text.partition('name="token" value="')[2].partition('"')[0]
    clock.advance(timedelta(days=1, minutes=2))
    fields = {"address": ADA, "content": "trending", "often": "daily", "hour": "09:00", "zone": "UTC", "token": token}
    assert (await browser.post("/mail", fields)).status == 400


async def test_one_client_asks_five_times_at_once(browser: Browser) -> None:
    pages = [await browser.subscribe(f"reader{number}@example.org") for number in range(6)]
    assert [page.status for page in pages] == [200] * 5 + [429]
    assert int(pages[-1].headers["Retry-After"]) > 0
    # A stranger can't name another client's address.
    again = await browser.post("/mail", {"address": ADA}, body=None, **{"X-Forwarded-For": "203.0.113.7"})
    assert again.status == 400


async def test_pages_behind_a_token_are_kept_from_caches_and_search_engines(
    platform: MailPlatform, browser: Browser
) -> None:
    off = platform._subscriptions.seal("off", "x")
    page = await browser.get(f"/mail/off/{off}")
    assert page.headers["Cache-Control"] == "no-store"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "script" not in page.headers["Content-Security-Policy"].replace("script-src 'none'", "")
    assert "<script" not in page.text


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_for_one_page_opens_no_other(platform: MailPlatform, browser: Browser, kind: str) -> None:
    for purpose in {"off", "vote", "form", "return"} - {kind}:
        token = platform._subscriptions.seal(purpose, "x", "y", "z", "1")
        for method in ("GET", "POST"):
            page = await browser.ask(method, f"/mail/{kind}/{token}")
            assert page.status in (404, 405, 410)


async def test_while_the_bot_starts_a_vote_waits(platform: MailPlatform, browser: Browser) -> None:
    platform._pages.service = None
    token = platform._subscriptions.seal("vote", "x", "1", "Title", "1")
    assert (await browser.post(f"/mail/vote/{token}")).status == 503


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]),
    kind=st.sampled_from(["", *(f"{kind}/" for kind in KINDS)]),
    tail=st.text(st.characters(codec="utf-8", exclude_characters="/?#\\\r\n"), max_size=60),
    query=st.text(st.characters(codec="ascii"), max_size=40),
    body=st.binary(max_size=300) | st.just(b"a=1&" * 8_000),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_request_breaks_a_page(
    browser: Browser, sqlite_store: Store, method: str, kind: str, tail: str, query: str, body: bytes
) -> None:
    from urllib.parse import quote

    path = f"/mail/{kind}{quote(tail) or 'x'}" if kind else "/mail"
    page = await browser.ask(method, f"{path}?{quote(query)}", data=body if method in ("POST", "PUT") else None)
    assert page.status < 500
    assert "Traceback" not in page.text
    async with sqlite_store.read() as tx:
        assert await subscriptions.every(tx) == []
