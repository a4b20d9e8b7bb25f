"""`python -m tests.benchmarks.scale`: many channels due at the same moment, served by 1, 2 and 4 workers on PostgreSQL.

Each worker is `paperboy worker` in a process of its own. Slack is another process on the loopback, which answers a post
after 0.13 to 0.38 s, as Slack does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa

from tests.benchmarks.corpus import paper_files
from tests.benchmarks.scale_run import KEY, Served, serve
from tests.benchmarks.scale_store import Size, build
from tests.fakes.postgres import Postgres, running_postgres

SERVER = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "max_connections": "200",
}
"""Settings of a PostgreSQL that keeps its word, with some memory."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder of papers; else made up")
    parser.add_argument("--channels", type=_numbers, default=[1_000], help="how many, as 1000,10000")
    parser.add_argument(
        "--papers", type=_numbers, default=[20_000], help="how many were listed before, as 10000,129000"
    )
    parser.add_argument("--workers", type=_numbers, default=[1, 2, 4])
    parser.add_argument("--command", default="worker", help="the program's verb")
    parser.add_argument("--json", type=Path, help="a file to which the figures are added")
    options = parser.parse_args()
    rows: list[Served] = []
    with tempfile.TemporaryDirectory() as temporary, running_postgres(own=True, **SERVER) as server:
        folder = Path(temporary)
        file = _papers(options.data, folder, max(options.papers) + 1_000)
        for papers in options.papers:
            for channels in options.channels:
                store = server.create()
                print(f"Building a store of {channels:,} channels and {papers:,} papers …", file=sys.stderr, flush=True)
                asyncio.run(build(store, Size(channels, papers), file, KEY))
                for workers in options.workers:
                    rows.append(_served(server, store, folder, papers, workers, options.command))
                    print(table(rows), flush=True)
                    if options.json:
                        with options.json.open("a") as added:
                            added.write(json.dumps(asdict(rows[-1])) + "\n")
                server.drop(store)
    return int(any(row.lost or row.doubled for row in rows))


def _served(server: Postgres, store: sa.URL, folder: Path, papers: int, workers: int, command: str) -> Served:
    """One run on a copy of the store."""
    copy = server.create(template=str(store.database))
    try:
        with tempfile.TemporaryDirectory(dir=folder) as home:
            return serve(server, copy, Path(home), papers, workers, command.split())
    finally:
        server.drop(copy)


def _papers(data: Path | None, folder: Path, count: int) -> Path:
    """A file of at least so many papers."""
    first, second = paper_files(data, folder)
    both = folder / "both.jsonl.gz"
    # Gzipped files may follow one another.
    both.write_bytes(first.read_bytes() + second.read_bytes())
    return both if data else first


def table(rows: Sequence[Served]) -> str:
    """The runs as lines of text. `efficiency` is beside the run with the fewest workers on the same store; processor
    time is for each channel."""
    head = "channels  papers workers  planned     done efficiency  workers  server  memory      posts lost doubled"
    lines = [head]
    for row in rows:
        [first, *_] = [one for one in rows if (one.channels, one.papers) == (row.channels, row.papers)]
        efficiency = first.done * first.workers / (row.done * row.workers)
        cells = (
            *(
                f"{row.channels:8,}",
                f"{row.papers:7,}",
                f"{row.workers:7}",
                f"{row.planned:6.0f} s",
                f"{row.done:6.0f} s",
            ),
            *(f"{efficiency:10.2f}", f"{row.a_channel(row.client):5.1f} ms", f"{row.a_channel(row.server):4.1f} ms"),
            *(f"{row.memory:3.0f} MiB", f"{row.posts:10,}", f"{row.lost:4}", f"{row.doubled:7}"),
        )
        lines.append(" ".join(cells))
    return "\n".join(lines)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
