"""The fetcher: conditional requests, limits, retries, redirects and the pace of a host."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from bot.sources.base import BadAddress, RateLimited, Refused, SourceError, TimedOut, TooLarge, Unreachable, Unreadable
from bot.sources.fetch import Fetcher, Limits
from tests.sources.conftest import START, FakeTime
from tests.support.paper_sources import PaperSources, Reply, packed


async def test_the_body_and_charset_are_returned_unchanged(server: PaperSources, fetcher: Fetcher) -> None:
    url = server.answer(
        "/a", Reply("grüß dich".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"})
    )
    answer = await fetcher.get(url, trusted=True)
    assert (answer.url, answer.status, answer.body, answer.charset) == (url, 200, b"gr\xfc\xdf dich", "latin-1")
    assert answer.host == "127.0.0.1"


async def test_requests_carry_the_user_agent(server: PaperSources, fetcher: Fetcher) -> None:
    await fetcher.get(server.answer("/a", "x"), trusted=True)
    assert "Paperboy" in server.requests[0].headers["User-Agent"]


async def test_etag_and_last_modified_are_sent_back_and_a_304_is_unchanged(
    server: PaperSources, fetcher: Fetcher
) -> None:
    url = server.answer("/a", Reply("x", headers={"ETag": '"one"', "Last-Modified": "Fri, 06 Mar 2026 04:00:00 GMT"}))
    first = await fetcher.get(url, trusted=True)
    second = await fetcher.get(url, trusted=True, memory=first.memory)
    assert not first.unchanged
    assert second.unchanged
    assert second.body == b""
    assert second.memory == first.memory
    assert server.requests[1].headers["If-Modified-Since"] == "Fri, 06 Mar 2026 04:00:00 GMT"


async def test_a_changed_document_comes_with_a_new_etag(server: PaperSources, fetcher: Fetcher) -> None:
    first = await fetcher.get(server.answer("/a", "x"), trusted=True)
    second = await fetcher.get(server.answer("/a", "y"), trusted=True, memory=first.memory)
    assert second.body == b"y"
    assert second.memory != first.memory


async def test_an_overlong_etag_is_not_remembered(server: PaperSources, fetcher: Fetcher) -> None:
    answer = await fetcher.get(server.answer("/a", Reply("x", headers={"ETag": '"' + "e" * 600 + '"'})), trusted=True)
    assert answer.memory == {}


async def test_a_304_to_an_unconditional_request_is_refused(server: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(Refused):
        await fetcher.get(server.answer("/a", Reply(status=304)), trusted=True)


async def test_gzip_answers_with_several_members_are_unpacked(server: PaperSources, fetcher: Fetcher) -> None:
    two_members = gzip.compress(b"one ") + gzip.compress(b"two")
    url = server.answer("/a", Reply(two_members, headers={"Content-Encoding": "gzip"}))
    assert (await fetcher.get(url, trusted=True)).body == b"one two"


async def test_a_truncated_gzip_answer_is_unreadable(server: PaperSources, fetcher: Fetcher) -> None:
    whole = gzip.compress(bytes(range(256)) * 40)
    url = server.answer("/a", Reply(whole[: len(whole) // 2], headers={"Content-Encoding": "gzip"}))
    with pytest.raises(Unreadable, match="cut off"):
        await fetcher.get(url, trusted=True)


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
async def test_an_answer_with_another_content_encoding_is_unreadable(
    server: PaperSources, fetcher: Fetcher, encoding: str
) -> None:
    url = server.answer("/a", Reply("not packed at all", headers={"Content-Encoding": encoding}))
    with pytest.raises(Unreadable):
        await fetcher.get(url, trusted=True)


async def test_an_answer_above_the_size_limit_is_not_read_to_its_end(server: PaperSources, fetcher: Fetcher) -> None:
    url = server.answer("/a", Reply(b"x" * 100_000, repeat=2_000))
    with pytest.raises(TooLarge, match=r"127\.0\.0\.1 sent more than 1 MB"):
        await fetcher.get(url, trusted=True)
    assert server.bytes_sent < 20_000_000  # of 200: what the network's own buffers took


async def test_a_gzip_bomb_is_stopped_at_the_size_limit(server: PaperSources, fetcher: Fetcher) -> None:
    bomb = packed(bytes(200_000_000))
    assert len(bomb.raw) < 1_000_000
    url = server.answer("/a", bomb)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            await fetcher.get(url, trusted=True)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


async def test_retry_after_in_seconds_is_waited_for(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    url = server.answer("/a", Reply(status=429, headers={"Retry-After": "7"}), "x")
    assert (await fetcher.get(url, trusted=True)).body == b"x"
    assert sum(fake_time.sleeps) == pytest.approx(7)


async def test_retry_after_as_a_date_is_waited_for(server: PaperSources, fetcher: Fetcher, fake_time: FakeTime) -> None:
    later = format_datetime(START + timedelta(seconds=20), usegmt=True)
    url = server.answer("/a", Reply(status=503, headers={"Retry-After": later}), "x")
    assert (await fetcher.get(url, trusted=True)).body == b"x"
    assert sum(fake_time.sleeps) == pytest.approx(20)


async def test_a_long_retry_after_raises_rate_limited_and_blocks_the_host(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    url = server.answer("/a", Reply(status=429, headers={"Retry-After": "1200"}), "x")
    with pytest.raises(RateLimited, match="for 20 minutes") as caught:
        await fetcher.get(url, trusted=True)
    with pytest.raises(RateLimited):
        await fetcher.get(server.answer("/b", "x"), trusted=True)
    assert caught.value.retry_after == 1200
    assert server.paths() == ["/a"]
    assert fake_time.sleeps == []
    fake_time.seconds += 1200
    assert (await fetcher.get(url, trusted=True)).body == b"x"


@pytest.mark.parametrize("retry_after", ["", "soon", "-5", "Fri, 99 Foo 2026", "Fri, 06 Mar 2020 09:00:00 GMT"])
async def test_an_invalid_retry_after_gives_the_usual_backoff(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime, retry_after: str
) -> None:
    url = server.answer("/a", Reply(status=429, headers={"Retry-After": retry_after}), "x")
    assert (await fetcher.get(url, trusted=True)).body == b"x"
    assert fake_time.sleeps == [0.75]


async def test_retry_after_is_bounded_to_a_day(server: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(RateLimited) as caught:
        await fetcher.get(server.answer("/a", Reply(status=429, headers={"Retry-After": "9" * 400})), trusted=True)
    assert caught.value.retry_after == 86_400


async def test_server_errors_are_retried_with_backoff(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    url = server.answer("/a", Reply(status=500), Reply(status=502), "x")
    assert (await fetcher.get(url, trusted=True)).body == b"x"
    assert fake_time.sleeps == [0.75, 1.5]


async def test_lasting_server_errors_are_refused_after_four_attempts(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    with pytest.raises(Refused, match="out of order") as caught:
        await fetcher.get(server.answer("/a", Reply(status=500)), trusted=True)
    assert caught.value.status == 500
    assert len(server.requests) == 4
    assert len(fake_time.sleeps) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 410, 418])
async def test_client_errors_are_not_retried(server: PaperSources, fetcher: Fetcher, status: int) -> None:
    with pytest.raises(Refused) as caught:
        await fetcher.get(server.answer("/a", Reply("no", status=status)), trusted=True)
    assert caught.value.status == status
    assert str(status) in str(caught.value)
    assert len(server.requests) == 1


async def test_an_error_status_that_is_readable_is_returned(server: PaperSources, fetcher: Fetcher) -> None:
    answer = await fetcher.get(server.answer("/a", Reply("x", status=406)), trusted=True, readable=(406,))
    assert (answer.status, answer.body) == (406, b"x")


async def test_a_truncated_answer_is_retried(server: PaperSources, fetcher: Fetcher) -> None:
    url = server.answer("/a", Reply("a whole document", cut=5), "a whole document")
    assert (await fetcher.get(url, trusted=True)).body == b"a whole document"


async def test_a_refused_connection_is_unreachable_after_several_attempts(
    fetcher: Fetcher, fake_time: FakeTime
) -> None:
    async with PaperSources() as stopped:
        url = stopped.url
    with pytest.raises(Unreachable, match="could not be reached"):
        await fetcher.get(url + "/a", trusted=True)
    assert len(fake_time.sleeps) == 3


async def test_a_hanging_server_times_out(server: PaperSources, client: httpx.AsyncClient, limits: Limits) -> None:
    url = server.answer("/a", Reply(hang=True))
    for short in (replace(limits, read=0.05), replace(limits, total=0.05)):
        with pytest.raises(TimedOut, match="too long"):
            await Fetcher(client, limits=short).get(url, trusted=True)
    assert len(server.requests) == 2


async def test_redirects_are_followed(server: PaperSources, fetcher: Fetcher) -> None:
    url = server.answer("/a", Reply(status=301, headers={"Location": "/b"}))
    server.answer("/b", Reply(status=307, headers={"Location": server.answer("/c", "x")}))
    answer = await fetcher.get(url, trusted=True)
    assert (answer.body, answer.url) == (b"x", server.url + "/c")


async def test_the_memory_of_a_redirected_request_belongs_to_the_requested_url(
    server: PaperSources, fetcher: Fetcher
) -> None:
    url = server.answer("/a", Reply(status=301, headers={"Location": "/b"}))
    server.answer("/b", "x")
    first = await fetcher.get(url, trusted=True)
    assert (await fetcher.get(url, trusted=True, memory=first.memory)).unchanged


async def test_circular_redirects_are_refused(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer("/a", Reply(status=302, headers={"Location": "/b"}))
    server.answer("/b", Reply(status=302, headers={"Location": "/a"}))
    with pytest.raises(Refused, match="circles"):
        await fetcher.get(server.url + "/a", trusted=True)
    assert len(server.requests) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.org/x", "http://[", "//", "javascript:1"])
async def test_a_redirect_to_no_web_address_is_refused(server: PaperSources, fetcher: Fetcher, location: str) -> None:
    url = server.answer("/a", Reply(status=302, headers={"Location": location}))
    with pytest.raises(SourceError):
        await fetcher.get(url, trusted=True)
    assert set(server.paths()) == {"/a"}


@pytest.mark.parametrize("url", ["", "cs.LG", "file:///etc/passwd", "http://", "http://[::1", "https://a\x00b/", "x:y"])
async def test_an_invalid_url_is_a_bad_address(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(BadAddress, match="not a web address"):
        await fetcher.get(url)


async def test_concurrent_requests_to_arxiv_start_three_seconds_apart(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    server.answer("/a", "x")
    await asyncio.gather(*(fetcher.get(server.url + "/a", trusted=True, pace="arxiv.org") for _ in range(4)))
    assert fake_time.sleeps == [3.0, 3.0, 3.0]


async def test_time_since_the_last_request_counts_for_the_pace(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    server.answer("/a", "x")
    await fetcher.get(server.url + "/a", trusted=True, pace="arxiv.org")
    fake_time.seconds += 2
    await fetcher.get(server.url + "/a", trusted=True, pace="arxiv.org")
    assert fake_time.sleeps == [1.0]


async def test_another_host_does_not_wait_for_arxiv(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    server.answer("/a", "x")
    await fetcher.get(server.url + "/a", trusted=True, pace="arxiv.org")
    await fetcher.get(server.url + "/a", trusted=True)
    assert fake_time.sleeps == []


async def test_an_error_names_the_host_and_no_secret_of_the_address(server: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(Refused) as caught:
        await fetcher.get(server.url.replace("//", "//me:secret@") + "/a?token=secret", trusted=True)
    assert "secret" not in str(caught.value)


async def test_cookies_are_not_kept(server: PaperSources, fake_time: FakeTime) -> None:
    async with Fetcher(clock=fake_time.clock()) as fetcher:
        url = server.answer("/a", Reply("x", headers={"Set-Cookie": "who=me"}))
        await fetcher.get(url, trusted=True)
        await fetcher.get(url, trusted=True)
    assert "Cookie" not in server.requests[1].headers


async def test_headers_go_to_their_own_server_alone(server: PaperSources, fetcher: Fetcher) -> None:
    async with PaperSources() as elsewhere:
        elsewhere.answer("/list", "stolen")
        url = server.answer("/list", Reply(status=302, headers={"Location": "/moved"}))
        server.answer("/moved", Reply(status=302, headers={"Location": f"{elsewhere.url}/list"}))
        await fetcher.get(url, trusted=True, headers={"Zotero-API-Key": "secret"})
        assert [request.headers.get("Zotero-API-Key") for request in server.requests] == ["secret", "secret"]
        assert [request.headers.get("Zotero-API-Key") for request in elsewhere.requests] == [None]


async def test_a_value_is_posted_once_as_json(server: PaperSources, fetcher: Fetcher) -> None:
    url = server.answer("/login", "welcome", Reply(status=503))
    assert (await fetcher.post(url, {"id": "ada"}, trusted=True)).body == b"welcome"
    with pytest.raises(Refused):
        await fetcher.post(url, {"id": "ada"}, trusted=True)
    assert [(request.body, request.headers["Content-Type"]) for request in server.requests] == [
        (b'{"id": "ada"}', "application/json")
    ] * 2


async def test_a_posted_value_follows_no_redirect(server: PaperSources, fetcher: Fetcher) -> None:
    url = server.answer("/login", Reply(status=307, headers={"Location": "/other"}))
    with pytest.raises(Refused, match="sends us elsewhere"):
        await fetcher.post(url, {}, trusted=True)
    assert server.paths() == ["/login"]


async def test_a_server_that_asks_for_a_rest_beside_its_answer_gets_it(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    url = server.answer("/list", Reply("good", headers={"Backoff": "12"}))
    answer = await fetcher.get(url, trusted=True)
    assert (answer.body, answer.headers["backoff"]) == (b"good", "12")
    await fetcher.get(url, trusted=True)
    assert fake_time.sleeps == [12.0]
