"""`paperboy check`: checks everything that the bot needs, and says what is wrong and how to mend it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from functools import partial

from bot.app import system_clock
from bot.installations.encryption import TokensUnreadable
from bot.model.messages import Place
from bot.operate import core_checks, store_checks
from bot.operate.context import token_cipher
from bot.operate.output import err, full_disk, is_full_disk, out
from bot.operate.run import environment_of
from bot.platforms.registry import build_platforms, how_to_set_up, set_up
from bot.ports.platform import Check, Checkable, Finding
from bot.settings import Settings, SettingsError
from bot.source_registry import configured_sources, source_addresses, strangers_feeds
from bot.store import channels, common_feeds
from bot.store.channels import Channel
from bot.store.common_feeds import CommonFeed
from bot.store.database import Store, make_engine
from bot.store.errors import StoreError
from bot.store.leases import Leases
from bot.store.opening import open_store
from bot.store.states import ChannelState

_SECONDS = 60.0


async def check_all(settings: Settings, *, as_json: bool) -> int:
    """Print the findings, a line each or as JSON. Returns the exit code: 1 when anything is wrong."""
    async with (
        configured_sources(settings) as sources,
        strangers_feeds(settings) as open_feed,
        _current_store(settings) as (store, stored_channels),
    ):
        sources += [open_feed(feed.url, feed.name) for feed in await _stored_feeds(store)]
        clocks = source_addresses(settings, sources) + _platform_addresses(settings)
        checks = [
            Check("store", partial(core_checks.store, settings)),
            Check("index", partial(core_checks.index, settings)),
            Check("disk", partial(core_checks.disk, settings)),
            *(Check(f"source {source.name}", partial(core_checks.source, source, system_clock)) for source in sources),
            *([Check("zotero", partial(core_checks.zotero, settings))] if settings.zotero.library else []),
            Check("clock", partial(core_checks.clock, clocks, system_clock)),
            Check("time zones", partial(core_checks.zones, stored_channels)),
            *([Check("estimator", partial(core_checks.estimator, settings))] if settings.taste.estimator else []),
            *(_of_store(settings, store) if stored_channels is not None and not core_checks.is_new(settings) else []),
            *await _of_platforms(settings, store, stored_channels),
        ]
        err(f"Looking at {len(checks)} things …")
        findings = await run_checks(checks, _SECONDS)
    return print_findings(list(zip((check.name for check in checks), findings, strict=True)), as_json=as_json)


def print_findings(findings: Sequence[tuple[str, Finding]], *, as_json: bool) -> int:
    """Print findings with the names of their checks, a line each or as JSON. Returns the exit code: 1 when anything is
    wrong."""
    if as_json:
        out(json.dumps(_as_json(findings), ensure_ascii=False, indent=1))
    else:
        for name, finding in findings:
            out(_line(name, finding))
    return int(any(finding.problem for _, finding in findings))


async def run_checks(checks: Sequence[Check], seconds: float) -> list[Finding]:
    """The findings of the checks, in their order. A check that takes longer than `seconds`, or fails, is a finding
    too."""

    async def run(check: Check) -> Finding:
        try:
            async with asyncio.timeout(seconds):
                return await check.look()
        except TimeoutError:
            return Finding(f"No answer within {seconds:.0f} seconds.", "Look at the network and its proxy; try again.")
        except StoreError as error:
            problem, _, mend = str(error).partition(". ")
            return Finding(f"{problem.rstrip('.')}.", mend or "Look at database_url, and whether the database runs.")
        except Exception as error:
            if isinstance(error, OSError) and is_full_disk(error):
                return Finding(full_disk(error))
            return Finding(f"{type(error).__name__}: {error}", "Nobody foresaw that; please report it.")

    return await asyncio.gather(*map(run, checks))


async def _stored_feeds(store: Store) -> list[CommonFeed]:
    """The feeds for all channels that were added in chat; none if the store can't be read or is of an earlier
    revision."""
    try:
        async with store.read() as tx:
            return await common_feeds.list_all(tx)
    except Exception:  # the check of the store says what is wrong
        return []


@contextlib.asynccontextmanager
async def _current_store(settings: Settings) -> AsyncIterator[tuple[Store, list[Channel] | None]]:
    """The store and its channels, neither created nor upgraded. If there is no store, an empty one in memory. The
    channels are None if the store can't be read."""
    try:
        store = None if core_checks.is_new(settings) else Store(make_engine(settings.store_url, 0.0))
    except StoreError:
        store = None
    store = store or await open_store("sqlite://")
    try:
        async with store.read() as tx:
            stored_channels: list[Channel] | None = await channels.list_all(tx)
    except Exception:  # the check of the store says what is wrong
        stored_channels = None
    try:
        yield store, stored_channels
    finally:
        await store.close()


def _of_store(settings: Settings, store: Store) -> list[Check]:
    """The checks of what a store that can be read holds."""
    checks = [
        Check("deliveries", partial(store_checks.deliveries, store, system_clock)),
        Check("learning", partial(store_checks.learning, store, system_clock)),
    ]
    if not store.is_sqlite:
        checks.append(Check("connections", partial(store_checks.connections, store, settings)))
        checks.append(Check("jobs", partial(store_checks.jobs, store)))
    return checks


async def _of_platforms(settings: Settings, store: Store, stored_channels: Sequence[Channel] | None) -> list[Check]:
    """The platforms' own checks, with their channels; without channels that can't be read, but with a word on that."""
    try:
        environment = environment_of(settings, store, Leases(store))
        platforms = await build_platforms(environment)
    except (SettingsError, TokensUnreadable) as error:
        return [Check("platforms", partial(_half_set_up, str(error)))]
    except StoreError:
        return [Check("platforms", _not_without_store)]
    checks: list[Check] = []
    for name, platform in platforms.items():
        lost, served = list[Place](), list[Place]()
        for channel in stored_channels or ():
            if channel.place.platform == name:
                (lost if channel.state is ChannelState.LOST else served).append(channel.place)
        checks += platform.checks(served, lost) if isinstance(platform, Checkable) else []
        if platform.capabilities.requests_a_second:
            own = [channel for channel in stored_channels or () if channel.place.platform == name]
            checks.append(Check(f"{name} pace", partial(store_checks.pace, own, platform.capabilities)))
    entries = set_up(settings)
    for entry in entries:
        checks += entry.checks(environment)
    if not store.is_sqlite and any(entry.seals(settings) for entry in entries):
        key_check = partial(store_checks.encryption_key, store, token_cipher(settings))
        checks.append(Check("encryption key", key_check))
    if not platforms:
        return [Check("platforms", _none_set_up)]
    return checks if stored_channels is not None else [*checks, Check("channels", _channels_unread)]


def _platform_addresses(settings: Settings) -> list[str]:
    """The addresses of the platforms. The bot's clock is compared with theirs too."""
    try:
        return [address for entry in set_up(settings) if (address := entry.address(settings))]
    except SettingsError:  # the check of the platforms says so
        return []


async def _none_set_up() -> Finding:
    return Finding(mend=f"No platform is set up. {how_to_set_up()}", seen=False)


async def _channels_unread() -> Finding:
    return Finding(mend="The store can't be read, so nobody looked whether the bot may post in them.", seen=False)


async def _not_without_store() -> Finding:
    return Finding(mend="They are looked at once the store is there and up to date: `paperboy db upgrade`.", seen=False)


async def _half_set_up(problem: str) -> Finding:
    return Finding(problem, "Set what is missing, or none of it: a platform that is not set up is simply off.")


def _line(name: str, finding: Finding) -> str:
    text = " ".join(part for part in (finding.problem, finding.mend) if part)
    verdict = "wrong" if finding.problem else "ok" if finding.seen else "unknown"
    return f"{verdict:7}  {name}" + (f": {text}" if text else "")


def _as_json(named: Sequence[tuple[str, Finding]]) -> dict[str, object]:
    rows = [
        {"name": name, "ok": not finding.problem, "problem": finding.problem, "mend": finding.mend}
        for name, finding in named
    ]
    return {"ok": all(row["ok"] for row in rows), "checks": rows}
