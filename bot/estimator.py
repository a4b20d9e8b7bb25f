"""The classifier that learns the tastes, where the settings name another than the built-in one."""

from __future__ import annotations

from typing import Any

import structlog

from bot.settings import TasteSettings
from recommender import EstimatorError, Recommender, load_estimator

log = structlog.get_logger(__name__)


def load(settings: TasteSettings) -> Any:
    """The unfitted classifier of the settings; None if they name none. Raises EstimatorError."""
    return load_estimator(settings.estimator, settings.parameters) if settings.estimator else None


class ChosenEstimator:
    """The classifier of the settings. If it can't be used, the built-in one learns the tastes, and the log says why,
    once for each reason."""

    def __init__(self, settings: TasteSettings) -> None:
        self._name = settings.estimator
        self._reported: set[str] = set()
        self._estimator = None
        try:
            self._estimator = load(settings)
        except EstimatorError as error:
            self._report(str(error))

    def applied(self, engine: Recommender) -> Recommender:
        """An engine over the same index whose tastes this classifier learns."""
        return engine if self._estimator is None else engine.with_estimator(self._estimator, self._report)

    def _report(self, why: str) -> None:
        if why not in self._reported:
            self._reported.add(why)
            log.warning("The built-in classifier picks in place of taste.estimator.", estimator=self._name, why=why)
