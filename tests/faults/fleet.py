"""Several programs of one bot on one PostgreSQL, which a test kills, pauses and cuts off."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from bot.store.database import Store, make_engine
from tests.fakes.postgres import Postgres
from tests.faults.bad_line import BadLine
from tests.faults.clock import FILE, SKEW, SharedClock
from tests.platforms.process import ROOT, environment

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
QUICK = {
    "DELIVERY__TIMEOUT": "2",
    "DELIVERY__MARGIN": "3",
    "DELIVERY__TAKEOVER": "3",
    "SCHEDULE__TICK_SECONDS": "0.5",
    "DATABASE_BUSY_SECONDS": "2",
    "DATABASE_CONNECTIONS": "10",
    "ENCRYPTION_KEYS": KEY,
}
"""Settings under which a process that died is followed by another within seconds."""
LEASE_SECONDS = 5.0
"""How long a lease lasts under these settings."""
_DRAINED_WITHIN = 20.0


@dataclass
class Program:
    """One process: `command` is its verb, `skew` by how many seconds its clock is ahead."""

    name: str
    command: str
    skew: float
    log: Path
    process: Process

    @property
    def lives(self) -> bool:
        return self.process.returncode is None

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """It dies at once."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        """It is asked to end, and finishes what it does."""
        self.process.terminate()
        async with asyncio.timeout(_DRAINED_WITHIN):
            code = await self.process.wait()
        has_begun = bool(self.log.read_text())  # before that it is still importing, and does nothing yet
        assert code == 0 or (code == -signal.SIGTERM and not has_begun), (
            f"{self.name} ended with {code}: {self.log.read_text()}"
        )


@dataclass
class Fleet:
    """The programs on one database, behind a line that can be cut."""

    server: Postgres
    database: sa.URL
    line: BadLine
    folder: Path
    settings: Mapping[str, str]
    clock: SharedClock
    store: Store
    programs: dict[str, Program] = field(default_factory=dict)
    begun: int = 0

    async def begin(self, command: str, name: str, skew: float = 0.0) -> Program:
        """Start one; if one of that name died, in its place."""
        assert name not in self.programs or not self.programs[name].lives
        self.begun += 1
        home, log = self.folder / name, self.folder / f"{self.begun}-{name}.log"
        home.mkdir(mode=0o700, exist_ok=True)
        environ = environment(home, dict(self.settings) | {"DATABASE_URL": self.line.url(self.database)})
        environ |= {FILE: str(self.clock.file), SKEW: str(skew), "OPENBLAS_NUM_THREADS": "1"}
        with log.open("w") as stderr:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.faults.clock", command),
                env=environ, cwd=ROOT, stdin=DEVNULL, stdout=DEVNULL, stderr=stderr,
            )  # fmt: skip
        program = self.programs[name] = Program(name, command, skew, log, process)
        return program

    async def again(self, name: str) -> Program:
        """Start one that died."""
        before = self.programs[name]
        return await self.begin(before.command, name, before.skew)

    def logs(self) -> dict[str, str]:
        """What each program said, those that died too."""
        return {file.stem: file.read_text() for file in sorted(self.folder.glob("*.log"))}

    async def end(self) -> None:
        for program in self.programs.values():
            if program.lives:
                program.resume()
        await asyncio.gather(*(program.stop() for program in self.programs.values() if program.lives))


@contextlib.asynccontextmanager
async def fleet(
    server: Postgres, folder: Path, settings: Mapping[str, str], tablespace: str = "pg_default"
) -> AsyncIterator[Fleet]:
    """A fleet without programs, on an empty database. Its programs end with the block."""
    database, clock = server.create(tablespace=tablespace), SharedClock(folder / "clock")
    store = Store(make_engine(database.render_as_string(hide_password=False), 10.0))
    async with BadLine(server.url) as line:
        made = Fleet(server, database, line, folder, QUICK | dict(settings), clock, store)
        try:
            yield made
        finally:
            for program in made.programs.values():
                if program.lives:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(program.process.pid, signal.SIGKILL)
                    await program.process.wait()
            await store.close()
    server.drop(database)
