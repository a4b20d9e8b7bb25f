from __future__ import annotations

import errno
import importlib
import json
import logging
import warnings
from collections.abc import Iterator

import psycopg
import pytest
import structlog

from bot.commands import bibliography
from bot.logs import Troubles, begin_event, current_event, set_up
from bot.store.errors import StoreAway, StoreFull


@pytest.fixture(autouse=True)
def _afterwards() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    # Tests of the platforms silence these, and leave them so.
    libraries = [logging.getLogger(name) for name in ("discord", "slack_bolt", "slack_sdk")]
    levels = [library.level for library in libraries]
    for library in libraries:
        library.setLevel(logging.NOTSET)
    yield
    for library, before in zip(libraries, levels, strict=True):
        library.setLevel(before)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.setLevel(level)
    root.handlers[:] = handlers


def test_skipped_job_run_is_not_logged_but_a_failed_run_is() -> None:
    logging.getLogger("apscheduler").setLevel(logging.NOTSET)
    set_up("info", "json")
    told = logging.getLogger("apscheduler.scheduler")
    assert (told.isEnabledFor(logging.WARNING), told.isEnabledFor(logging.ERROR)) == (False, True)


def test_broken_bibtex_of_a_member_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    set_up("info", "json")
    assert not bibliography.read("@secret{x, title={Broken").papers
    assert caplog.records == []


@pytest.mark.parametrize("form", ["text", "json", "plain"])
def test_the_trace_of_an_error_shows_no_variables(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", form)

    def connect(token: str) -> None:
        raise ValueError("the host is down")

    try:
        connect("emases"[::-1])
    except ValueError:
        structlog.get_logger().exception("A connection fell.")
    said = capsys.readouterr().err
    assert "A connection fell." in said
    assert "the host is down" in said
    assert "in connect" in said
    assert "sesame" not in said


def test_libraries_never_log_the_addresses_that_are_asked() -> None:
    set_up("debug", "plain")
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    assert not logging.getLogger("httpcore").isEnabledFor(logging.INFO)


def failed(error: Exception) -> Exception:
    """An error as it is caught: raised, by way of another."""
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("a listener fell") from cause
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize("form", ["text", "json", "plain"])
@pytest.mark.parametrize(
    "error",
    [StoreFull("The disk with the store is full."), StoreAway("Nobody answers."), OSError(errno.ENOSPC, "full"),
     psycopg.errors.AdminShutdown("terminating connection")],
)  # fmt: skip
def test_a_store_error_is_logged_once_however_many_jobs_it_stops(
    form: str, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("info", form)
    for number in range(200):
        structlog.get_logger().error("A question broke.", exc_info=failed(error), number=number)
    assert len(capsys.readouterr().err.splitlines()) == 1
    structlog.get_logger().error("Another thing.", exc_info=failed(ValueError("a fault of ours")))
    assert "a fault of ours" in capsys.readouterr().err


def test_trouble_is_logged_again_when_it_returns_and_hourly_while_it_lasts() -> None:
    now = 0.0
    troubles = Troubles(lambda: now)
    told = []
    for step in range(1_500):  # two hours, a beat every five seconds
        now = step * 5.0
        if troubles.is_news("The disk is full."):
            told.append(now)
    assert told == [0.0, 3605.0, 7210.0]
    now += 121.0
    assert troubles.is_news("The disk is full.")
    assert troubles.is_news("Nobody answers.")


def test_libraries_tell_of_trouble_with_the_store_in_one_line_too() -> None:
    troubles = Troubles()

    def record(error: Exception) -> logging.LogRecord:
        how = (type(error), error, error.__traceback__)
        return logging.LogRecord("library", logging.ERROR, "", 0, "%s fell", ("It",), how)

    first, second, other = (
        record(failed(StoreFull("No room."))), record(failed(StoreFull("No room."))), record(failed(KeyError("x")))
    )  # fmt: skip
    assert troubles.filter(first)
    assert (first.getMessage(), first.exc_info) == ("It fell (No room.)", None)
    assert not troubles.filter(second)
    assert troubles.filter(other)
    assert other.exc_info


@pytest.mark.parametrize(
    "module", ["bot.platforms.slack.responses", "bot.platforms.discord.interactions", "bot.web.server"]
)
def test_an_info_line_of_a_platform_is_json_with_the_id_of_its_event(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = importlib.import_module(module).log
    set_up("info", "json")
    begin_event("Ev1")
    log.info("An answer could not be shown.", why="no access")
    line = json.loads(capsys.readouterr().err)
    assert line["timestamp"]
    assert (line["level"], line["event_id"], line["event"]) == ("info", "Ev1", "An answer could not be shown.")


@pytest.mark.parametrize("library", ["slack_bolt", "slack_sdk", "discord", "aiohttp.server", "apscheduler", "httpx"])
def test_a_library_logs_in_the_same_form(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up("debug", "json")
    logging.getLogger(library).info("The token is %s", "sesame")
    logging.getLogger(library).error("It fell: %s", "no answer")
    line = json.loads(capsys.readouterr().err)
    assert (line["logger"], line["level"], line["event"]) == (library, "error", "It fell: no answer")


def test_a_warning_of_python_is_a_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    logging.captureWarnings(False)  # as in a new process
    set_up("info", "json")
    try:
        message = UserWarning("It did not converge: 100 rounds.\nTry more.")
        warnings.showwarning(message, UserWarning, __file__, 1)
    finally:
        logging.captureWarnings(False)
    line = json.loads(capsys.readouterr().err)
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")
    assert line["event"] == "UserWarning: It did not converge: 100 rounds."


def test_a_level_above_warning_holds_for_libraries_too(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("error", "json")
    logging.getLogger("slack_bolt").warning("This is not so bad.")
    structlog.get_logger().warning("Nor is this.")
    assert capsys.readouterr().err == ""


def test_two_set_ups_log_each_line_of_a_library_once(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "json")
    set_up("info", "plain")
    logging.getLogger("discord.gateway").warning("A heartbeat was late.")
    assert capsys.readouterr().err == "paperboy: A heartbeat was late. (discord.gateway)\n"


def test_an_event_without_an_id_gets_one() -> None:
    begin_event()
    first = current_event()
    begin_event()
    assert first
    assert current_event() != first
