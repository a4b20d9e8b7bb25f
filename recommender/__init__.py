"""Papers in, picks out: learns a channel's taste from its feedback. Pure and deterministic; no chat, SQL or HTTP."""

from typing import TYPE_CHECKING, Any

from recommender.engine import Recommender
from recommender.errors import CorruptIndexError, EstimatorError, IndexBusyError, NewerIndexError, RecommenderError
from recommender.learning.custom_estimator import load_estimator
from recommender.paper import Paper
from recommender.picking.baselines import Baseline
from recommender.picking.picks import TASTE_ARM, PickOptions
from recommender.search.snippets import snippet
from recommender.values import (
    Completion,
    Explanation,
    Feedback,
    Hit,
    IssueKind,
    Pick,
    Profile,
    QueryInterpretation,
    QueryIssue,
    Ranked,
    Reason,
    ReasonBasis,
    Recommendation,
    Standing,
    Taste,
    Word,
)

if TYPE_CHECKING:
    from recommender.estimators import PaperVectorizer, TasteClassifier

__all__ = [
    "TASTE_ARM",
    "Baseline",
    "Completion",
    "CorruptIndexError",
    "EstimatorError",
    "Explanation",
    "Feedback",
    "Hit",
    "IndexBusyError",
    "IssueKind",
    "NewerIndexError",
    "Paper",
    "PaperVectorizer",
    "Pick",
    "PickOptions",
    "Profile",
    "QueryInterpretation",
    "QueryIssue",
    "Ranked",
    "Reason",
    "ReasonBasis",
    "Recommendation",
    "Recommender",
    "RecommenderError",
    "Standing",
    "Taste",
    "TasteClassifier",
    "Word",
    "load_estimator",
    "snippet",
]


def __getattr__(name: str) -> Any:
    """The estimators. They are imported when they are first asked for: scikit-learn takes half a second to import."""
    if name in ("PaperVectorizer", "TasteClassifier"):
        from recommender import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
