"""When a part behind the service fails or hangs, the asker gets an answer and other members are served."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.store.errors import StoreBusy
from recommender import Hit, Recommender
from tests.support.harness import ADA, PLACE, BotHarness
from tests.support.saying import DM


async def test_a_command_while_the_store_does_not_answer_gets_a_reply(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise StoreBusy("locked")

    monkeypatch.setattr(harness.store, "read", busy)
    reply = await harness.say("topics")
    assert not reply.ok
    assert "try again" in reply.text
    assert await harness.app.service.suggest(PLACE, "fed") == []
    assert "try again" in (await harness.app.service.act_on_message(PLACE, ADA, "why", "m1")).text
    assert "try again" in (await harness.app.service.home(DM, ADA)).mine.text


class _Broken(Recommender):
    """An index whose files went away under it."""

    def search(self, *args: Any, **kwargs: Any) -> list[Hit]:
        raise RuntimeError("the map is gone")


class _Slow(Recommender):
    """An index that answers only when somebody else could go on meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.others_went_on = threading.Event()
        self.asked: list[bool] = []

    def search(self, *args: Any, **kwargs: Any) -> list[Hit]:
        self.asked.append(self.others_went_on.wait(5))
        return []


async def test_whatever_breaks_is_answered_in_one_line_and_logged(harness: BotHarness) -> None:
    harness.app.paper_index.engine = _Broken()
    with capture_logs() as logs:
        reply = await harness.say("search federated")
        assert await harness.app.service.suggest(PLACE, "search federated") == []
    assert not reply.ok
    assert reply.text.startswith("That went wrong")
    assert "map" not in reply.text
    assert [log["log_level"] for log in logs] == ["error", "error"]
    assert (await harness.say("topics")).ok, "and the next question is answered"


@pytest.mark.parametrize("line", ["search federated", "why federated nets", "suggest"])
async def test_a_slow_search_does_not_block_other_commands(harness: BotHarness, line: str) -> None:
    harness.app.paper_index.engine = engine = _Slow()
    service = harness.app.service
    asking = asyncio.create_task(service.suggest(PLACE, "federated") if line == "suggest" else harness.say(line))
    while not engine.asked and not asking.done():
        await asyncio.sleep(0)
        engine.others_went_on.set()
    await asking
    assert engine.asked == [True]
