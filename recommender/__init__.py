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
    Pick,
    Profile,
    Ranked,
    Reason,
    Recommendation,
    Remark,
    Standing,
    Taste,
    Trouble,
    Understood,
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
    "NewerIndexError",
    "Paper",
    "Pick",
    "PickOptions",
    "Profile",
    "Ranked",
    "Reason",
    "Recommendation",
    "Recommender",
    "RecommenderError",
    "Remark",
    "Standing",
    "Taste",
    "Trouble",
    "Understood",
    "Word",
    "snippet",
]
