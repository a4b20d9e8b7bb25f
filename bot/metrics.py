"""What the bot counts for Prometheus. The names are those of dashboards and alerts: they stay.

Counters and times grow in the process that does the work. What the store knows (digests that are late, posts that wait)
is read when somebody asks for the metrics: see `bot/page/health.py`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0)
"""Bounds of the buckets of times. Slack waits three seconds for an acknowledgement."""

POSTS = Counter("paperboy_posts", "Posts that came to an end: sent, failed or dropped.", ["state"], registry=REGISTRY)
VOTES = Counter("paperboy_votes", "Votes that changed by a reaction.", ["platform"], registry=REGISTRY)
SOURCE_RUNS = Counter("paperboy_source_runs", "Readings of sources.", ["outcome"], registry=REGISTRY)
EVENT_SECONDS = Histogram(
    "paperboy_event_seconds",
    "Time until a reaction is stored, and its platform can be told so.",
    ["platform"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
ANSWER_SECONDS = Histogram(
    "paperboy_answer_seconds", "Time to answer a line of a member.", ["platform"], buckets=_SECONDS, registry=REGISTRY
)
PAGE_SECONDS = Histogram(
    "paperboy_page_seconds",
    "Time to answer a request over HTTP.",
    ["route", "status"],
    buckets=_SECONDS,
    registry=REGISTRY,
)

DIGEST_LATE_SECONDS = Gauge(
    "paperboy_digest_late_seconds",
    "How late the digest is that is not planned or not all sent, the longest; 0 if none.",
    registry=REGISTRY,
)
DIGESTS_DUE = Gauge("paperboy_digests_due", "Channels whose digest is due and not planned yet.", registry=REGISTRY)
POSTS_WAITING = Gauge(
    "paperboy_posts_waiting", "Posts that are planned, being sent or uncertain.", ["state"], registry=REGISTRY
)
EVENTS_WAITING = Gauge("paperboy_events_waiting", "Events that are stored and not processed yet.", registry=REGISTRY)
CHANNELS = Gauge("paperboy_channels", "Channels by state.", ["platform", "state"], registry=REGISTRY)
PAPERS = Gauge("paperboy_papers", "Papers of sources in the store.", registry=REGISTRY)
INDEX_BEHIND = Gauge(
    "paperboy_index_behind_revisions", "Changes to papers that the search index lacks.", registry=REGISTRY
)
SOURCES_FAILING = Gauge("paperboy_sources_failing", "Sources whose last reading failed.", registry=REGISTRY)
JOBS_WAITING = Gauge(
    "paperboy_jobs_waiting", "Jobs that wait or run in the queue of several processes.", ["kind"], registry=REGISTRY
)
JOBS_FAILED = Gauge("paperboy_jobs_failed", "Jobs of that queue that failed for good.", ["kind"], registry=REGISTRY)


def text() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)
