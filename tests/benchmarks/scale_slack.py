"""A Slack that only takes posts: it answers after as long as Slack takes, and counts how often it saw each key.

`python -m tests.benchmarks.scale_slack` prints its address. Its counts are at /counts.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import sys
from collections import Counter

from aiohttp import web

FASTEST, SLOWEST = 0.13, 0.38
"""Seconds that Slack's chat.postMessage was seen to take."""
_KEY, _CHANNEL = re.compile(rb'"key":\s*"([^"]+)"'), re.compile(rb'"channel":\s*"([^"]+)"')


class CountingSlack:
    """Every workspace and channel exists. The `keys` are the posts', with how often each came."""

    def __init__(self) -> None:
        self.keys = Counter[bytes]()
        self.others = Counter[str]()
        self._numbers, self._chance = itertools.count(1), random.Random(0)

    async def serve(self, request: web.BaseRequest) -> web.Response:
        method = request.path.rpartition("/")[2]
        if method == "counts":
            doubled = sum(count - 1 for count in self.keys.values())
            return web.json_response({"posts": self.keys.total(), "doubled": doubled, "others": self.others})
        body = await request.read()
        if method != "chat.postMessage":
            self.others[method] += 1
            return web.json_response({"ok": True, "channels": [], "messages": [], "members": []})
        key, channel = _KEY.search(body), _CHANNEL.search(body)
        assert key, body
        assert channel, body
        self.keys[key[1]] += 1
        await asyncio.sleep(self._chance.uniform(FASTEST, SLOWEST))
        ts = f"1790000000.{next(self._numbers):06}"
        return web.json_response({"ok": True, "channel": channel[1].decode(), "ts": ts, "message": {"ts": ts}})


async def _main() -> None:
    runner = web.ServerRunner(web.Server(CountingSlack().serve))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until the one who started it is gone


if __name__ == "__main__":
    asyncio.run(_main())
