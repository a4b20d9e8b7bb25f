"""Nobody but the bot's own user reads what it keeps, whatever the umask, and also where earlier versions let them."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operate.test_single_instance import chatting
from tests.support.operator import Operator, good, lines


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder.parent)): f"{stat.S_IMODE(path.stat().st_mode):o}"
        for path in (folder, *folder.rglob("*"))
    }


def open_to_others(folder: Path) -> dict[str, str]:
    return {name: mode for name, mode in modes(folder).items() if not mode.endswith("00")}


def test_everything_that_a_new_bot_makes_is_its_users_alone(operator: Operator, tmp_path: Path) -> None:
    home = tmp_path / "deep" / "new"
    operator.set(DATA_DIR=str(home))
    assert operator("papers", "import", lines(tmp_path, good(1))).code == 0
    with chatting(operator) as process:
        assert {"paperboy.db", "paperboy.db-wal", "index", "terminal"} <= {path.name for path in home.iterdir()}
        assert open_to_others(home.parent) == {}
        process.terminate()
        process.wait(60)
    assert operator("db", "backup", tmp_path / "backup").code == 0
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600


def test_what_earlier_versions_left_open_is_closed_and_said_once(stocked: Operator) -> None:
    home = stocked.home
    for path in (home, home / "index"):
        path.chmod(0o755)
    for name in ("paperboy.db", "paperboy.db-wal", "paperboy.db-shm"):
        (home / name).touch()
        (home / name).chmod(0o644)
    ran = stocked("search", "federated")
    assert ran.code == 0
    assert len(ran.told) == 1
    assert ran.told[0].startswith("Other users could read ")
    assert ran.told[0].endswith(". Now only this user can.")
    assert {name: mode for name, mode in open_to_others(home).items() if "/index/" not in name} == {}
    assert stocked("search", "federated").told == []


def test_shared_data_folder_stays_readable_but_the_store_in_it_becomes_private(stocked: Operator) -> None:
    home = stocked.home
    (home / "notes.txt").write_text("of somebody else")
    home.chmod(0o755)
    (home / "paperboy.db").chmod(0o664)
    assert stocked("search", "federated").code == 0
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    assert stat.S_IMODE((home / "paperboy.db").stat().st_mode) == 0o600


def test_a_store_elsewhere_and_behind_a_link_is_closed_too(operator: Operator, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere.db"
    (operator.home / "paperboy.db").rename(there)
    there.chmod(0o644)
    (tmp_path / "link.db").symlink_to(there)
    operator.set(DATABASE_URL=f"sqlite:///{tmp_path / 'link.db'}")
    assert operator("db", "upgrade").code == 0
    assert stat.S_IMODE(there.stat().st_mode) == 0o600
    assert (tmp_path / "link.db").is_symlink()


def test_the_program_changes_the_umask_of_nobody_else(operator: Operator) -> None:
    operator("--version")
    before = os.umask(0o022)
    assert before == 0o022
    assert subprocess.run(["sh", "-c", "umask"], capture_output=True, text=True, check=True).stdout.strip() == "0022"
