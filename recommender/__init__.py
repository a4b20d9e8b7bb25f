"""Papers in, picks out: learns a channel's taste from its feedback. Pure and deterministic; no chat, SQL or HTTP."""

from recommender.engine import Recommender
from recommender.errors import CorruptIndexError, IndexBusyError, NewerIndexError, RecommenderError
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
    Recommendation,
    Standing,
    Taste,
    Word,
)

__all__ = [
    "TASTE_ARM",
    "Baseline",
    "Completion",
    "CorruptIndexError",
    "Explanation",
    "Feedback",
    "Hit",
    "IndexBusyError",
    "IssueKind",
    "NewerIndexError",
    "Paper",
    "Pick",
    "PickOptions",
    "Profile",
    "QueryInterpretation",
    "QueryIssue",
    "Ranked",
    "Reason",
    "Recommendation",
    "Recommender",
    "RecommenderError",
    "Standing",
    "Taste",
    "Word",
    "snippet",
]
