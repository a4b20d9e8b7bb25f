"""Charts for tests: usual ones, and any."""

from __future__ import annotations

from hypothesis import strategies as st

from bot.model.charts import Bar, BarChart, BarGroup, Chart, Series, Share, ShareChart

TASTE = BarChart(
    "What this channel likes and avoids",
    "Words it likes: federated learning, privacy. Words it avoids: survey. Categories it likes: cs.LG.",
    (
        BarGroup("Words", (Bar("federated learning", 2.0), Bar("privacy", 1.0), Bar("survey", -1.5))),
        BarGroup("Categories", (Bar("cs.LG", 0.5),)),
    ),
)
STATS = ShareChart(
    "Liked picks, week by week",
    "Week of 2 Mar: 2 of 3 picks liked. Week of 9 Mar: 0 of 3 picks liked.",
    ("2 Mar", "9 Mar", "16 Mar"),
    (
        Series("picks that somebody liked", (Share(2, 3), Share(0, 3), Share(3, 3))),
        Series("most upvoted papers that came here too", (Share(1, 2), Share(0, 0), Share(1, 4))),
    ),
)

texts = st.text(max_size=20) | st.sampled_from(["W" * 700, "i" * 700, "́" * 70, "推薦" * 50, "a\ud800b", "\ufffe"])
bars = st.builds(Bar, texts, st.floats() | st.sampled_from([0.0, 5e-324, 1.7e308, -1.7e308]))
bar_charts = st.builds(
    BarChart,
    texts,
    texts,
    st.lists(st.builds(BarGroup, texts, st.lists(bars, max_size=30).map(tuple)), max_size=5).map(tuple),
)
counts = st.integers(-3, 40) | st.integers(-(10**30), 10**30)
shares = st.lists(st.builds(Share, counts, counts), max_size=20).map(tuple)
share_charts = st.builds(
    ShareChart,
    texts,
    texts,
    st.lists(texts, max_size=20).map(tuple),
    st.lists(st.builds(Series, texts, shares), max_size=4).map(tuple),
)
charts: st.SearchStrategy[Chart] = st.one_of(bar_charts, share_charts)
