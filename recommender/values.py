"""The values that the recommender takes, besides papers, and the values that it returns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from recommender.paper import Paper

WORDS = "\n"
"""The first character of `paper_id` in a vote on words. No id of a paper begins with it."""


class Feedback(NamedTuple):
    """One member's vote on a paper, or (`value` 0, no member) a shown paper that nobody reacted to. `on_words` makes a
    vote on all papers that have some words.

    `value` is in −1…1. `at` is in UTC if it has no time zone. `member` is any name of the member. `glance` says that
    the paper was shown as one title in a list, where a missing reaction means little. `paper` is the paper itself if it
    is not in the index: the taste learns from it, and no search finds it.
    """

    paper_id: str
    value: float
    at: datetime
    member: str | None = None
    glance: bool = False
    paper: Paper | None = None

    @classmethod
    def on_words(cls, words: str, value: float, at: datetime, member: str | None = None) -> Feedback:
        """A vote for more (above 0) or less of the papers that match a query. It counts, fades, is bounded and can be
        taken back like a vote on a paper."""
        return cls(WORDS + words, value, at, member)


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything that a channel's taste is learned from: its feedback, the topics it follows or mutes (with a minus in
    front), and the votes of neighbouring channels that it may begin with (see learning/prior.py)."""

    feedback: tuple[Feedback, ...] = ()
    topics: tuple[str, ...] = ()
    neighbours: tuple[Feedback, ...] = ()

    @property
    def votes(self) -> int:
        """The number of votes that stand."""
        return sum(1 for vote in self.feedback if vote.value)

    @property
    def members(self) -> int:
        """The number of members who cast these votes."""
        return len({vote.member for vote in self.feedback if vote.value})

    @property
    def has_taste(self) -> bool:
        """Whether there is a like or a followed topic to prefer a paper for."""
        return any(vote.value > 0 for vote in self.feedback) or any(topic[0] != "-" for topic in self.topics)


@dataclass(frozen=True, slots=True)
class Hit:
    """A paper found by a search. Scores compare within one answer only."""

    paper_id: str
    score: float


class Ranked(NamedTuple):
    """A candidate and its score. Scores compare within one channel at one moment only. A tuple, because each answer has
    hundreds of them."""

    paper_id: str
    score: float


class ReasonBasis(StrEnum):
    """The basis of a reason."""

    TASTE = "taste"
    """The channel's own likes."""
    TYPICAL = "typical"
    """The subjects of the day: many of the candidates are about this."""
    POPULAR = "popular"
    """The upvotes of the source's readers."""
    NEIGHBOURS = "neighbours"
    """The likes of the workspace's other channels."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a pick, from the weights of the model: its words as written, and their teacher, which is a liked
    paper (`because`, an id), a `topic` (as subscribed) or the `asked` words of a vote. `weight` is the part of this
    reason in the score. In a channel without likes the `basis` is not the taste."""

    words: tuple[str, ...]
    because: str | None = None
    topic: str | None = None
    weight: float = 0.0
    asked: str | None = None
    basis: ReasonBasis = ReasonBasis.TASTE


@dataclass(frozen=True, slots=True)
class Pick:
    """A paper to post. `percentile` (0…1) is the share of random papers that this channel's taste scores lower. `guess`
    marks the one paper that is posted to learn what the channel thinks of it. `arm` names the ranking that picked it,
    in a digest shared with a baseline."""

    paper_id: str
    score: float
    reasons: tuple[Reason, ...] = ()
    guess: bool = False
    percentile: float = 0.0
    arm: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, bigram or category and its weight (negative: disliked)."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a paper would or would not be picked: its score and percentile, the reasons for it, the words against it, the
    words that the channel asked for less of (`unwanted`, as typed), and the muting topic that keeps it out, if any."""

    paper_id: str
    score: float
    percentile: float
    reasons: tuple[Reason, ...] = ()
    against: tuple[Word, ...] = ()
    muted_by: str | None = None
    unwanted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing of one candidate: its place by score (1 is the best) `among` so many candidates, whether it is
    `picked` (perhaps as the guess), whether it is `below` the bar, and the id of a pick that is nearly the same paper
    (`twin`)."""

    place: int
    among: int
    picked: bool
    below: bool
    twin: str | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The content of a digest: the picks, and the ids of the titles listed below them. Where there are no picks,
    `lower_bar_would_help` says whether the bar is what kept all candidates out. `from_neighbours` says that the likes
    of other channels took part, in a channel without likes of its own."""

    picks: tuple[Pick, ...] = ()
    titles: tuple[str, ...] = ()
    lower_bar_would_help: bool = False
    from_neighbours: bool = False


@dataclass(frozen=True, slots=True)
class Taste:
    """A channel's taste in words, strongest first. `votes` counts the likes and dislikes that stand, `members` who cast
    them."""

    liked: tuple[Word, ...] = ()
    disliked: tuple[Word, ...] = ()
    liked_categories: tuple[Word, ...] = ()
    disliked_categories: tuple[Word, ...] = ()
    votes: int = 0
    members: int = 0


class IssueKind(StrEnum):
    """The kind of problem with a part of a query."""

    MEANINGLESS = "meaningless"  # also for one part too many
    EVERYDAY = "everyday"  # only stop words
    NO_DAY = "no day"
    NO_DAYS = "no days"  # after a day, and before an earlier one
    NO_CATEGORY = "no category"
    NO_PAPER = "no paper"
    NO_AUTHOR = "no author"
    PART_OF_NAME = "part of a name"


@dataclass(frozen=True, slots=True)
class QueryIssue:
    """A problem with a part of a query, and the values near to that part, if any."""

    part: str
    kind: IssueKind
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryInterpretation:
    """How a query was interpreted.

    `corrected`: pairs of a word as written and its correction. `issues`: problems with parts of the query.
    `suggestion`: the whole query with its corrections ("did you mean"), or None if it was searched as written.
    `relaxed_phrases`: the phrases that no paper has word for word, which were read as their words. `added_terms`: pairs
    of a word that hardly any paper has and the frequent word that was searched for as well.
    """

    text: str
    corrected: tuple[tuple[str, str], ...] = ()
    issues: tuple[QueryIssue, ...] = ()
    suggestion: str | None = None
    relaxed_phrases: tuple[str, ...] = ()
    added_terms: tuple[tuple[str, str], ...] = ()

    @property
    def answered(self) -> str:
        """The query with all words that were searched for."""
        return " ".join([self.suggestion or self.text, *(word for _, word in self.added_terms)])


@dataclass(frozen=True, slots=True)
class Completion:
    """Completions of a query that is still being typed, the most probable first: the query with its last word
    completed, and papers by their titles."""

    queries: tuple[str, ...] = ()
    paper_ids: tuple[str, ...] = ()
