"""A database that starts later than the bot, or cuts its connection meanwhile."""

from __future__ import annotations

import pytest

from bot.operate.context import retry_while_away
from bot.settings import load
from bot.store.errors import StoreAway, StoreMissing
from tests.support.operator import Operator
from tests.test_serve import Watch


async def test_a_database_that_starts_later_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    watch, tries = Watch(), 0

    async def attempt() -> str:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise StoreAway("The store can't be reached: the database system is starting up")
        return "open"

    settings = load(environ={"PAPERBOY_DATABASE_START_SECONDS": "30"})
    assert await retry_while_away(settings, attempt, sleep=watch.sleep, seconds=watch.seconds) == "open"
    assert watch.slept == [1.0, 1.0, 1.0]
    assert capsys.readouterr().err.splitlines() == [
        "The store can't be reached: the database system is starting up. Waiting up to 30 seconds for it."
    ]


@pytest.mark.parametrize(("error", "waits"), [(StoreAway("nobody answers"), 3), (StoreMissing("no such role"), 0)])
async def test_a_database_that_never_answers_or_refuses_is_said_in_the_end(error: StoreMissing, waits: int) -> None:
    watch = Watch()

    async def attempt() -> None:
        raise error

    settings = load(environ={"PAPERBOY_DATABASE_START_SECONDS": "3"})
    with pytest.raises(type(error), match=str(error)):
        await retry_while_away(settings, attempt, sleep=watch.sleep, seconds=watch.seconds)
    assert watch.slept == [1.0] * waits


def test_a_bot_without_its_database_says_so_and_ends(operator: Operator) -> None:
    operator.set(
        DATABASE_URL="postgresql://paperboy@127.0.0.1:9/none", DATABASE_START_SECONDS="1", DISCORD__TOKEN="a.b.c"
    )
    ran = operator("run")
    assert (ran.code, ran.out, len(ran.told)) == (1, "", 2)
    assert ran.told[0].endswith("Waiting up to 1 seconds for it.")
    assert ran.told[1].startswith("paperboy: The store can't be reached: ")
