"""The classifier of the settings beside the built-in one, for the commands that compare them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from bot.estimator import load
from bot.operate.output import err
from bot.settings import Settings
from recommender import EstimatorError

BUILT_IN = "the built-in one"


class _Compared(Protocol):
    """A comparison that counts failures."""

    @property
    def failures(self) -> Mapping[str, int]:
        """How often the custom classifier failed, by the sentence that says why."""


def loaded_estimator(settings: Settings) -> Any:
    """The unfitted classifier of the settings; None if there is none, or after a line on stderr if it can't be used."""
    try:
        return load(settings.taste)
    except EstimatorError as error:
        err(f"{error} The built-in classifier stands alone.")
        return None


def failures(compared: _Compared) -> list[str]:
    """A line for each way in which the custom classifier failed."""
    return [
        f"{why} The built-in one went on, {times} {'time' if times == 1 else 'times'}."
        for why, times in compared.failures.items()
    ]
