"""`paperboy check`: looks at all that the bot needs, side by side, and says what is wrong and how to mend it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from functools import partial

from bot.app import system_clock
from bot.installations.encryption import TokensUnreadable
from bot.model.messages import Place
from bot.operate import core_checks
from bot.operate.output import err, out
from bot.operate.run import environment_of
from bot.platforms.registry import build_platforms, how_to_set_up, set_up
from bot.ports.platform import Check, Checkable, Finding
from bot.settings import Settings, SettingsError
from bot.source_registry import configured_sources, source_addresses
from bot.store import channels
from bot.store.channels import Channel
from bot.store.database import Store, make_engine
from bot.store.errors import StoreError
from bot.store.opening import open_store
from bot.store.states import ChannelState

_SECONDS = 60.0


async def check_all(settings: Settings, *, as_json: bool) -> int:
    """Print what was found, a line each or as JSON; 1 when anything is wrong."""
    async with configured_sources(settings) as sources, _as_it_stands(settings) as (store, known):
        clocks = source_addresses(settings, sources) + _platform_addresses(settings)
        looks = [
            Check("store", partial(core_checks.store, settings)),
            Check("index", partial(core_checks.index, settings)),
            Check("disk", partial(core_checks.disk, settings)),
            *(Check(f"source {source.name}", partial(core_checks.source, source, system_clock)) for source in sources),
            Check("clock", partial(core_checks.clock, clocks, system_clock)),
            Check("time zones", partial(core_checks.zones, known)),
            *await _of_platforms(settings, store, known),
        ]
        err(f"Looking at {len(looks)} things …")
        findings = await run_checks(looks, _SECONDS)
    found = list(zip((one.name for one in looks), findings, strict=True))
    if as_json:
        out(json.dumps(_as_json(found), ensure_ascii=False, indent=1))
    else:
        for name, finding in found:
            out(_line(name, finding))
    return int(any(finding.problem for finding in findings))


async def run_checks(checks: Sequence[Check], seconds: float) -> list[Finding]:
    """What each check gives, in their order; one that takes longer than `seconds`, or breaks, gives that."""

    async def one(check: Check) -> Finding:
        try:
            async with asyncio.timeout(seconds):
                return await check.look()
        except TimeoutError:
            return Finding(f"No answer within {seconds:.0f} seconds.", "Look at the network and its proxy; try again.")
        except StoreError as error:
            problem, _, mend = str(error).partition(". ")
            return Finding(f"{problem.rstrip('.')}.", mend or "Look at database_url, and whether the database runs.")
        except Exception as error:
            return Finding(f"{type(error).__name__}: {error}", "Nobody foresaw that; please report it.")

    return await asyncio.gather(*map(one, checks))


@contextlib.asynccontextmanager
async def _as_it_stands(settings: Settings) -> AsyncIterator[tuple[Store, list[Channel]]]:
    """The store, neither made nor brought up to date, and its channels; an empty one in memory where there is none."""
    try:
        store = None if core_checks.is_new(settings) else Store(make_engine(settings.store_url, 0.0))
    except StoreError:
        store = None
    store = store or await open_store("sqlite://")
    try:
        async with store.read() as tx:
            known = await channels.list_all(tx)
    except Exception:  # what is wrong with it is told by its own check
        known = []
    try:
        yield store, known
    finally:
        await store.close()


async def _of_platforms(settings: Settings, store: Store, known: Sequence[Channel]) -> list[Check]:
    """What the platforms themselves know to look at, with the channels that they are to serve."""
    try:
        environment = environment_of(settings, store)
        platforms = await build_platforms(environment)
    except (SettingsError, TokensUnreadable) as error:
        return [Check("platforms", partial(_half_set_up, str(error)))]
    except StoreError:
        return [Check("platforms", _not_without_store)]
    checks: list[Check] = []
    for name, platform in platforms.items():
        lost, served = list[Place](), list[Place]()
        for one in known:
            if one.place.platform == name:
                (lost if one.state is ChannelState.LOST else served).append(one.place)
        checks += platform.checks(served, lost) if isinstance(platform, Checkable) else []
    for entry in set_up(settings):
        checks += entry.checks(environment)
    return checks if platforms else [Check("platforms", _none_set_up)]


def _platform_addresses(settings: Settings) -> list[str]:
    """The addresses of the platforms, whose clocks ours is compared with as well: all are asked anyway."""
    try:
        return [entry.address(settings) for entry in set_up(settings)]
    except SettingsError:  # the platforms' own check tells of it
        return []


async def _none_set_up() -> Finding:
    return Finding("No platform is set up.", how_to_set_up())


async def _not_without_store() -> Finding:
    return Finding(mend="They are looked at once the store is there and up to date: `paperboy db upgrade`.")


async def _half_set_up(problem: str) -> Finding:
    return Finding(problem, "Set what is missing, or none of it: a platform that is not set up is simply off.")


def _line(name: str, finding: Finding) -> str:
    said = " ".join(part for part in (finding.problem, finding.mend) if part)
    return f"{'wrong' if finding.problem else 'ok   '}  {name}" + (f": {said}" if said else "")


def _as_json(found: Sequence[tuple[str, Finding]]) -> dict[str, object]:
    rows = [
        {"name": name, "ok": not finding.problem, "problem": finding.problem, "mend": finding.mend}
        for name, finding in found
    ]
    return {"ok": all(row["ok"] for row in rows), "checks": rows}
