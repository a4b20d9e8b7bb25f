"""Readers of mail: the real platform with its store, a real mail server, and its pages on the loopback."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.headerregistry import Address
from pathlib import Path

import aiohttp

from bot.installations.encryption import TokenCipher
from bot.platforms.mail.envelope import Sender
from bot.platforms.mail.links import MailLinks
from bot.platforms.mail.platform import MailPlatform
from bot.platforms.mail.smtp import SmtpClient, SmtpServer
from bot.ports.platform import Sleep
from bot.settings import DigestSettings
from bot.store.database import Store
from bot.subscriptions import StoredSubscriptions
from bot.web.server import serving
from tests.fakes.clock import Clock
from tests.fakes.smtp import MailServer, Received

PAGE_URL = "https://papers.example.org"
ADA, BEN = "ada@example.org", "ben@example.org"
HTML = {"Accept": "text/html"}
_LINK = re.compile(rf"{re.escape(PAGE_URL)}(/mail/(\w+)/[\w.=-]+)")
_TOKEN = re.compile(r'name="token" value="([^"]+)"')


async def no_wait(seconds: float) -> None:
    """Time passes only when a test says so."""


def mail_platform(
    store: Store,
    server: MailServer | str,
    clock: Clock,
    key_file: Path,
    *,
    bounces: str = "",
    unsubscribe: str = "",
    sleep: Sleep = no_wait,
    ready_seconds: float = 5.0,
    taking_seconds: float = 5.0,
) -> tuple[MailPlatform, StoredSubscriptions]:
    """The platform over a store and a server, as after a start, and its subscriptions."""
    defaults = DigestSettings().channel_defaults()
    subscriptions = StoredSubscriptions(store, TokenCipher((), key_file), clock, "mail", defaults)
    port = server.port if isinstance(server, MailServer) else int(server.rpartition(":")[2])
    client = SmtpClient(
        SmtpServer("127.0.0.1", port),
        "papers.example.org",
        ready_seconds=ready_seconds,
        taking_seconds=taking_seconds,
    )
    sender = Sender(Address("Paperboy", addr_spec="papers@example.org"), "papers.example.org", unsubscribe)
    links = MailLinks(subscriptions, PAGE_URL, bounces)
    return MailPlatform(client, sender, subscriptions, links, clock, sleep=sleep), subscriptions


@dataclass
class Page:
    """What a browser got."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def words(self) -> str:
        """The text without tags, on one line."""
        main = self.text.partition("<main")[2].partition("</main>")[0] or self.text
        return " ".join(re.sub(r"<[^>]*>", " ", main.partition(">")[2] or main).split())


class Browser:
    """Opens pages of the platform, and sends their forms."""

    def __init__(self, url: str, client: aiohttp.ClientSession) -> None:
        self.url, self._client = url, client

    async def get(self, path: str, **headers: str) -> Page:
        return await self.ask("GET", path, headers=headers)

    async def post(
        self, path: str, fields: Mapping[str, str] | None = None, body: bytes | None = None, **headers: str
    ) -> Page:
        return await self.ask("POST", path, headers=headers, data=fields if body is None else body)

    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, data: object = None
    ) -> Page:
        async with self._client.request(
            method, self.url + path, headers={**HTML, **(headers or {})}, data=data, allow_redirects=False
        ) as answer:
            return Page(answer.status, await answer.text(), answer.headers.copy())

    async def subscribe(self, address: str, **fields: str) -> Page:
        """Fill in the form and send it."""
        token = _TOKEN.search((await self.get("/mail")).text)
        assert token is not None
        filled = {"address": address, "content": "trending", "often": "daily", "hour": "09:00", "zone": "UTC"}
        return await self.post("/mail", {**filled, "token": token[1], **fields})


@asynccontextmanager
async def browsing(platform: MailPlatform) -> AsyncIterator[Browser]:
    """A browser before the platform's pages."""
    async with serving(platform.routes, "127.0.0.1", 0) as url, aiohttp.ClientSession() as client:
        yield Browser(url, client)


def links_in(mail: Received) -> dict[str, list[str]]:
    """The paths of the platform's own links in a mail's plain text, by their kind: confirm, off, vote."""
    paths: dict[str, list[str]] = {}
    for path, kind in _LINK.findall(mail.part("plain")):
        paths.setdefault(kind, []).append(path)
    return paths
