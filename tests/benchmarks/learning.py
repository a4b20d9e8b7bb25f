"""Lives of channels: how often five cards a day are liked, by what a channel knew on its first day.

`python -m tests.benchmarks.learning FOLDER [PICTURE.svg]` prints the table of docs/how-it-learns.md and draws a curve.
A channel posts five of the day's papers for a hundred days and learns from what its curator really picked. Eight
channels of each kind begin six days apart: a loop that feeds on its own picks is noisy, and only means count.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender import Feedback, Paper, Recommender
from recommender.formats import ChannelFeedback, read_feedback
from tests.benchmarks.corpus import papers
from tests.benchmarks.figures import Figure

WARM, DAYS, STARTS, APART, CARDS, TITLES, TAUGHT = 20, 100, 8, 6, 5, 10, 10
"""Days before the first channel begins; a channel's days; channels of a kind, and days between their beginnings."""
_FEWEST_PAPERS = 50
"""Below which a day is no day of announcements."""
_FEWEST_PICKS = 100
"""Of the papers that are listed, below which nothing can be said of a curator."""
_EARLY = 10
_CHANCE = 0.02
"""What luck may add: of a narrow subject nearly all is found by anybody, and one card in five is a guess."""

Days = Mapping[date, Sequence[Paper]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a channel has on its first day: nothing, ten papers, a topic line, or neighbours; whether titles stand below
    its cards; and who picks, this bot or `rocchio` or `chance`."""

    name: str
    taught: int = 0
    topic: bool = False
    neighbours: bool = False
    titles: int = 0
    picks: str = "taste"


KINDS = (
    Kind("chance", picks="chance"),
    Kind("Rocchio", picks="rocchio"),
    Kind("nothing known"),
    Kind("a topic line", topic=True),
    Kind("neighbours who like the same", neighbours=True),
    Kind("ten papers, Rocchio", taught=TAUGHT, picks="rocchio"),
    Kind("ten papers", taught=TAUGHT),
    Kind("ten papers, and titles", taught=TAUGHT, titles=TITLES),
)


@dataclass(slots=True)
class Life:
    """One channel: `stream` is its feedback so far, `liked` the share of each day's cards that were liked."""

    kind: Kind
    begins: int
    stream: list[Feedback]
    neighbours: tuple[Feedback, ...] = ()
    topics: tuple[str, ...] = ()
    liked: list[float] = field(default_factory=list)


def run(data: Path, file: Path) -> list[Figure]:
    """How many of a taught channel's cards are not liked, beside Rocchio's, for each curator in `data`."""
    days, figures = _days(file), []
    for name, likes in curators(data, days).items():
        lived = live(days, likes, name, [kind for kind in KINDS if kind.taught and not kind.titles])
        missed = {kind.name: 1 - float(liked.mean()) for kind, liked in lived.items()}
        print(f"{name}: {_row(lived)}", flush=True)
        ours, theirs = missed["ten papers"], missed["ten papers, Rocchio"]
        figures.append(Figure(f"{name}: cards not liked (Rocchio)", ours, theirs, "", 1 + _CHANCE))
    return figures


def curators(data: Path, days: Days) -> dict[str, set[str]]:
    """What each channel of the feedback files in `data` picked, where enough of it was listed."""
    picked: dict[str, set[str]] = defaultdict(set)
    for likes in [*data.rglob("likes.jsonl"), *data.rglob("likes.jsonl.gz")]:
        if "channel" in _first_line(likes):
            for item in read_feedback(likes):
                if isinstance(item, ChannelFeedback) and item.feedback.value > 0:
                    picked[item.channel].add(item.feedback.paper_id)
    listed = {paper.id for some in days.values() for paper in some}
    return {name: ids for name, ids in sorted(picked.items()) if len(ids & listed) >= _FEWEST_PICKS}


def live(
    days: Days, likes: set[str], name: str, kinds: Sequence[Kind], community: set[str] | None = None
) -> dict[Kind, NDArray[np.float64]]:
    """For each kind the share of liked cards (channels, days). With a `community`, its picks of the days before have
    upvotes, as a source tells them."""
    every = sorted(days)
    engine, warm = Recommender(), every[:WARM]
    known = [paper for day in warm for paper in days[day]]
    engine.add(replace(paper, upvotes=20 if community and paper.id in community else 0) for paper in known)
    before = _nine(warm[-1])
    loved = [paper.id for paper in known if paper.id in likes]
    around = tuple(Feedback(paper_id, 1.0, _nine(warm[0]), "neighbour") for paper_id in loved)
    lives = [
        Life(
            kind,
            start * APART,
            [Feedback(paper_id, 1.0, before, "curator") for paper_id in _draw(loved, kind.taught, start)],
            around if kind.neighbours else (),
            (name.replace("-", " "),) if kind.topic else (),
        )
        for kind in kinds
        for start in range(STARTS)
    ]
    for number, day in enumerate(every[WARM : WARM + DAYS + APART * (STARTS - 1)]):
        engine.add(days[day])
        for life in lives:
            if life.begins <= number < life.begins + DAYS:
                _live_one_day(life, engine, [paper.id for paper in days[day]], likes, _nine(day))
    return {kind: np.array([life.liked for life in lives if life.kind == kind]) for kind in kinds}


def _live_one_day(life: Life, engine: Recommender, candidates: Sequence[str], likes: set[str], now: datetime) -> None:
    said, seed = life.stream, len(life.stream) + life.begins
    cards = _PICKERS[life.kind.picks](life, engine, candidates, now, seed)
    titles = []
    if life.kind.titles:
        titles = engine.list_titles(said, candidates, cards, life.kind.titles, life.topics, now, seed, life.neighbours)
    life.liked.append(sum(paper_id in likes for paper_id in cards) / CARDS)
    shown = [*((one, False) for one in cards), *((one.paper_id, True) for one in titles)]
    life.stream += [
        Feedback(one, 1.0, now, "curator") if one in likes else Feedback(one, 0.0, now, glance=glance)
        for one, glance in shown
    ]


def _by_taste(life: Life, engine: Recommender, candidates: Sequence[str], now: datetime, seed: int) -> list[str]:
    picks = engine.pick(life.stream, candidates, CARDS, life.topics, now, seed, neighbours=life.neighbours)
    return [pick.paper_id for pick in picks]


def _by_chance(life: Life, engine: Recommender, candidates: Sequence[str], now: datetime, seed: int) -> list[str]:
    return list(np.random.default_rng(seed).choice(candidates, CARDS, replace=False))


def _by_rocchio(life: Life, engine: Recommender, candidates: Sequence[str], now: datetime, seed: int) -> list[str]:
    """The candidates nearest to the mean of what was liked less that of 300 papers (Rocchio 1971), on the same rows."""
    view = engine._now()
    liked = view.snapshot.find([one.paper_id for one in life.stream if one.value > 0])
    if not len(liked):
        return _by_chance(life, engine, candidates, now, seed)
    mean = view.features.rows(liked).mean(axis=0) - view.features.rows(view.snapshot.sample(300)).mean(axis=0)
    scores = view.features.rows(view.snapshot.find(candidates)) @ mean
    return [candidates[at] for at in np.argsort(-scores, kind="stable")[:CARDS]]


_PICKERS: Mapping[str, Callable[[Life, Recommender, Sequence[str], datetime, int], list[str]]] = {
    "taste": _by_taste,
    "chance": _by_chance,
    "rocchio": _by_rocchio,
}


def _days(file: Path) -> Days:
    by_day: dict[date, list[Paper]] = defaultdict(list)
    for paper in papers(file):
        if paper.published:
            # Which papers lack authors is an accident of how they were collected, and tells.
            by_day[paper.published].append(replace(paper, authors=(), upvotes=0))
    return {day: some for day, some in by_day.items() if len(some) >= _FEWEST_PAPERS}


def _draw(loved: Sequence[str], count: int, start: int) -> list[str]:
    return list(np.random.default_rng(start).choice(loved, min(count, len(loved)), replace=False))


def _nine(day: date) -> datetime:
    return datetime.combine(day, time(9), UTC)


def _first_line(file: Path) -> str:
    import gzip

    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
        return lines.readline()


def _row(lived: Mapping[Kind, NDArray[np.float64]]) -> str:
    return "; ".join(
        f"{kind.name} {liked.mean():.3f} ± {liked.mean(axis=1).std():.3f}, at first {liked[:, :_EARLY].mean():.3f}"
        for kind, liked in lived.items()
    )


def _rows(name: str, lived: Mapping[Kind, NDArray[np.float64]]) -> Iterator[str]:
    for kind, liked in lived.items():
        early, spread = liked[:, :_EARLY].mean(), liked.mean(axis=1).std()
        yield f"| {name} | {kind.name} | {early:.3f} | {liked.mean():.3f} | {spread:.3f} |"


def _draw_curve(picture: Path, name: str, lived: Mapping[Kind, NDArray[np.float64]]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "paperboy", "font.size": 10})
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    window = np.ones(_EARLY) / _EARLY
    for kind, liked in lived.items():
        line = "--" if kind.picks != "taste" else "-"
        axes.plot(np.arange(_EARLY, DAYS + 1), np.convolve(liked.mean(axis=0), window, "valid"), line, label=kind.name)
    axes.set(
        xlabel="day of the channel's life (mean of ten days)",
        ylabel="share of the five cards that are liked",
        title=f"Channels that like what {name} picked",
        ylim=(0, None),
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, metadata={"Date": None})


def main(data: Path, file: Path, picture: Path | None) -> None:
    """Print every kind for every curator, and draw the curve of the one with most picks."""
    days = _days(file)
    found = curators(data, days)
    broadest = max(found, key=lambda name: len(found[name]))
    print("| curator | on its first day | P@5, first ten days | P@5 | spread |\n|---|---|---|---|---|", flush=True)
    for name, likes in found.items():
        lived = live(days, likes, name, KINDS)
        print("\n".join(_rows(name, lived)), flush=True)
        if picture and name == broadest:
            _draw_curve(picture, name, lived)
        elif name != broadest:
            lines = [kind for kind in KINDS if kind.topic or kind.name == "nothing known"]
            prior = live(days, likes, name, lines, community=found[broadest])
            print("\n".join(_rows(f"{name}, with what {broadest} picked before", prior)), flush=True)


if __name__ == "__main__":
    from tests.benchmarks.corpus import paper_files

    folder = Path(sys.argv[1])
    main(folder, paper_files(folder, folder)[0], Path(sys.argv[2]) if sys.argv[2:] else None)
