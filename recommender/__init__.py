"""Papers in, picks out: learns a channel's taste from its feedback. Pure and deterministic; no chat, SQL or HTTP."""

from recommender.engine import Recommender
from recommender.errors import CorruptIndexError, IndexBusyError, NewerIndexError, RecommenderError
from recommender.paper import Paper
from recommender.picking.baselines import Rival
from recommender.picking.picks import TASTE
from recommender.search.snippets import snippet
from recommender.values import (
    Completion,
    Contender,
    Explanation,
    Feedback,
    Hit,
    Pick,
    Ranked,
    Reason,
    Remark,
    Taste,
    Trouble,
    Understood,
    Word,
)

__all__ = [
    "TASTE",
    "Completion",
    "Contender",
    "CorruptIndexError",
    "Explanation",
    "Feedback",
    "Hit",
    "IndexBusyError",
    "NewerIndexError",
    "Paper",
    "Pick",
    "Ranked",
    "Reason",
    "Recommender",
    "RecommenderError",
    "Remark",
    "Rival",
    "Taste",
    "Trouble",
    "Understood",
    "Word",
    "snippet",
]
