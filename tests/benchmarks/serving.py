"""Slack in HTTP mode under load: how soon the bot acknowledges while a digest for every workspace is being posted.

The bot is `paperboy run` in a process of its own; this process plays Slack and its people. The load is open: each act
has its moment, and its latency counts from there, whether or not those before it were answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bot.operate.context import opened_store
from bot.platforms.slack.listeners import EVENTS
from bot.settings import load
from bot.store import deliveries, votes
from bot.store.database import Store
from bot.store.states import PostState
from tests.benchmarks.figures import ROOT, Figure
from tests.benchmarks.teams import CARDS, Team, now_due, settle
from tests.fakes.slack import Delivery, FakeSlack, Message

_EMOJI = ("+1", "fire", "eyes", "-1")
_LINES = (
    *("federated learning", "diffusion transformer", "graph neural networks for molecules", "attenton is all you need"),
    *('"language models" reasoning cat:cs.CL', "robot learning for us", "speech recognition after:2025"),
    *("help", "today", "topics", "taste", "trending week", "settings", "saved", "stats"),
)
_SLACK_SECONDS = 0.1
"""How long the played Slack takes for each call of its Web API."""
_WITHIN = 0.3
_BARE_SECONDS = 3.0
_ADDRESS = re.compile(r"(?:listens on|page is at) (http\S+)\.[\"\n]")
"""The address of the server in the bot's log."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many workspaces, acts a second, and seconds; and how many seconds Slack waits for an acknowledgement."""

    workspaces: int = 200
    rate: float = 100.0
    seconds: float = 60.0
    patience: float = 3.0


@dataclass(slots=True)
class Told:
    """What became of the acts: seconds from each one's moment to its acknowledgement, and how many got none."""

    latencies: list[float] = field(default_factory=list)
    lost: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)

    def quantile(self, share: float) -> float:
        """Seconds within which that share of the acts was acknowledged."""
        return sorted(self.latencies)[min(int(share * len(self.latencies)), len(self.latencies) - 1)]


def run(folder: Path, size: Load | None = None) -> list[Figure]:
    """The load on the store in `folder`, which it changes."""
    return asyncio.run(_run(folder, size or Load()))


async def _run(folder: Path, size: Load) -> list[Figure]:
    settings = load(None, {}).model_copy(update={"data_dir": folder, "database_url": ""})
    async with FakeSlack(ack_within=size.patience) as slack, opened_store(settings) as store:
        slack.subscribed.clear()
        slack.subscribed.update(EVENTS)
        teams = await settle(settings, store, slack, size.workspaces)
        slack.faults.slow("*", _SLACK_SECONDS, times=sys.maxsize)
        slack.rates.on = True
        bare = await _bare(slack, teams, size.rate)
        async with bot_at_work(slack, folder):
            acts = list(acts_of(teams, int(size.rate * size.seconds), random.Random(1)))
            due = asyncio.create_task(_due_after(size.seconds / 10, store, teams))
            with without_pauses():
                told = await at_their_moments(acts, size.rate)
            took = await due
            unanswered = await _answered(slack, told)
            missing = await _posted(store, teams)
            took = time.perf_counter() - took
        wrong = await _miscounted(store, teams)
    print(
        f"{len(acts):,} acts at {size.rate:.0f}/s over {size.workspaces} workspaces ({_listed(told.by_kind)}): "
        f"acknowledged within {told.quantile(0.5) * 1e3:.0f} ms (p50), {told.quantile(0.99) * 1e3:.0f} ms (p99), "
        f"{max(told.latencies) * 1e3:.0f} ms (all), by a server that does nothing {bare * 1e3:.0f} ms (p99); "
        f"{told.lost} lost, {unanswered} unanswered, {wrong} reactions "
        f"miscounted; digests posted in {took:.0f} s, {missing} messages missing; {slack.rates.refused} calls refused "
        "by Slack's rates.",
        flush=True,
    )
    return [
        Figure("p99 of the acknowledgement (beside Slack's 3 s)", told.quantile(0.99), 3.0, "s", _WITHIN / 3.0),
        Figure("requests lost, or without their effect", told.lost + unanswered + wrong, len(acts), "", 0.0),
        Figure("messages of the digests missing", missing, size.workspaces * (1 + CARDS), "", 0.0),
    ]


async def _bare(slack: FakeSlack, teams: Sequence[Team], rate: float) -> float:
    """The p99 of the acknowledgement, in seconds, by a server that only says "received"."""
    command = (sys.executable, "-m", "tests.benchmarks.bare", slack.signing_secret)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            slack.listener = f"{(await asyncio.to_thread(server.stdout.readline)).strip()}/slack/events"
            rng = random.Random(0)
            spoken = [(rng.choice(teams), rng.choice(_LINES)) for _ in range(int(_BARE_SECONDS * rate))]
            acts: list[Act] = [("commands", partial(t.members[0].says, "/papers", line, t.room)) for t, line in spoken]
            told = await at_their_moments(acts, rate)
        finally:
            server.terminate()
    assert not told.lost
    return told.quantile(0.99)


@contextlib.asynccontextmanager
async def bot_at_work(slack: FakeSlack, folder: Path, **environment: str) -> AsyncIterator[None]:
    """`paperboy run` for this Slack, from when it listens until it has left cleanly."""
    environ = os.environ | {
        "PAPERBOY_DATA_DIR": str(folder),
        "PAPERBOY_SLACK__SIGNING_SECRET": slack.signing_secret,
        "PAPERBOY_SLACK__CLIENT_ID": slack.client_id,
        "PAPERBOY_SLACK__CLIENT_SECRET": slack.client_secret,
        "PAPERBOY_SLACK__API_URL": slack.api,
        "PAPERBOY_SOURCES__HUGGINGFACE__ENABLED": "false",
        "PAPERBOY_SOURCES__ARXIV__ENABLED": "false",
        "PAPERBOY_SCHEDULE__TICK_SECONDS": "1",
        "PAPERBOY_WEB__PORT": "0",
        **environment,
    }
    said = folder / "bot.log"
    with said.open("w") as log:
        bot = subprocess.Popen([sys.executable, "-m", "bot", "run"], env=environ, cwd=ROOT, stderr=log)
    try:
        await _until(lambda: _ADDRESS.search(said.read_text()) or bot.poll() is not None, 60)
        found = _ADDRESS.search(said.read_text())
        if not found:
            raise SystemExit(said.read_text())
        slack.listener = f"{found[1]}/slack/events"
        while not await slack.verifies_url():
            await asyncio.sleep(0.1)
        yield
    finally:
        bot.send_signal(signal.SIGINT)
        await asyncio.to_thread(bot.wait, 60)
    if "Traceback" in said.read_text():
        raise SystemExit(f"The bot broke: {said.read_text()}")


Act = tuple[str, Callable[[], Awaitable[Sequence[Delivery] | Delivery]]]
"""A kind, and how it is done."""


def acts_of(teams: Sequence[Team], count: int, rng: random.Random) -> Iterator[Act]:
    """Commands, reactions and presses in the proportion 2:2:1, by whoever, wherever; no emoji is put twice."""
    free = [(team, ts, who, emoji) for team in teams for ts in team.cards for who in team.members for emoji in _EMOJI]
    rng.shuffle(free)
    for number in range(count):
        team = rng.choice(teams)
        who, line, ts = rng.choice(team.members), rng.choice(_LINES), rng.choice(team.cards)
        if number % 5 < 2:
            yield "commands", lambda who=who, line=line, team=team: who.says("/papers", line, team.room)  # type: ignore[misc]
        elif number % 5 < 4 and free:
            where, card, person, emoji = free.pop()
            yield "reactions", lambda a=(where.room, card, emoji), p=person: p.reacts(*a)  # type: ignore[misc]
        else:
            [buttons] = [block for block in team.room.message(ts).blocks if block["type"] == "actions"]
            button = rng.choice([each for each in buttons["elements"] if each["type"] == "button"])["action_id"]
            yield "presses", lambda who=who, a=(team.room, ts, button): who.presses(*a)  # type: ignore[misc]


async def at_their_moments(acts: Sequence[Act], rate: float) -> Told:
    """Do every act at its moment, and see when it was acknowledged."""
    told, began = Told(), time.perf_counter()

    async def one(act: Act, moment: float) -> None:
        kind, do = act
        done = await do()
        told.by_kind[kind] += 1
        told.latencies.append(time.perf_counter() - moment)
        told.lost += not all(one.acked for one in ([done] if isinstance(done, Delivery) else done))

    async with asyncio.TaskGroup() as group:
        for number, act in enumerate(acts):
            moment = began + number / rate
            await asyncio.sleep(max(moment - time.perf_counter(), 0))
            group.create_task(one(act, moment))
    return told


@contextlib.contextmanager
def without_pauses() -> Iterator[None]:
    """Look for no garbage meanwhile: a pause of this process would be taken for one of the bot."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _due_after(seconds: float, store: Store, teams: Sequence[Team]) -> float:
    await asyncio.sleep(seconds)
    await now_due(store, teams)
    return time.perf_counter()


async def _answered(slack: FakeSlack, told: Told) -> int:
    """How many commands and presses nobody answered, even later."""
    asked = told.by_kind["commands"] + told.by_kind["presses"]
    await _until(lambda: len(slack.response_urls) >= asked, 60)
    return asked - len(slack.response_urls)


async def _posted(store: Store, teams: Sequence[Team]) -> int:
    """How many messages of the new digests do not stand in Slack exactly once, when all has been tried."""
    for _ in range(300):
        missing = 0
        async with store.read() as tx:
            for team in teams:
                new = [
                    one
                    for one in await deliveries.posts_in_channel(tx, team.channel_id)
                    if one.message not in team.cards
                ]
                there = Counter(_key(shown) for shown in team.room.messages)
                missing += sum(there[post.key] != 1 or post.state is not PostState.SENT for post in new)
                missing += max(1 + CARDS - len(new), 0)
        if not missing:
            break
        await asyncio.sleep(0.5)
    return missing


async def _miscounted(store: Store, teams: Sequence[Team]) -> int:
    """Reactions on cards that are no votes in the store, and votes that are no reactions."""
    wrong = 0
    async with store.read() as tx:
        for team in teams:
            shown = [one for one in team.room.messages if one.ts in team.cards]
            there = Counter((who, f":{name}:") for one in shown for name, some in one.reactions.items() for who in some)
            heard = await votes.for_channel(tx, team.channel_id)
            known = Counter((vote.member, vote.signal) for vote in heard if vote.signal.startswith(":"))
            wrong += sum((there - known).values()) + sum((known - there).values())
    return wrong


async def _until(condition: Callable[[], object], seconds: float) -> None:
    """Wait until it is true, or so many seconds have passed."""
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        await asyncio.sleep(0.05)


def _key(shown: Message) -> str:
    return str(((shown.metadata or {}).get("event_payload") or {}).get("key"))


def _listed(kinds: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))


if __name__ == "__main__":
    run(Path(sys.argv[1]), Load(int(sys.argv[2]), *map(float, sys.argv[3:])) if sys.argv[2:] else None)
