"""The real program with mail: subscribed on its page, killed after the data, and looked over by `paperboy check`."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.platforms.mail.setup import sender_of
from bot.platforms.registry import how_to_set_up, platform_sections, set_up
from bot.settings import SettingsError, load
from bot.store import channels, deliveries, papers
from bot.store.database import Store, make_engine
from bot.store.states import PostState
from tests.fakes.smtp import MailServer, certificate, mail_server
from tests.platforms.mail.mailbox import ADA, PAGE_URL, Browser, links_in
from tests.platforms.process import begun, running
from tests.support.harness import comes_true, demo_papers

PATIENCE_SECONDS = 60


def mail_settings(server: MailServer) -> dict[str, str]:
    return {"EMAIL__SMTP_URL": server.url, "WEB__PUBLIC_URL": PAGE_URL}


@asynccontextmanager
async def served(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[tuple[Process, Browser]]:
    """The program, once its page is served, and a browser before it."""
    async with running(folder, settings) as process, aiohttp.ClientSession() as client:
        assert process.stderr
        url, lines = "", list[str]()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not url:
                line = str(json.loads(await process.stderr.readline())["event"])
                lines.append(line)
                if ", served by " in line:
                    url = line.rpartition(", served by ")[2].rstrip(".")
        reading = asyncio.create_task(_read_on(process))
        yield process, Browser(url, client)
        reading.cancel()


async def _read_on(process: Process) -> None:
    """Read what the program logs, so that it never waits for a reader."""
    assert process.stderr
    while await process.stderr.readline():
        pass


def stored(folder: Path) -> Store:
    return Store(make_engine(f"sqlite:///{folder / 'paperboy.db'}", 10.0))


async def test_a_reader_subscribes_and_a_kill_after_the_data_sends_no_second_mail(tmp_path: Path) -> None:
    async with mail_server() as server:
        settings = mail_settings(server) | {"DELIVERY__TIMEOUT": "2", "DELIVERY__MARGIN": "1"}
        async with served(tmp_path, settings) as (process, browser):
            assert (await browser.subscribe(ADA)).status == 200
            await comes_true(lambda: holds(server, 1), within=PATIENCE_SECONDS)
            [path] = set(links_in(server.received[0])["confirm"])
            assert (await browser.post(path)).status == 200
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        await let_come(tmp_path)
        server.data_answers.append("hang")
        async with served(tmp_path, settings) as (process, _):
            await comes_true(lambda: holds(server, 2), within=PATIENCE_SECONDS)
            process.kill()
            await process.wait()
        async with served(tmp_path, settings):
            store = stored(tmp_path)

            async def given_up() -> bool:
                async with store.read() as tx:
                    [channel] = await channels.list_all(tx)
                    [post] = await deliveries.posts_in_channel(tx, channel.id)
                return post.state is PostState.FAILED

            await comes_true(given_up, within=PATIENCE_SECONDS)
            await store.close()
        assert len(server.received) == 2
        assert server.received[1].message["Subject"].endswith(" + 4 more")


async def holds(server: MailServer, count: int) -> bool:
    return len(server.received) == count


async def let_come(folder: Path) -> None:
    """Papers become news, and the hour of the digest comes."""
    store, now = stored(folder), datetime.now(UTC)
    news = [replace(paper, published=now.date()) for paper in demo_papers()[:40]]
    async with store.write() as tx:
        await papers.record(tx, news, now, {paper.id: now.date() for paper in news})
        [channel] = await channels.list_all(tx)
        due = now - timedelta(seconds=1)
        hour = {"hour": f"{due:%H:%M}", "zone": "UTC", "next_due_at": due, "next_due_on": due.date()}
        await channels.change(tx, channel.id, **hour)
    await store.close()


async def checked(folder: Path, settings: Mapping[str, str]) -> dict[str, dict[str, object]]:
    process = await begun(folder, settings, "check", "--json")
    out, _ = await process.communicate()
    return {check["name"]: check for check in json.loads(out)["checks"]}


async def test_check_tries_the_server_and_sends_nothing(tmp_path: Path) -> None:
    tls, _ = certificate(tmp_path)
    async with mail_server(tls=tls, login=True) as server:
        url = f"smtp://ada:right@127.0.0.1:{server.port}"
        found = await checked(tmp_path, mail_settings(server) | {"EMAIL__SMTP_URL": url})
        assert found["mail server"] == {"name": "mail server", "ok": True, "problem": "", "mend": ""}
        assert "SPF and DKIM" in str(found["mail links"]["mend"])
        assert found["mail keys"]["ok"]
        wrong = await checked(tmp_path, mail_settings(server) | {"EMAIL__SMTP_URL": url.replace("right", "wrong")})
        assert "refuses the user or the password" in str(wrong["mail server"]["problem"])
        assert "email.smtp_url" in str(wrong["mail server"]["mend"])
        assert "wrong" not in str(wrong["mail server"])
    assert server.received == []


async def test_check_says_that_nobody_could_follow_the_links(tmp_path: Path) -> None:
    found = await checked(tmp_path, {"EMAIL__SMTP_URL": "smtp://127.0.0.1:9"})
    assert "web.public_url" in str(found["platforms"]["problem"])


def test_mail_alone_is_a_platform_and_is_off_without_a_server() -> None:
    def loaded(**variables: str) -> list[str]:
        environ = {f"PAPERBOY_{name}": value for name, value in variables.items()}
        return [entry.name for entry in set_up(load(None, environ, platform_sections()))]

    assert loaded() == []
    assert loaded(EMAIL__SMTP_URL="smtp://mail.example.org", WEB__PUBLIC_URL=PAGE_URL) == ["mail"]
    with pytest.raises(SettingsError, match=r"Mail needs web\.public_url"):
        loaded(EMAIL__SMTP_URL="smtp://mail.example.org")
    assert "for mail PAPERBOY_EMAIL__SMTP_URL and PAPERBOY_WEB__PUBLIC_URL" in how_to_set_up()


@pytest.mark.parametrize(
    ("sender", "public_url", "shown"),
    [
        ("", PAGE_URL, "Paperboy <paperboy@papers.example.org>"),
        ("papers@example.org", PAGE_URL, "Paperboy <papers@example.org>"),
        ("Our Papers <papers@example.org>", PAGE_URL, "Our Papers <papers@example.org>"),
        ("", "http://127.0.0.1:8080", "Paperboy <paperboy@[127.0.0.1]>"),
        ("", "http://[::1]:8080", "Paperboy <paperboy@[::1]>"),
    ],
)
def test_the_sender_is_that_of_the_settings_or_of_the_page(sender: str, public_url: str, shown: str) -> None:
    environ = {"PAPERBOY_EMAIL__SENDER": sender, "PAPERBOY_WEB__PUBLIC_URL": public_url}
    assert str(sender_of(load(None, environ)).address) == shown


@pytest.mark.parametrize("value", ["Paperboy", "a@b", "x\r\nBcc: y@z.org <a@example.org>"])
def test_a_sender_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"email\.sender"):
        load(None, {"PAPERBOY_EMAIL__SENDER": value})


def test_an_address_for_bounces_leaves_room_for_a_token() -> None:
    assert load(None, {"PAPERBOY_EMAIL__BOUNCES": "bounces@example.org"}).email.bounces == "bounces@example.org"
    with pytest.raises(SettingsError, match="a token must fit there too"):
        load(None, {"PAPERBOY_EMAIL__BOUNCES": f"{'b' * 26}@example.org"})
