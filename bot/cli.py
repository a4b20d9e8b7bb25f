"""The operator's commands. Each imports what it needs when it runs: a start takes no longer than its command."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from bot.settings import Settings, SettingsError, load

app = typer.Typer(
    name="paperboy",
    help="Posts each channel the few new papers it will like, and learns from its emoji.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
papers_app = typer.Typer(help="Bring papers in and out as JSON lines.")
db_app = typer.Typer(help="Look after the store.")
app.add_typer(papers_app, name="papers")
app.add_typer(db_app, name="db")


class Failure(Exception):
    """A command failed; the text is the one line that the operator reads."""


class Misuse(Exception):
    """A command was called wrongly; the text says how it is meant."""


class _State:
    config: Path | None = None
    debug = False


@app.callback()
def options(
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings.", metavar="FILE")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Posts each channel the few new papers it will like, and learns from its emoji."""
    _State.config, _State.debug = config, debug


@app.command()
def run() -> None:
    """Run every configured platform and the scheduler."""
    settings = _settings()
    raise Misuse(
        "No platform is configured yet: Slack and Discord come with the next releases, and there is nothing to run "
        f"for {settings.data_dir}. `paperboy chat` talks to the same bot in this terminal."
    )


@app.command()
def demo(script: Annotated[bool, typer.Option("--script", help="Play a scripted visit and print it.")] = False) -> None:
    """Try the whole bot in this terminal, with a small corpus of its own and no account."""
    from bot.demo.visit import interactive, scripted

    settings = _settings(quiet=True)
    if script or not (sys.stdin.isatty() and sys.stdout.isatty()):
        _go(scripted(settings))
    else:
        _go(interactive(settings))


@app.command()
def chat() -> None:
    """Talk to the bot in this terminal, on the real store; digests come at their hour."""
    from bot.operate import chat_here

    _go(chat_here(_settings(quiet=True)))


@app.command()
def ingest(
    source: Annotated[str | None, typer.Option(help="Only this source: huggingface, arxiv, or a feed's URL.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Look back to this day.")] = None,
) -> None:
    """Read the sources now."""
    from bot.operate import ingest_now

    day: date | None = since.date() if since else None
    _go(ingest_now(_settings(), source, day))


@papers_app.command("import")
def papers_import(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="JSON lines, perhaps gzipped.")],
) -> None:
    """Import papers; a line that can't be read is told and skipped (exit 1), the rest is imported."""
    from bot.operate import import_papers

    _go(import_papers(_settings(), files))


@papers_app.command("export")
def papers_export() -> None:
    """Write every paper to stdout as JSON lines."""
    from bot.operate import export_papers

    _go(export_papers(_settings()))


@app.command()
def search(
    query: Annotated[list[str] | None, typer.Argument(metavar="QUERY", help="What to search for.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=10_000, help="Hits at most [10; 100 in a batch].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
    batch: Annotated[Path | None, typer.Option(help="JSON lines of {id, text}.", metavar="QUERIES.jsonl")] = None,
    trec_run: Annotated[Path | None, typer.Option(help="Where the batch's TREC run goes.", metavar="OUT")] = None,
) -> None:
    """Search the papers, best first."""
    from bot.operate import search_batch, search_once

    if batch or trec_run:
        if not (batch and trec_run) or query or as_json:
            raise Misuse("A batch is `paperboy search --batch QUERIES.jsonl --trec-run OUT [--limit 100]`.")
        _go(search_batch(_settings(), batch, trec_run, limit or 100))
    elif query:
        _go(search_once(_settings(), " ".join(query), limit or 10, as_json))
    else:
        raise Misuse("Search for what? As in `paperboy search federated learning`.")


@app.command()
def replay(
    papers: Annotated[list[Path], typer.Option(help="Papers as JSON lines.", metavar="FILE…")],
    feedback: Annotated[Path, typer.Option(help="Feedback as JSON lines.", metavar="FILE")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What the bot would have posted, and how it would have been liked."""
    from bot.operate import replay_files

    if replay_files(papers, feedback, as_json):
        raise typer.Exit(1)


@db_app.command()
def upgrade() -> None:
    """Bring the store's tables up to date."""
    from bot.operate import upgrade_store

    _go(upgrade_store(_settings()))


@db_app.command()
def backup(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Write a backup of the live store."""
    from bot.operate import backup_store

    _go(backup_store(_settings(), file))


@db_app.command()
def restore(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Put a backup in the place of all that is in the store."""
    from bot.operate import restore_store

    _go(restore_store(_settings(), file))


@app.command()
def export(channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Its name, address or number.")]) -> None:
    """Write everything a channel has to stdout, as JSON lines."""
    from bot.operate import export_channel

    _go(export_channel(_settings(), channel))


@app.command()
def forget(member: Annotated[str, typer.Argument(metavar="MEMBER", help="The member's id on their platform.")]) -> None:
    """Delete every trace of a member, on every platform."""
    from bot.operate import forget_member

    _go(forget_member(_settings(), member))


def main() -> None:
    """Run one command. Errors are one line on stderr: exit 2 for wrong use, 1 for failure."""
    words = _spread(sys.argv[1:])
    if words in ([], ["papers"], ["db"]):
        words.append("--help")
    try:
        code = app(words, standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough; say nothing more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (Misuse, SettingsError) as error:
        _fail(error, 2)
    except TyperException as error:
        _say(f"{_one_line(error)} `paperboy --help` tells more.")
        sys.exit(2)
    except Exception as error:
        _fail(error, 1)
    sys.exit(code if isinstance(code, int) else 0)


def _spread(words: list[str]) -> list[str]:
    """`--papers a b` as `--papers a --papers b`, which is how the option parser takes several files."""
    spread: list[str] = []
    for place, word in enumerate(words):
        follows = "--papers" in words[:place] and not word.startswith("-") and not words[place - 1].startswith("-")
        since = words[:place][::-1].index("--papers") if follows else 0
        if follows and not any(one.startswith("-") for one in words[place - since : place]):
            spread.append("--papers")
        spread.append(word)
    return spread


def _fail(error: Exception, code: int) -> None:
    if _State.debug:
        import traceback

        traceback.print_exception(error)
    from bot.store.database import StoreError
    from recommender import RecommenderError

    known = (Failure, Misuse, SettingsError, StoreError, RecommenderError)
    if isinstance(error, known):
        _say(str(error))
    elif isinstance(error, OSError):
        _say(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
    else:
        _say(f"This should not have happened ({type(error).__name__}: {error}). --debug shows where; please report it.")
    sys.exit(code)


def _say(text: str) -> None:
    print(f"paperboy: {text}", file=sys.stderr)  # noqa: T201


def _one_line(error: Exception) -> str:
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    return " ".join(str(said).split()).rstrip(".") + "."


def _settings(*, quiet: bool = False) -> Settings:
    """The settings; `quiet` keeps the log out of a conversation on the same screen, but for what is broken."""
    from bot.logs import set_up

    settings = load(_State.config)
    set_up("error" if quiet and settings.log.level == "info" else settings.log.level, settings.log.format)
    return settings


def _go(work: Coroutine[Any, Any, int | None]) -> None:
    code = asyncio.run(work)
    if code:
        raise typer.Exit(code)
