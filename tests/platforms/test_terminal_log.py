"""The log keeps what it confirmed, whatever happens to the process, the disk or the file."""

import fcntl
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.messages import Card, Message, Place
from bot.platforms.terminal.terminal_log import TerminalLog
from bot.ports.platform import AccessLost, NotAccepted, Uncertain
from tests.platforms.terminal_guest import Disk, full_disk

PAPERS = Place("terminal", "papers", name="papers")
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    log = TerminalLog(tmp_path)
    log.join(PAPERS)
    message = Message("", Card("1", "量子 “quotes”\nand lines 👍", published=NOW.date()))
    log.post(PAPERS, "key-1", message, NOW)
    log.react(PAPERS, "key-1", "ada", "👍", on=True, at=NOW)
    again = TerminalLog(tmp_path)
    assert again.places() == [PAPERS]
    assert [message.message for message in again.messages(PAPERS)] == [message]
    assert again.reactions(PAPERS, "key-1") == [("ada", "👍")]
    assert again.find(PAPERS, "key-1", NOW) == "key-1"
    assert again.damaged == 0


def test_a_message_said_before_the_asked_time_is_not_found(tmp_path: Path) -> None:
    log = TerminalLog(tmp_path)
    log.post(PAPERS, "key-1", Message("x"), NOW)
    assert log.find(PAPERS, "key-1", NOW + timedelta(seconds=1)) is None


def test_only_changes_of_a_reaction_are_noted_and_each_has_its_own_time(tmp_path: Path) -> None:
    log = TerminalLog(tmp_path)
    log.post(PAPERS, "key-1", Message("x"), NOW)
    told = [log.react(PAPERS, "key-1", "ada", "👍", on=on, at=NOW) for on in (True, True, False, False, True)]
    changes = [each for each in told if each]
    assert [each.on for each in changes] == [True, False, True]
    assert len({each.at for each in changes}) == 3
    assert log.react(PAPERS, "no such message", "ada", "👍", on=True, at=NOW) is None


_WRITER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from bot.model.messages import Message, Place
from bot.platforms.terminal.terminal_log import TerminalLog

place, now = Place("terminal", "papers", name="papers"), datetime(2026, 3, 2, 8, tzinfo=UTC)
log = TerminalLog(Path(sys.argv[1]))
log.post(place, "key-1", Message("whole"), now)
write = os.write
def die_half_way(file, data):
    write(file, data[: int(sys.argv[2])])
    os._exit(9)
os.write = die_half_way
log.post(place, "key-2", Message("cut off"), now)
"""


@pytest.mark.parametrize("written", [0, 1, 40])
def test_process_killed_while_writing_leaves_no_partial_line(tmp_path: Path, written: int) -> None:
    died = subprocess.run([sys.executable, "-c", _WRITER, str(tmp_path), str(written)], check=False)
    assert died.returncode == 9
    log = TerminalLog(tmp_path)
    assert [message.id for message in log.messages(PAPERS)] == ["key-1"]
    log.post(PAPERS, "key-2", Message("once more"), NOW)
    again = TerminalLog(tmp_path)
    assert [message.message.text for message in again.messages(PAPERS)] == ["whole", "once more"]
    assert again.damaged == 0


def test_a_damaged_line_is_left_out_and_counted(tmp_path: Path) -> None:
    log = TerminalLog(tmp_path)
    for number in range(3):
        log.post(PAPERS, f"key-{number}", Message("x"), NOW)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(lines[0] + b"\xff\x00 not json\n" + b'{"kind": "dream"}\n' + b"\n" + lines[2])
    again = TerminalLog(tmp_path)
    assert [message.id for message in again.messages(PAPERS)] == ["key-0", "key-2"]
    assert again.damaged == 3


@settings(max_examples=50, deadline=None)
@given(garbage=st.binary(max_size=300))
def test_no_garbage_keeps_the_room_from_opening(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    folder = tmp_path_factory.mktemp("log")
    (folder / "room.jsonl").write_bytes(garbage)
    TerminalLog(folder).post(PAPERS, "key-1", Message("still works"), NOW)
    assert [message.id for message in TerminalLog(folder).messages(PAPERS)] == ["key-1"]


def test_a_full_disk_is_said_and_breaks_no_later_line(tmp_path: Path) -> None:
    log = TerminalLog(tmp_path)
    log.post(PAPERS, "key-1", Message("before"), NOW)
    with full_disk(log.path), pytest.raises(NotAccepted, match="disk is full"):
        log.post(PAPERS, "key-2", Message("too much"), NOW)
    assert log.find(PAPERS, "key-2", NOW) is None
    log.post(PAPERS, "key-3", Message("after"), NOW)
    assert [json.loads(line)["id"] for line in log.path.read_text().splitlines()] == ["key-1", "key-3"]


def test_a_room_that_is_gone_is_access_lost(tmp_path: Path) -> None:
    log = TerminalLog(tmp_path / "log")
    (tmp_path / "log").rename(tmp_path / "away")
    with pytest.raises(AccessLost, match="can't be reached"):
        log.post(PAPERS, "key-1", Message("x"), NOW)
    with pytest.raises(AccessLost):
        log.messages(PAPERS)


def test_a_file_in_the_folders_place_is_access_lost(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("")
    with pytest.raises(AccessLost, match="log"):
        TerminalLog(tmp_path / "log")


def test_what_the_disk_does_not_confirm_is_uncertain_until_looked_up(tmp_path: Path) -> None:
    disk = Disk()
    log = TerminalLog(tmp_path, disk.fsync)
    disk.fails = True
    with pytest.raises(Uncertain):
        log.post(PAPERS, "key-1", Message("x"), NOW)
    disk.fails = False
    assert log.find(PAPERS, "key-1", NOW) == "key-1"
    assert log.post(PAPERS, "key-1", Message("x"), NOW) == "key-1"
    assert len(log.path.read_bytes().splitlines()) == 1


def test_two_logs_on_one_folder_read_each_other_and_post_a_key_once(tmp_path: Path) -> None:
    one, two = TerminalLog(tmp_path), TerminalLog(tmp_path)

    def say_all(log: TerminalLog) -> None:
        for number in range(30):
            log.post(PAPERS, f"key-{number}", Message("x"), NOW)

    threads = [threading.Thread(target=say_all, args=(log,)) for log in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(one.path.read_bytes().splitlines()) == 30
    assert [message.id for message in one.messages(PAPERS)] == [message.id for message in two.messages(PAPERS)]


def test_writer_holds_the_logs_lock_until_the_disk_confirmed(tmp_path: Path) -> None:
    tried: list[bool] = []

    def try_the_lock(_: int) -> None:
        with log.path.open("rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        tried.append(True)

    log = TerminalLog(tmp_path, try_the_lock)
    log.post(PAPERS, "key-1", Message("x"), NOW)
    assert tried


def test_a_room_deleted_under_a_running_chat_starts_empty_again(tmp_path: Path) -> None:
    log = TerminalLog(tmp_path)
    log.post(PAPERS, "key-1", Message("x"), NOW)
    log.path.unlink()
    assert log.messages(PAPERS) == []
    log.post(PAPERS, "key-2", Message("y"), NOW)
    assert [message.id for message in TerminalLog(tmp_path).messages(PAPERS)] == ["key-2"]


def test_the_room_is_for_its_owners_eyes(tmp_path: Path) -> None:
    assert TerminalLog(tmp_path).path.stat().st_mode & 0o077 == 0
