from __future__ import annotations

import pytest

from recommender import Recommender
from tests.recommender.papers import library


@pytest.fixture(scope="session")
def engine() -> Recommender:
    """160 papers of four subjects, for tests that only read."""
    engine = Recommender()
    engine.add(library())
    return engine
