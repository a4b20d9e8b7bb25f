"""`paperboy jobs`: the queue that hands work out to several processes."""

from __future__ import annotations

import json

from bot.model.text import count
from bot.operate.context import opened_store
from bot.operate.output import UsageError, out
from bot.settings import Settings
from bot.store.database import parsed_url


async def print_jobs(settings: Settings, *, retry: bool, as_json: bool) -> None:
    """Print how many jobs of each kind wait, and which have failed for good; with `retry`, try these again first."""
    if parsed_url(settings.store_url).get_backend_name() == "sqlite":
        raise UsageError("On SQLite one process does all work at once: there is no queue. The log tells of failures.")
    from bot.jobs.postgres_queue import PostgresQueue  # imports the engine, which SQLite does without

    async with opened_store(settings) as store:
        queue = PostgresQueue(store)
        await queue.prepare()
        retried = await queue.retry_failed() if retry else 0
        waiting, failed = (await queue.counts()).waiting, await queue.failed()
    if as_json:
        rows = [{"kind": job.kind, "keys": job.keys, "reason": job.reason} for job in failed]
        out(json.dumps({"waiting": waiting, "failed": rows, "retried": retried}, ensure_ascii=False, indent=1))
        return
    if retried:
        out(f"{count(retried, 'job')} will be tried again.")
    for kind, number in sorted(waiting.items()):
        out(f"{kind}: {count(number, 'job')} waiting or running.")
    for job in failed:
        out(f"{job.kind}: failed for good, {count(job.keys, 'key')}: {job.reason}")
    if not (waiting or failed):
        out("Nothing waits, and nothing has failed for good.")
