"""Another classifier in the place of the solver: what it picks, why, and what happens when it fails."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from recommender import Baseline, EstimatorError, Profile, Recommender, TasteClassifier, load_estimator
from tests.recommender.papers import NOW, library, votes

FEEDBACK = [*votes("federated-1", "federated-2", "physics-3"), *votes("vision-1", "vision-2", value=-1.0)]
CANDIDATES = [paper.id for paper in library() if paper.id not in {vote.paper_id for vote in FEEDBACK}]
LINEAR = (LogisticRegression(C=3.0), SGDClassifier(random_state=0), SVC(kernel="linear"), TasteClassifier())
OTHERS = (RandomForestClassifier(n_estimators=30), SVC())


class Failing:
    """A classifier without scikit-learn's base classes. It fails at one of its steps."""

    def __init__(self, step: str = "", value: float = np.nan) -> None:
        self.step, self.value = step, value

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        if self.step == "fit":
            raise ZeroDivisionError
        return self

    def decision_function(self, X: Any) -> Any:  # noqa: N803
        if self.step == "score" and X.shape[0] == len(CANDIDATES):
            raise RuntimeError("No more memory.\nTry again.")
        return np.full(X.shape[0] + (self.step == "shape"), self.value if self.step == "value" else 1.0)


class Deaf:
    """A classifier that takes no weights."""

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        return self


class Mute:
    """A classifier that gives no scores."""

    def fit(self, X: Any, y: Any, sample_weight: Any) -> Self:  # noqa: N803
        return self


def picked(engine: Recommender, **options: Any) -> list[str]:
    return [pick.paper_id for pick in engine.pick(FEEDBACK, CANDIDATES, 5, now=NOW, **options)]


# Its picks, and why


@pytest.mark.parametrize("estimator", LINEAR + OTHERS, ids=lambda each: type(each).__name__)
def test_a_classifier_picks_what_is_liked_and_says_why(engine: Recommender, estimator: Any) -> None:
    custom = engine.with_estimator(estimator, pytest.fail)
    picks = custom.pick(FEEDBACK, CANDIDATES, 5, now=NOW)
    assert {pick.paper_id.partition("-")[0] for pick in picks} <= {"federated", "physics"}
    for pick in picks:
        liked = [reason.because for reason in pick.reasons]
        assert liked, pick
        assert {each.partition("-")[0] for each in liked if each} == {pick.paper_id.partition("-")[0]}
    ranked = custom.rank(FEEDBACK, CANDIDATES, now=NOW)
    assert ranked[0].paper_id == picks[0].paper_id
    [of_many] = custom.rank_many([(FEEDBACK, ())], CANDIDATES, 3, NOW)
    assert [each.score for each in of_many] == pytest.approx([each.score for each in ranked[:3]], abs=1e-4)
    assert ranked != engine.rank(FEEDBACK, CANDIDATES, now=NOW)


@pytest.mark.parametrize("estimator", LINEAR, ids=lambda each: type(each).__name__)
def test_the_reasons_of_a_linear_classifier_are_its_weights(engine: Recommender, estimator: Any) -> None:
    view = engine.with_estimator(estimator)._now()
    rows = view.features.matrix(view.snapshot.find(CANDIDATES))
    taste = view.learner.fit(Profile(tuple(FEEDBACK)), NOW)
    assert taste.custom
    assert taste.remainder is None
    alone = np.sort(taste.decision_function(rows))
    assert alone == pytest.approx(np.sort(rows.dot(taste.model.weights) + taste.model.bias), abs=1e-5)


def test_topics_and_mutes_count_beside_any_classifier(engine: Recommender) -> None:
    custom = engine.with_estimator(RandomForestClassifier(n_estimators=30))
    assert not any(each.startswith("federated") for each in picked(custom, topics=["-federated"]))
    with_topic = custom.pick(FEEDBACK, CANDIDATES, 5, now=NOW, topics=["tokens"])
    assert with_topic[0].paper_id.startswith("language")
    assert with_topic[0].reasons[0].topic == "tokens"


def test_a_classifier_answers_the_same_each_time_though_it_draws(engine: Recommender) -> None:
    forest = RandomForestClassifier(n_estimators=5)
    first, second = (engine.with_estimator(forest).rank(FEEDBACK, CANDIDATES, now=NOW) for _ in range(2))
    assert first == second
    assert not hasattr(forest, "estimators_"), "only copies are fitted"


@pytest.mark.parametrize("estimator", [LogisticRegression(C=1e-3), LogisticRegression(C=1e3), SVC(), OTHERS[0]])
def test_percentiles_compare_with_random_papers_whatever_the_scale_of_the_scores(estimator: Any) -> None:
    large = Recommender()
    large.add(library(120))
    custom = large.with_estimator(estimator, pytest.fail)
    shares = [pick.percentile for pick in custom.pick(FEEDBACK, CANDIDATES, 200, now=NOW)]
    assert max(shares) > 0.95
    assert min(shares) < 0.3
    kept = custom.pick(FEEDBACK, CANDIDATES, 200, now=NOW, bar=0.8)
    assert 0 < len(kept) < len(shares)
    assert all(pick.percentile >= 0.8 for pick in kept)
    assert kept[0].paper_id.partition("-")[0] in ("federated", "physics")


def test_a_classifier_that_takes_no_sparse_rows_gets_an_array(engine: Recommender) -> None:
    assert picked(engine.with_estimator(GaussianNB(), pytest.fail))[0].startswith("federated")


def test_a_digest_can_be_shared_with_the_built_in_classifier(engine: Recommender) -> None:
    forest = engine.with_estimator(RandomForestClassifier(n_estimators=30), pytest.fail)
    shared = forest.pick(FEEDBACK, CANDIDATES, 4, now=NOW, baseline=Baseline.BUILT_IN)
    assert sorted(pick.arm for pick in shared) == ["built-in", "built-in", "taste", "taste"]
    best = [each.paper_id for each in engine.rank(FEEDBACK, CANDIDATES, now=NOW)]
    assert min(best.index(pick.paper_id) for pick in shared if pick.arm == "built-in") < 2
    alone = engine.pick(FEEDBACK, CANDIDATES, 4, now=NOW, baseline=Baseline.BUILT_IN)
    assert {pick.arm for pick in alone} == {""}, "with itself it shares nothing"


def test_before_the_first_like_the_solver_goes_on(engine: Recommender) -> None:
    custom = engine.with_estimator(Failing("fit"), pytest.fail)
    for feedback in ([], votes("vision-1", value=-1.0), votes("vision-1", value=0.0)):
        assert custom.rank(feedback, CANDIDATES) == engine.rank(feedback, CANDIDATES)


def test_for_us_and_taste_ask_the_classifier_too(engine: Recommender) -> None:
    custom = engine.with_estimator(SVC(), pytest.fail)
    assert custom.search("learning", 5, feedback=FEEDBACK)
    assert "federated" not in {word.text for word in custom.taste(FEEDBACK).disliked}
    assert {"clients", "privacy"} <= {word.text for word in custom.taste(FEEDBACK).liked}


# When it fails


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        (Failing("fit"), "Failing can't be fitted: ZeroDivisionError."),
        (Failing("value"), "Failing can't score papers: it gives no finite number for each."),
        (Failing("value", np.inf), "Failing can't score papers: it gives no finite number for each."),
        (Failing("shape"), "Failing can't score papers: it gives no finite number for each."),
        (Deaf(), "Deaf has no method fit(X, y, sample_weight)."),
        (Mute(), "Mute has neither decision_function nor predict_proba."),
    ],
)
def test_where_a_classifier_fails_the_solver_goes_on_and_one_sentence_says_why(
    engine: Recommender, failing: Any, told: str
) -> None:
    heard: list[str] = []
    custom = engine.with_estimator(failing, heard.append)
    assert custom.pick(FEEDBACK, CANDIDATES, 5, now=NOW) == engine.pick(FEEDBACK, CANDIDATES, 5, now=NOW)
    assert heard == [told]
    assert picked(engine.with_estimator(failing)) == picked(engine), "also where nobody listens"


def test_where_a_classifier_fails_with_the_days_papers_alone_the_solver_scores_them(engine: Recommender) -> None:
    heard: list[str] = []
    found = picked(engine.with_estimator(Failing("score"), heard.append))
    assert {each.partition("-")[0] for each in found} <= {"federated", "physics"}
    assert set(heard) == {"Failing can't score papers: No more memory."}


def test_a_classifier_that_finds_all_papers_alike_fails_nothing(engine: Recommender) -> None:
    assert len(picked(engine.with_estimator(Failing(), pytest.fail))) == 5


def test_one_class_of_papers_is_told_and_the_solver_goes_on() -> None:
    tiny, heard = Recommender(), list[str]()
    tiny.add(library(1)[:2])
    liked = votes("federated-0", "vision-0")
    custom = tiny.with_estimator(LogisticRegression(), heard.append)
    assert custom.rank(liked, ["federated-0"]) == tiny.rank(liked, ["federated-0"])
    assert "only one class" in heard[0]


# By its import path


def test_a_classifier_is_loaded_by_its_import_path_with_its_parameters() -> None:
    assert load_estimator("sklearn.linear_model.LogisticRegression", {"C": 0.5}).C == 0.5
    assert isinstance(load_estimator("recommender.TasteClassifier", {}), TasteClassifier)
    assert isinstance(load_estimator(f"{__name__}.Failing", {"step": ""}), Failing)


@pytest.mark.parametrize(
    ("path", "parameters", "told"),
    [
        ("LogisticRegression", {}, "'LogisticRegression' is no import path like sklearn.linear_model."),
        ("", {}, "'' is no import path"),
        ("sklearn.linear.X", {}, "sklearn.linear can't be imported: No module named 'sklearn.linear'."),
        ("sklearn.linear_model.LogisticRegresion", {}, "no class LogisticRegresion. Did you mean LogisticRegression?"),
        ("sklearn.__version__", {}, "sklearn has no class __version__."),
        ("sklearn.svm.SVC", {"c": 1}, "SVC can't be made with these parameters: .*unexpected keyword argument 'c'"),
        ("sklearn.svm.SVC", {"C": -1}, "SVC can't be fitted: The 'C' parameter of SVC must be a float"),
        ("sklearn.neighbors.KNeighborsClassifier", {}, r"has no method fit\(X, y, sample_weight\)."),
        ("sklearn.linear_model.LinearRegression", {}, "has neither decision_function nor predict_proba."),
        ("sklearn.naive_bayes.MultinomialNB", {}, "can't be fitted: Negative values in data"),
        ("os.getcwd", {}, r"str has no method fit\(X, y, sample_weight\)."),
    ],
)
def test_a_classifier_that_can_not_be_used_is_told_in_one_sentence(
    path: str, parameters: dict[str, Any], told: str
) -> None:
    with pytest.raises(EstimatorError, match=told) as raised:
        load_estimator(path, parameters)
    assert "\n" not in str(raised.value)
