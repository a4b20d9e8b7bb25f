"""`python -m tests.benchmarks.bare SECRET`: a web server that verifies Slack's signature, says "received", no more."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.web.server import serving


async def main(secret: str) -> None:
    """Serve until interrupted; the address is printed."""
    verifier = SignatureVerifier(secret)

    async def told(request: web.Request) -> web.Response:
        signed = verifier.is_valid_request(await request.read(), dict(request.headers))
        return web.Response(status=200 if signed else 401)

    async with serving([web.post("/slack/events", told)], "127.0.0.1", 0) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
