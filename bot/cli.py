"""The command line. Each command imports its modules when it runs, so that it starts no slower than needed."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Coroutine
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from bot.operate.command_line import arrange_arguments, drop_output, print_error, until_signal, use_utf8
from bot.operate.output import UsageError, err
from bot.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from bot.serve import Stop

app = typer.Typer(
    name="paperboy",
    help="Posts each channel the few new papers it will like, and learns from its emoji.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_MOST_HITS = 10_000
_UMASK = 0o077
"""New files are readable for the bot's own user alone."""
papers_app = typer.Typer(help="Bring papers in and out as JSON lines.")
db_app = typer.Typer(help="Look after the store.")
app.add_typer(papers_app, name="papers")
app.add_typer(db_app, name="db")


class _State:
    config: Path | None = None
    debug = False


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"paperboy {version('paperboy')}")
        raise typer.Exit


@app.callback()
def options(
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings.", metavar="FILE")] = None,
    env_file: Annotated[
        Path | None,
        typer.Option(help="A file of variables, such as tokens.", metavar="FILE", envvar="PAPERBOY_ENV_FILE"),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Posts each channel the few new papers it will like, and learns from its emoji."""
    _State.config, _State.debug = config, debug
    if env_file:
        from bot.operate.env_file import load_env_file

        load_env_file(env_file)


@app.command()
def run() -> None:
    """Run every configured platform and the scheduler."""
    from bot.operate.run import run_platforms
    from bot.serve import Stop

    stop = Stop()
    _go(run_platforms(_settings(serving=True), stop), stop)


@app.command()
def worker() -> None:
    """Post what is due, as one more process beside `run`.

    Needs a PostgreSQL store. It listens to no platform and serves no page.
    """
    from bot.operate.run import run_worker
    from bot.serve import Stop

    stop = Stop()
    _go(run_worker(_settings(serving=True), stop), stop)


@app.command()
def demo(
    script: Annotated[bool, typer.Option("--script", help="Play a scripted visit and print it.")] = False,
    page: Annotated[bool, typer.Option("--page", help="Serve its page too, and name the address.")] = False,
) -> None:
    """Try the whole bot here, with papers of its own."""
    from bot.demo.visit import interactive, is_talked_to, scripted

    settings = _settings("error")
    is_chat = not script and is_talked_to(sys.stdin, sys.stdout)
    _go(interactive(settings, page=page) if is_chat else scripted(settings, page=page))


@app.command()
def chat() -> None:
    """Talk to the bot here, on the real store."""
    from bot.operate.run import chat_here

    _go(chat_here(_settings("error")))


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what is wrong here and how to mend it.

    Looks at settings, tokens, permissions, sources, store and clock. Exits 1 when anything is wrong.
    """
    from bot.operate.check import check_all, print_findings
    from bot.ports.platform import Finding

    try:
        settings = _settings("error")
    except SettingsError as error:
        problem, _, mend = str(error).partition(". ")
        finding = Finding(f"{problem.rstrip('.')}.", mend or "Mend it in the environment or the settings file.")
        raise typer.Exit(print_findings([("settings", finding)], as_json=as_json)) from error
    _go(check_all(settings, as_json=as_json))


@app.command()
def ingest(
    source: Annotated[
        str | None, typer.Option(help="Only this source: huggingface, arxiv, or a feed's name or URL.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Look back to this day.", metavar="YYYY-MM-DD")] = None,
) -> None:
    """Read the sources now."""
    from bot.operate.run import ingest_now

    try:
        day = date.fromisoformat(since) if since else None
    except ValueError:
        raise UsageError(f"--since takes a day such as 2026-03-31, not {since!r}.") from None
    _go(ingest_now(_settings("error"), source, day))


@papers_app.command("import")
def papers_import(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="JSON lines, perhaps gzipped.")],
) -> None:
    """Import papers from files.

    A line that can't be read is told by its number and skipped, the rest is imported; the exit code is 1 then.
    """
    from bot.operate.papers import import_papers

    _go(import_papers(_settings(), files))


@papers_app.command("export")
def papers_export() -> None:
    """Write every paper to stdout as JSON lines."""
    from bot.operate.papers import export_papers

    _go(export_papers(_settings()))


@app.command()
def search(
    query: Annotated[list[str] | None, typer.Argument(metavar="QUERY", help="What to search for.")] = None,
    limit: Annotated[str | None, typer.Option(help="Papers at most: 10, in a batch 100.", metavar="N")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
    batch: Annotated[Path | None, typer.Option(help="JSON lines of {id, text}.", metavar="QUERIES.jsonl")] = None,
    trec_run: Annotated[Path | None, typer.Option(help="Where the batch's TREC run goes.", metavar="OUT")] = None,
) -> None:
    """Search the papers, best first."""
    from bot.operate.search import search_batch, search_once

    if limit is not None and not (re.fullmatch("[0-9]{1,5}", limit) and 1 <= int(limit) <= _MOST_HITS):
        raise UsageError(f"--limit takes a whole number from 1 to {_MOST_HITS:,}, not {limit!r}.")
    most = int(limit) if limit else None
    if batch or trec_run:
        if not (batch and trec_run) or query or as_json:
            raise UsageError("A batch is `paperboy search --batch QUERIES.jsonl --trec-run OUT [--limit 100]`.")
        _go(search_batch(_settings(), batch, trec_run, most or 100))
    elif query:
        _go(search_once(_settings(), " ".join(query), most or 10, as_json))
    else:
        raise UsageError("Search for what? As in `paperboy search federated learning`.")


@app.command()
def replay(
    papers: Annotated[list[Path] | None, typer.Option(help="Papers as JSON lines.", metavar="FILE…")] = None,
    feedback: Annotated[Path | None, typer.Option(help="Feedback as JSON lines.", metavar="FILE")] = None,
    channel: Annotated[str | None, typer.Option(help="A channel's own history instead of files.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What the bot would have posted, and how it was liked."""
    from bot.operate.replay import replay_channel, replay_files

    settings = _settings()
    if channel and not papers and not feedback:
        _go(replay_channel(settings, channel, as_json))
    elif papers and feedback and not channel:
        if replay_files(settings, papers, feedback, as_json):
            raise typer.Exit(1)
    else:
        raise UsageError("`paperboy replay` takes --papers FILE… and --feedback FILE, or --channel CHANNEL.")


@app.command()
def rivals(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell whose picks were liked better in shared digests."""
    from bot.operate.rivals import print_rivals

    _go(print_rivals(_settings(), as_json=as_json))


@app.command("channels")
def list_channels(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False) -> None:
    """List the channels: state, next digest, votes and topics of each."""
    from bot.operate.channels import print_channels

    _go(print_channels(_settings("error"), as_json=as_json))


@app.command("today")
def show_today(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Its name, address or number.")],
) -> None:
    """Print the digest that a channel would get now. Posts nothing and records nothing."""
    from bot.operate.channels import print_today

    _go(print_today(_settings("error"), channel))


@app.command("jobs")
def list_jobs(
    retry: Annotated[bool, typer.Option("--retry", help="Try those again that have failed for good.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell which jobs wait for a process, and which failed."""
    from bot.operate.jobs import print_jobs

    _go(print_jobs(_settings("error"), retry=retry, as_json=as_json))


@db_app.command()
def upgrade() -> None:
    """Bring the store's tables up to date."""
    from bot.operate.store import upgrade_store

    _go(upgrade_store(_settings()))


@db_app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
) -> None:
    """Write a backup of the live store."""
    from bot.operate.store import backup_store

    _go(backup_store(_settings(), file, force=force))


@db_app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    force: Annotated[bool, typer.Option("--force", help="Also where the store holds papers or channels.")] = False,
) -> None:
    """Put a backup in the place of all that is in the store."""
    from bot.operate.store import restore_store

    _go(restore_store(_settings(), file, force=force))


@db_app.command()
def move(
    url: Annotated[str, typer.Argument(metavar="URL", help="An empty database, as postgresql://user@host/name.")],
) -> None:
    """Copy the store into another, empty database.

    For a change from SQLite to PostgreSQL, or back. Every row is compared. The old store stays as it is. No bot may
    run meanwhile.
    """
    from bot.operate.moving import move_store

    _go(move_store(_settings(), url))


@app.command("template")
def print_template(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="settings, env, slack, slack-http, systemd, caddy, nginx, alerts or grafana."
        ),
    ] = "",
) -> None:
    """Print a file to copy and fill in.

    `settings` is the TOML file with every setting, `env` the file for tokens. `slack` and `slack-http` are manifests of
    the Slack app.
    """
    from bot.operate.templates import template

    typer.echo(template(name), nl=False)


@app.command()
def export(channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Its name, address or number.")]) -> None:
    """Write all that a channel has, as JSON lines."""
    from bot.operate.store import export_channel

    _go(export_channel(_settings(), channel))


@app.command()
def forget(
    member: Annotated[
        str, typer.Argument(metavar="MEMBER", help="The member's id on their platform, or a mail address.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete every trace of a member everywhere. It says what goes, and asks first."""
    from bot.operate.store import forget_member

    _go(forget_member(_settings(), member, sure=yes))


def main() -> None:
    """Run one command. Errors are one line on stderr: exit 2 for wrong use, 1 for failure, 130 when interrupted."""
    before = os.umask(_UMASK)  # also for files that libraries make
    try:
        _run_command()
    finally:
        os.umask(before)


def _run_command() -> None:
    use_utf8()
    words = arrange_arguments(sys.argv[1:])
    if words in ([], ["papers"], ["db"]):
        words.append("--help")
    try:
        code = app(words, standalone_mode=False)
        sys.stdout.flush()  # an error of stdout comes here, while it can still be reported
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        drop_output()  # the reader of the pipe has left
        sys.exit(1)
    except TyperException as error:
        text = " ".join(error.format_message().split()).rstrip(".")
        err(f"paperboy: {text}{'' if text.endswith('?') else '.'} `paperboy --help` tells more.")
        sys.exit(2)
    except Exception as error:
        print_error(error, trace=_State.debug)
        sys.exit(2 if isinstance(error, UsageError | SettingsError) else 1)
    sys.exit(code if isinstance(code, int) else 0)


def _settings(at_least: str = "warning", *, serving: bool = False) -> Settings:
    """The settings. `serving` logs as they say. Any other command prints its own results, so it logs plain lines, and
    only from `at_least` up unless the settings ask for another level than the default."""
    from bot.logs import set_up
    from bot.platforms.registry import platform_sections
    from bot.source_registry import source_sections

    settings = load(_State.config, sections=platform_sections() | source_sections())
    level, form = settings.log.level, settings.log.format
    if serving:
        set_up(level, form)
    else:
        set_up(at_least if level == "info" else level, "plain" if form == "auto" else form)
    return settings


def _go(work: Coroutine[Any, Any, int | None], stop: Stop | None = None) -> None:
    code = asyncio.run(until_signal(work, stop))
    if code:
        raise typer.Exit(code)
