from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from bot.logs import set_up


@pytest.fixture(autouse=True)
def _afterwards() -> Iterator[None]:
    yield
    structlog.reset_defaults()


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
