"""The operator puts another classifier in: it picks the digests, or the log says why it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.estimator import ChosenEstimator
from bot.paper_index import PaperIndex
from bot.settings import TasteSettings
from bot.store.database import Store
from recommender import Recommender
from tests.fakes.clock import Clock
from tests.recommender.papers import NOW, library, votes
from tests.support.harness import demo_papers, harness_over

LIKED = votes("federated-1", "physics-3")


def chosen(estimator: str, **parameters: object) -> ChosenEstimator:
    return ChosenEstimator(TasteSettings(estimator=estimator, parameters=parameters))


def engines(estimator: str) -> tuple[Recommender, Recommender]:
    """The built-in engine, and the one with the classifier."""
    engine = Recommender()
    engine.add(library(10))
    return engine, chosen(estimator).applied(engine)


def test_a_classifier_by_its_import_path_learns_the_tastes() -> None:
    engine, custom = engines("sklearn.svm.SVC")
    ids = [paper.id for paper in library(10)]
    assert custom.rank(LIKED, ids, now=NOW) != engine.rank(LIKED, ids, now=NOW)


def test_without_the_setting_the_engine_stays_as_it_is() -> None:
    engine, same = engines("")
    assert same is engine


@pytest.mark.parametrize("path", ["sklearn.svm.SVCC", "nowhere.Classifier", "Classifier"])
def test_a_classifier_that_is_not_there_is_logged_and_the_built_in_one_goes_on(path: str) -> None:
    with capture_logs() as logs:
        engine, same = engines(path)
    assert same is engine
    [line] = logs
    assert (line["log_level"], line["estimator"]) == ("warning", path)
    assert line["event"] == "The built-in classifier picks in place of taste.estimator."


def test_a_failure_with_a_days_papers_is_logged_once() -> None:
    engine = Recommender()
    engine.add(library(1)[:2])
    every, liked = ["federated-0", "vision-0"], votes("federated-0", "vision-0")
    with capture_logs() as logs:
        custom = chosen("sklearn.linear_model.LogisticRegression").applied(engine)
        for _ in range(3):
            assert custom.rank(liked, every, now=NOW) == engine.rank(liked, every, now=NOW)
    [line] = logs
    assert "only one class" in line["why"]


async def test_a_rebuilt_index_keeps_its_classifier(sqlite_store: Store, tmp_path: Path) -> None:
    prepare = chosen("sklearn.svm.SVC").applied
    opened = await PaperIndex.open(sqlite_store, tmp_path / "index", prepare=prepare)
    before = opened.engine
    opened.engine.add(library(1), marker="another store:1")
    with capture_logs():
        await opened.sync()
    assert opened.engine is not before
    assert opened.engine._estimator is not None


@pytest.mark.parametrize("path", ["sklearn.ensemble.RandomForestClassifier", "sklearn.neighbors.KNeighborsClassifier"])
async def test_digests_come_with_reasons_whatever_classifier_is_put_in(
    sqlite_store: Store, clock: Clock, path: str
) -> None:
    bot = harness_over(sqlite_store, clock, taste=TasteSettings(estimator=path))
    await bot.invite()
    await bot.say("settings bar 0")
    await bot.list_papers(demo_papers()[:100])
    for paper in demo_papers()[:100:10]:
        await bot.say(f"more {paper.id}")
    await bot.next_morning()
    await bot.list_papers(demo_papers()[100:])
    await bot.beat()
    whys = [one.message.card.why for one in bot.chat.shown["c1"] if one.message.card]
    assert len(whys) == 5
    assert any(why.startswith("because you liked “") for why in whys)
    assert "Words it likes: " in (await bot.say("taste")).text
