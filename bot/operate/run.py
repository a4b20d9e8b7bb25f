"""`paperboy run`, `worker`, `chat` and `ingest`: run the bot on its platforms, beside another process or in this
terminal, or read its sources once."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import date
from functools import partial
from getpass import getuser

import structlog
from rich.console import Console
from tzlocal import get_localzone_name

from bot.app import App, PlatformsOver, opened, system_clock
from bot.commands.registry import COMMANDS
from bot.installations import store_key
from bot.installations.encryption import TokensUnreadable
from bot.installations.store_backed import StoredInstallations
from bot.jobs.ingest import Ingest, Outcome
from bot.jobs.planning import PLANNED_AT_ONCE
from bot.operate.context import opened_paper_index, retry_while_away, token_cipher
from bot.operate.output import CommandError, UsageError, err, out, progress
from bot.operate.private import keep_private
from bot.operate.single_instance import single_instance
from bot.platforms.entry import Environment
from bot.platforms.registry import build_platforms, how_to_set_up, set_up
from bot.platforms.terminal import TerminalPlatform
from bot.ports.platform import Platform, PlatformError
from bot.serve import Stop, serve
from bot.settings import Settings
from bot.source_registry import configured_sources, strangers_feeds
from bot.sources.feed import feed_name
from bot.store.database import Store, parsed_url
from bot.store.facts import StoredFacts
from bot.store.leases import Leases
from bot.subscriptions import StoredSubscriptions
from bot.web.server import Unservable
from bot.website import website

log = structlog.get_logger(__name__)
_PLANNED_BY_A_WORKER = 250
"""Digests that a worker plans at once: nobody waits for its answers."""


async def run_platforms(settings: Settings, stop: Stop) -> None:
    """Run the bot on every platform of the settings, until it is asked to stop."""
    entries = set_up(settings)
    if not entries and not settings.web.page:
        raise UsageError(f"No platform is set up, and the page is off. {how_to_set_up()}")
    # A search in a thread gives way to the event loop after a millisecond, not after Python's usual five.
    sys.setswitchinterval(0.001)
    with single_instance(settings):
        try:
            async with (
                _open_app(settings, partial(prepared, settings)) as app,
                website(app, required=not entries),
            ):
                for line in filter(None, (entry.announcement(settings) for entry in entries)):
                    log.info(line)
                if entries:
                    log.info(f"Paperboy runs on {' and '.join(app.platforms)}. Ctrl-C ends it; nothing is lost.")
                else:
                    log.warning(f"No platform is set up, so only the page is served. {how_to_set_up()}")
                _collect_seldom()
                await serve(app, app.platforms, stop=stop)
        except (TokensUnreadable, Unservable, PlatformError) as error:
            raise CommandError(str(error)) from error


async def run_worker(settings: Settings, stop: Stop) -> None:
    """Do the work of the bot that `run_platforms` serves, in one more process, until it is asked to stop."""
    entries = set_up(settings)
    if parsed_url(settings.store_url).get_backend_name() == "sqlite":
        raise UsageError(
            "A worker shares the store with `paperboy run`, which SQLite does not allow. Name a PostgreSQL database in "
            "PAPERBOY_DATABASE_URL for both, or leave all work to `paperboy run`."
        )
    if not entries:
        raise UsageError(f"No platform is set up, so a worker has nothing to do. {how_to_set_up()}")
    keep_private(settings)
    sys.setswitchinterval(0.001)
    try:
        async with _open_app(settings, partial(prepared, settings), _PLANNED_BY_A_WORKER) as app:
            log.info(f"This worker posts to {' and '.join(app.platforms)}. Ctrl-C ends it; nothing is lost.")
            _collect_seldom()
            await serve(app, {}, stop=stop)
    except (TokensUnreadable, PlatformError) as error:
        raise CommandError(str(error)) from error


def _collect_seldom() -> None:
    """Let the garbage collector skip all objects that exist once the bot is up, and run less often: a full collection
    stops everything for 0.2 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


async def prepared(settings: Settings, store: Store, leases: Leases) -> dict[str, Platform]:
    """The platforms of the settings, after the preparations that each needs."""
    if any(entry.seals(settings) for entry in set_up(settings)):
        await store_key.agree(store, token_cipher(settings))
    environment = environment_of(settings, store, leases)
    platforms = await build_platforms(environment)
    for entry in set_up(environment.settings):
        if line := await entry.prepare(environment):
            log.info(line)
    return platforms


def environment_of(settings: Settings, store: Store, leases: Leases) -> Environment:
    """The environment from which platforms are built."""
    cipher = token_cipher(settings)
    defaults = settings.digest.channel_defaults()
    return Environment(
        settings,
        system_clock,
        COMMANDS,
        lambda platform: StoredInstallations(store, cipher, system_clock, platform),
        lambda platform: StoredSubscriptions(store, cipher, system_clock, platform, defaults),
        leases,
        StoredFacts(store),
    )


async def chat_here(settings: Settings) -> None:
    """Run the bot on the real store in this terminal, until the person leaves; digests come at their hour."""
    with single_instance(settings):
        terminal = TerminalPlatform(
            settings.data_dir / "terminal", Console(), system_clock, COMMANDS, who=_user_name(), zone=_machine_zone()
        )
        platforms = {terminal.name: terminal}
        async with _open_app(settings, platforms) as app:
            await serve(app, platforms, until=terminal.name)


def _machine_zone() -> str:
    """The IANA time zone of this machine; "" if it has none or names no place."""
    try:
        zone = get_localzone_name()
    except (LookupError, ValueError, OSError):
        return ""
    return "" if zone.startswith("Etc/") else zone


@contextlib.asynccontextmanager
async def _open_app(
    settings: Settings, platforms: Mapping[str, Platform] | PlatformsOver, planned_at_once: int = PLANNED_AT_ONCE
) -> AsyncIterator[App]:
    """The built bot, once its database answers. It plans so many digests at once."""

    async def sync() -> None:
        # The progress bar is gone before the person types.
        async with opened_paper_index(settings):
            pass

    await retry_while_away(settings, sync)
    async with contextlib.AsyncExitStack() as stack:
        app = partial(opened, settings, platforms, planned_at_once=planned_at_once)
        yield await retry_while_away(settings, lambda: stack.enter_async_context(app()))


async def ingest_now(settings: Settings, only: str | None, since: date | None) -> int:
    """Read the sources. Returns the exit code: 1 when one of them failed."""
    if since and since > system_clock().date():
        raise UsageError("--since names a day that is still to come.")
    async with configured_sources(settings) as sources, strangers_feeds(settings) as open_feed:
        if only is not None and "://" in only:
            only = feed_name(only)
        async with opened_paper_index(settings) as (store, paper_index):
            leases = Leases(store)
            ingest = Ingest(
                store, paper_index, sources, system_clock, settings.sources.look_back_days, open_feed, leases
            )
            names = [source.name for source in await ingest.all_sources()]
            if not names:
                raise UsageError("Every source is switched off in the settings.")
            if only is not None and only not in names:
                raise UsageError(f"There is no such source. They are {', '.join(names)}.")
            err(f"Reading {only or ', '.join(names)} …")
            with progress("Reading the sources"):
                async with leases.renewing():
                    outcomes = await ingest.run([only] if only is not None else None, since, _print_outcome)
    return 1 if any(outcome.failure for outcome in outcomes) else 0


def _print_outcome(outcome: Outcome) -> None:
    if outcome.listed or not outcome.failure:
        out(f"{outcome.source}: {outcome.listed:,} listed, {outcome.added:,} new.")
    if outcome.failure:
        err(f"{outcome.source}: {outcome.failure}")
    for note in outcome.notes:
        out(f"{outcome.source}: {note}")


def _user_name() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "you"
