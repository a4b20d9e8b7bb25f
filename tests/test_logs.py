from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.channels import bibliography
from bot.logs import set_up


@pytest.fixture(autouse=True)
def _afterwards() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_beat_that_waits_for_the_one_before_is_nothing_to_tell_and_one_that_fell_is() -> None:
    logging.getLogger("apscheduler").setLevel(logging.NOTSET)
    set_up("info", "json")
    told = logging.getLogger("apscheduler.scheduler")
    assert (told.isEnabledFor(logging.WARNING), told.isEnabledFor(logging.ERROR)) == (False, True)


def test_broken_bibtex_that_somebody_sent_is_nothing_to_tell_the_operator(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("bibtexparser").setLevel(logging.NOTSET)
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
