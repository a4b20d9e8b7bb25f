"""Asking politely, within limits, again only when that is worth it."""

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
from tests.sources.conftest import START, Standing
from tests.support.paper_sources import PaperSources, Reply, packed


async def test_a_document_is_given_as_it_was_sent(world: PaperSources, fetcher: Fetcher) -> None:
    url = world.answer(
        "/a", Reply("grüß dich".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"})
    )
    answer = await fetcher.get(url, trusted=True)
    assert (answer.url, answer.status, answer.body, answer.charset) == (url, 200, b"gr\xfc\xdf dich", "latin-1")
    assert answer.host == "127.0.0.1"


async def test_every_request_says_who_asks(world: PaperSources, fetcher: Fetcher) -> None:
    await fetcher.get(world.answer("/a", "x"), trusted=True)
    assert "Paperboy" in world.asked[0].headers["User-Agent"]


async def test_what_did_not_change_is_not_sent_again(world: PaperSources, fetcher: Fetcher) -> None:
    url = world.answer("/a", Reply("x", headers={"ETag": '"one"', "Last-Modified": "Fri, 06 Mar 2026 04:00:00 GMT"}))
    first = await fetcher.get(url, trusted=True)
    second = await fetcher.get(url, trusted=True, memory=first.memory)
    assert not first.unchanged
    assert second.unchanged
    assert second.body == b""
    assert second.memory == first.memory
    assert world.asked[1].headers["If-Modified-Since"] == "Fri, 06 Mar 2026 04:00:00 GMT"


async def test_what_changed_is_sent_with_a_new_memory(world: PaperSources, fetcher: Fetcher) -> None:
    first = await fetcher.get(world.answer("/a", "x"), trusted=True)
    second = await fetcher.get(world.answer("/a", "y"), trusted=True, memory=first.memory)
    assert second.body == b"y"
    assert second.memory != first.memory


async def test_a_validator_that_no_header_can_hold_is_not_remembered(world: PaperSources, fetcher: Fetcher) -> None:
    answer = await fetcher.get(world.answer("/a", Reply("x", headers={"ETag": '"' + "e" * 600 + '"'})), trusted=True)
    assert answer.memory == {}


async def test_not_modified_without_having_asked_is_an_error(world: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(Refused):
        await fetcher.get(world.answer("/a", Reply(status=304)), trusted=True)


async def test_packed_answers_are_unpacked(world: PaperSources, fetcher: Fetcher) -> None:
    two_members = gzip.compress(b"one ") + gzip.compress(b"two")
    url = world.answer("/a", Reply(two_members, headers={"Content-Encoding": "gzip"}))
    assert (await fetcher.get(url, trusted=True)).body == b"one two"


async def test_a_packed_answer_cut_off_is_unreadable(world: PaperSources, fetcher: Fetcher) -> None:
    whole = gzip.compress(bytes(range(256)) * 40)
    url = world.answer("/a", Reply(whole[: len(whole) // 2], headers={"Content-Encoding": "gzip"}))
    with pytest.raises(Unreadable, match="cut off"):
        await fetcher.get(url, trusted=True)


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
async def test_an_answer_packed_in_another_way_is_unreadable(
    world: PaperSources, fetcher: Fetcher, encoding: str
) -> None:
    url = world.answer("/a", Reply("not packed at all", headers={"Content-Encoding": encoding}))
    with pytest.raises(Unreadable):
        await fetcher.get(url, trusted=True)


async def test_an_enormous_answer_is_stopped_early(world: PaperSources, fetcher: Fetcher) -> None:
    url = world.answer("/a", Reply(b"x" * 100_000, repeat=2_000))
    with pytest.raises(TooLarge, match=r"127\.0\.0\.1 sent more than 1 MB"):
        await fetcher.get(url, trusted=True)
    assert world.sent < 20_000_000  # of 200: what the network's own buffers took


async def test_a_bomb_is_stopped_before_it_fills_memory(world: PaperSources, fetcher: Fetcher) -> None:
    bomb = packed(bytes(200_000_000))
    assert len(bomb.raw) < 1_000_000
    url = world.answer("/a", bomb)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            await fetcher.get(url, trusted=True)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


async def test_a_server_that_says_later_is_asked_later(
    world: PaperSources, fetcher: Fetcher, standing: Standing
) -> None:
    url = world.answer("/a", Reply(status=429, headers={"Retry-After": "7"}), "x")
    assert (await fetcher.get(url, trusted=True)).body == b"x"
    assert sum(standing.slept) == pytest.approx(7)


async def test_later_may_be_said_as_a_date(world: PaperSources, fetcher: Fetcher, standing: Standing) -> None:
    later = format_datetime(START + timedelta(seconds=20), usegmt=True)
    url = world.answer("/a", Reply(status=503, headers={"Retry-After": later}), "x")
    assert (await fetcher.get(url, trusted=True)).body == b"x"
    assert sum(standing.slept) == pytest.approx(20)


async def test_much_later_is_left_to_the_next_run_and_nobody_asks_meanwhile(
    world: PaperSources, fetcher: Fetcher, standing: Standing
) -> None:
    url = world.answer("/a", Reply(status=429, headers={"Retry-After": "1200"}), "x")
    with pytest.raises(RateLimited, match="for 20 minutes") as told:
        await fetcher.get(url, trusted=True)
    with pytest.raises(RateLimited):
        await fetcher.get(world.answer("/b", "x"), trusted=True)
    assert told.value.retry_after == 1200
    assert world.paths() == ["/a"]
    assert standing.slept == []
    standing.seconds += 1200
    assert (await fetcher.get(url, trusted=True)).body == b"x"


@pytest.mark.parametrize("said", ["", "soon", "-5", "Fri, 99 Foo 2026", "Fri, 06 Mar 2020 09:00:00 GMT"])
async def test_a_later_that_says_nothing_costs_only_the_usual_wait(
    world: PaperSources, fetcher: Fetcher, standing: Standing, said: str
) -> None:
    url = world.answer("/a", Reply(status=429, headers={"Retry-After": said}), "x")
    assert (await fetcher.get(url, trusted=True)).body == b"x"
    assert standing.slept == [0.75]


async def test_nobody_can_silence_the_bot_for_longer_than_a_day(world: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(RateLimited) as told:
        await fetcher.get(world.answer("/a", Reply(status=429, headers={"Retry-After": "9" * 400})), trusted=True)
    assert told.value.retry_after == 86_400


async def test_a_server_out_of_order_is_asked_again(world: PaperSources, fetcher: Fetcher, standing: Standing) -> None:
    url = world.answer("/a", Reply(status=500), Reply(status=502), "x")
    assert (await fetcher.get(url, trusted=True)).body == b"x"
    assert standing.slept == [0.75, 1.5]


async def test_a_server_out_of_order_for_ever_is_given_up(
    world: PaperSources, fetcher: Fetcher, standing: Standing
) -> None:
    with pytest.raises(Refused, match="out of order") as told:
        await fetcher.get(world.answer("/a", Reply(status=500)), trusted=True)
    assert told.value.status == 500
    assert len(world.asked) == 4
    assert len(standing.slept) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 410, 418])
async def test_a_clear_no_is_not_asked_again(world: PaperSources, fetcher: Fetcher, status: int) -> None:
    with pytest.raises(Refused) as told:
        await fetcher.get(world.answer("/a", Reply("no", status=status)), trusted=True)
    assert told.value.status == status
    assert str(status) in str(told.value)
    assert len(world.asked) == 1


async def test_the_caller_may_judge_a_no_by_its_body(world: PaperSources, fetcher: Fetcher) -> None:
    answer = await fetcher.get(world.answer("/a", Reply("x", status=406)), trusted=True, readable=(406,))
    assert (answer.status, answer.body) == (406, b"x")


async def test_an_answer_cut_off_is_asked_for_again(world: PaperSources, fetcher: Fetcher) -> None:
    url = world.answer("/a", Reply("a whole document", cut=5), "a whole document")
    assert (await fetcher.get(url, trusted=True)).body == b"a whole document"


async def test_nobody_there_is_said_after_several_tries(fetcher: Fetcher, standing: Standing) -> None:
    async with PaperSources() as gone:
        url = gone.url
    with pytest.raises(Unreachable, match="could not be reached"):
        await fetcher.get(url + "/a", trusted=True)
    assert len(standing.slept) == 3


async def test_a_server_that_hangs_is_left_after_its_time(
    world: PaperSources, client: httpx.AsyncClient, limits: Limits
) -> None:
    url = world.answer("/a", Reply(hang=True))
    for short in (replace(limits, read=0.05), replace(limits, total=0.05)):
        with pytest.raises(TimedOut, match="too long"):
            await Fetcher(client, limits=short).get(url, trusted=True)
    assert len(world.asked) == 2


async def test_redirects_are_followed(world: PaperSources, fetcher: Fetcher) -> None:
    url = world.answer("/a", Reply(status=301, headers={"Location": "/b"}))
    world.answer("/b", Reply(status=307, headers={"Location": world.answer("/c", "x")}))
    answer = await fetcher.get(url, trusted=True)
    assert (answer.body, answer.url) == (b"x", world.url + "/c")


async def test_what_is_remembered_belongs_to_the_address_asked_for(world: PaperSources, fetcher: Fetcher) -> None:
    url = world.answer("/a", Reply(status=301, headers={"Location": "/b"}))
    world.answer("/b", "x")
    first = await fetcher.get(url, trusted=True)
    assert (await fetcher.get(url, trusted=True, memory=first.memory)).unchanged


async def test_going_in_circles_ends(world: PaperSources, fetcher: Fetcher) -> None:
    world.answer("/a", Reply(status=302, headers={"Location": "/b"}))
    world.answer("/b", Reply(status=302, headers={"Location": "/a"}))
    with pytest.raises(Refused, match="circles"):
        await fetcher.get(world.url + "/a", trusted=True)
    assert len(world.asked) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.org/x", "http://[", "//", "javascript:1"])
async def test_a_redirect_to_no_web_address_is_refused(world: PaperSources, fetcher: Fetcher, location: str) -> None:
    url = world.answer("/a", Reply(status=302, headers={"Location": location}))
    with pytest.raises(SourceError):
        await fetcher.get(url, trusted=True)
    assert set(world.paths()) == {"/a"}


@pytest.mark.parametrize("url", ["", "cs.LG", "file:///etc/passwd", "http://", "http://[::1", "https://a\x00b/", "x:y"])
async def test_what_is_no_web_address_is_said_to_be_none(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(BadAddress, match="not a web address"):
        await fetcher.get(url)


async def test_arxiv_is_asked_once_in_three_seconds_whoever_asks(
    world: PaperSources, fetcher: Fetcher, standing: Standing
) -> None:
    world.answer("/a", "x")
    await asyncio.gather(*(fetcher.get(world.url + "/a", trusted=True, pace="arxiv.org") for _ in range(4)))
    assert standing.slept == [3.0, 3.0, 3.0]


async def test_time_that_passed_by_itself_counts(world: PaperSources, fetcher: Fetcher, standing: Standing) -> None:
    world.answer("/a", "x")
    await fetcher.get(world.url + "/a", trusted=True, pace="arxiv.org")
    standing.seconds += 2
    await fetcher.get(world.url + "/a", trusted=True, pace="arxiv.org")
    assert standing.slept == [1.0]


async def test_another_host_does_not_wait_for_arxiv(world: PaperSources, fetcher: Fetcher, standing: Standing) -> None:
    world.answer("/a", "x")
    await fetcher.get(world.url + "/a", trusted=True, pace="arxiv.org")
    await fetcher.get(world.url + "/a", trusted=True)
    assert standing.slept == []


async def test_an_error_names_the_host_and_no_secret_of_the_address(world: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(Refused) as told:
        await fetcher.get(world.url.replace("//", "//me:secret@") + "/a?token=secret", trusted=True)
    assert "secret" not in str(told.value)


async def test_cookies_are_not_kept(world: PaperSources, standing: Standing) -> None:
    async with Fetcher(clock=standing.clock()) as fetcher:
        url = world.answer("/a", Reply("x", headers={"Set-Cookie": "who=me"}))
        await fetcher.get(url, trusted=True)
        await fetcher.get(url, trusted=True)
    assert "Cookie" not in world.asked[1].headers


async def test_headers_go_to_their_own_server_alone(world: PaperSources, fetcher: Fetcher) -> None:
    async with PaperSources() as elsewhere:
        elsewhere.answer("/list", "stolen")
        url = world.answer("/list", Reply(status=302, headers={"Location": "/moved"}))
        world.answer("/moved", Reply(status=302, headers={"Location": f"{elsewhere.url}/list"}))
        await fetcher.get(url, trusted=True, headers={"Zotero-API-Key": "secret"})
        assert [asked.headers.get("Zotero-API-Key") for asked in world.asked] == ["secret", "secret"]
        assert [asked.headers.get("Zotero-API-Key") for asked in elsewhere.asked] == [None]


async def test_a_value_is_posted_once_as_json(world: PaperSources, fetcher: Fetcher) -> None:
    url = world.answer("/login", "welcome", Reply(status=503))
    assert (await fetcher.post(url, {"id": "ada"}, trusted=True)).body == b"welcome"
    with pytest.raises(Refused):
        await fetcher.post(url, {"id": "ada"}, trusted=True)
    assert [(asked.body, asked.headers["Content-Type"]) for asked in world.asked] == [
        (b'{"id": "ada"}', "application/json")
    ] * 2


async def test_a_posted_value_follows_no_redirect(world: PaperSources, fetcher: Fetcher) -> None:
    url = world.answer("/login", Reply(status=307, headers={"Location": "/other"}))
    with pytest.raises(Refused, match="sends us elsewhere"):
        await fetcher.post(url, {}, trusted=True)
    assert world.paths() == ["/login"]


async def test_a_server_that_asks_for_a_rest_beside_its_answer_gets_it(
    world: PaperSources, fetcher: Fetcher, standing: Standing
) -> None:
    url = world.answer("/list", Reply("good", headers={"Backoff": "12"}))
    answer = await fetcher.get(url, trusted=True)
    assert (answer.body, answer.headers["backoff"]) == (b"good", "12")
    await fetcher.get(url, trusted=True)
    assert standing.slept == [12.0]
