"""Connections to Slack that are kept open: used again, never a reason to send anything twice, closed in the end."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from bot.platforms.slack.api import SlackApi
from bot.platforms.slack.connections import Connections
from bot.ports.platform import Uncertain
from tests.fakes.clock import Clock

_ANSWER = b'{"ok": true, "channel": {"id": "D1"}}'


class Slack:
    """Answers so many calls, and then takes each without a word and hangs up; `told` is what it was asked, by the
    connection it came over."""

    def __init__(self, answers: int) -> None:
        self.url, self.told, self._left = "", list[list[str]](), answers

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Slack]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            self.url = f"http://{host}:{port}/"
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told: list[str] = []
        self.told.append(told)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                told.append(urlsplit(head.split()[1]).path)
                if sum(map(len, self.told)) > self._left:
                    break
                kind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                writer.write(kind + b"Content-Length: %d\r\n\r\n" % len(_ANSWER) + _ANSWER)
        writer.close()


def web_of(slack: Slack, connections: Connections) -> SlackApi:
    return SlackApi("xoxb-1", slack.url, Clock(), connections=connections)


async def test_kept_connections_are_used_again_by_every_workspace() -> None:
    async with Slack(answers=3).open() as slack:
        connections = Connections()
        async with connections.kept():
            await web_of(slack, connections).direct("ada")
            await web_of(slack, connections).direct("bob")
            await web_of(slack, connections).respond(f"{slack.url}answer", {"text": "x"})
    assert slack.told == [["/conversations.open", "/conversations.open", "/answer"]]


async def test_without_keeping_each_call_has_a_connection_of_its_own() -> None:
    async with Slack(answers=2).open() as slack:
        api = web_of(slack, Connections())
        await api.direct("ada")
        await api.direct("bob")
    assert slack.told == [["/conversations.open"], ["/conversations.open"]]


async def test_lost_reply_on_a_kept_connection_is_uncertain_and_not_sent_again() -> None:
    async with Slack(answers=1).open() as slack:
        connections = Connections()
        async with connections.kept():
            api = web_of(slack, connections)
            await api.direct("ada")
            with pytest.raises(Uncertain):
                await api.respond(f"{slack.url}answer", {"text": "x"})
    assert slack.told == [["/conversations.open", "/answer"]]
