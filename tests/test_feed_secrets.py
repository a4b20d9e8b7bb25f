"""The address of a feed may hold a password or a key, and is nobody's business: not the channel's, not the log's."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.jobs.ingest import Ingest, Outcome
from bot.sources import feed as feed_module
from bot.sources.feed import Feed, feed_name
from bot.sources.fetch import Fetcher, Limits
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.store.whole import dump
from tests.support.harness import harness_over
from tests.support.operator import Operator
from tests.support.paper_sources import PaperSources, Reply

SECRETS = ("PASSW0RD", "APIKEY123", "private.rss", "reader")


@pytest.fixture
def _handler_that_cannot_write(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A log handler whose stream is closed: on every line it prints a traceback to stderr."""
    monkeypatch.setattr(logging, "raiseExceptions", True)
    stream = io.StringIO()
    stream.close()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)


@pytest.mark.usefixtures("_handler_that_cannot_write")
@pytest.mark.parametrize("broken", ["gone", "odd", "good"])
async def test_feed_addresses_appear_nowhere(
    broken: str,
    sqlite_store: Store,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    for library in ("httpx", "httpcore"):  # as `bot.logs` sets them
        logging.getLogger(library).setLevel(logging.WARNING)
    harness = harness_over(sqlite_store, clock)
    async with PaperSources() as world, Fetcher(limits=Limits(attempts=1)) as fetcher:
        body = '<rss version="2.0"><channel><item><title>A paper of the feed</title></item></channel></rss>'
        answer = Reply("gone", status=410) if broken == "gone" else Reply(body, headers={"ETag": '"1"'})
        url = world.answer("/private.rss", answer).replace("//", "//reader:PASSW0RD@") + "?key=APIKEY123"
        if broken == "odd":

            def odd(*_: object) -> None:
                raise ValueError(f"cannot read {url}")

            monkeypatch.setattr(feed_module, "_read", odd)
        told: list[Outcome] = []
        ingest = Ingest(harness.store, harness.app.paper_index, [Feed(fetcher, url, trusted=True)], harness.clock, 7)
        (outcome,) = await ingest.run(report=told.append)
        assert bool(outcome.failure) == (broken != "good")
        assert outcome.source == feed_name(url)
        logged = capsys.readouterr()
        everything = repr((outcome, told, await dump(harness.store), logged.out, logged.err, caplog.text))
    for secret in SECRETS:
        assert secret not in everything


def test_check_and_ingest_name_a_feed_without_its_address(operator: Operator, tmp_path: Path) -> None:
    url = "http://reader:PASSW0RD@127.0.0.1:9/private.rss?key=APIKEY123"
    operator.set(
        SOURCES__FEEDS=url, SOURCES__HUGGINGFACE__ENABLED="false", SOURCES__ARXIV__ENABLED="false",
    )  # fmt: skip
    for words in (
        ["check"],
        ["ingest", "--source", feed_name(url)],
        ["ingest", "--source", url],
        ["ingest", "--source", url + "x"],
    ):
        ran = operator(*words)
        assert ran.code in (1, 2)
        assert feed_name(url) in ran.out + ran.err
        for secret in SECRETS:
            assert secret not in ran.out + ran.err
