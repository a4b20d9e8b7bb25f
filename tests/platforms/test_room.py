"""The room keeps what it confirmed, whatever happens to the process, the disk or the file."""

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
from bot.platforms.terminal.room import Room
from bot.ports.platform import AccessLost, NotAccepted, Uncertain
from tests.platforms.terminal_guest import Disk, full_disk

PAPERS = Place("terminal", "papers", name="papers")
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.join(PAPERS)
    message = Message("", Card("1", "量子 “quotes”\nand lines 👍", published=NOW.date()))
    room.say(PAPERS, "key-1", message, NOW)
    room.react(PAPERS, "key-1", "ada", "👍", on=True, at=NOW)
    again = Room(tmp_path)
    assert again.places() == [PAPERS]
    assert [said.message for said in again.messages(PAPERS)] == [message]
    assert again.standing(PAPERS, "key-1") == [("ada", "👍")]
    assert again.find(PAPERS, "key-1", NOW) == "key-1"
    assert again.damaged == 0


def test_a_message_said_before_the_asked_time_is_not_found(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.say(PAPERS, "key-1", Message("x"), NOW)
    assert room.find(PAPERS, "key-1", NOW + timedelta(seconds=1)) is None


def test_only_changes_of_a_reaction_are_noted_and_each_has_its_own_time(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.say(PAPERS, "key-1", Message("x"), NOW)
    told = [room.react(PAPERS, "key-1", "ada", "👍", on=on, at=NOW) for on in (True, True, False, False, True)]
    changes = [each for each in told if each]
    assert [each.on for each in changes] == [True, False, True]
    assert len({each.at for each in changes}) == 3
    assert room.react(PAPERS, "no such message", "ada", "👍", on=True, at=NOW) is None


_WRITER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from bot.model.messages import Message, Place
from bot.platforms.terminal.room import Room

place, now = Place("terminal", "papers", name="papers"), datetime(2026, 3, 2, 8, tzinfo=UTC)
room = Room(Path(sys.argv[1]))
room.say(place, "key-1", Message("whole"), now)
write = os.write
def die_half_way(file, data):
    write(file, data[: int(sys.argv[2])])
    os._exit(9)
os.write = die_half_way
room.say(place, "key-2", Message("cut off"), now)
"""


@pytest.mark.parametrize("written", [0, 1, 40])
def test_a_process_killed_while_writing_leaves_no_trace_of_what_it_wrote(tmp_path: Path, written: int) -> None:
    died = subprocess.run([sys.executable, "-c", _WRITER, str(tmp_path), str(written)], check=False)
    assert died.returncode == 9
    room = Room(tmp_path)
    assert [said.id for said in room.messages(PAPERS)] == ["key-1"]
    room.say(PAPERS, "key-2", Message("once more"), NOW)
    again = Room(tmp_path)
    assert [said.message.text for said in again.messages(PAPERS)] == ["whole", "once more"]
    assert again.damaged == 0


def test_a_damaged_line_is_left_out_and_counted(tmp_path: Path) -> None:
    room = Room(tmp_path)
    for number in range(3):
        room.say(PAPERS, f"key-{number}", Message("x"), NOW)
    lines = room.path.read_bytes().splitlines(keepends=True)
    room.path.write_bytes(lines[0] + b"\xff\x00 not json\n" + b'{"kind": "dream"}\n' + b"\n" + lines[2])
    again = Room(tmp_path)
    assert [said.id for said in again.messages(PAPERS)] == ["key-0", "key-2"]
    assert again.damaged == 3


@settings(max_examples=50, deadline=None)
@given(garbage=st.binary(max_size=300))
def test_no_garbage_keeps_the_room_from_opening(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    folder = tmp_path_factory.mktemp("room")
    (folder / "room.jsonl").write_bytes(garbage)
    Room(folder).say(PAPERS, "key-1", Message("still works"), NOW)
    assert [said.id for said in Room(folder).messages(PAPERS)] == ["key-1"]


def test_a_full_disk_is_said_and_breaks_no_later_line(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.say(PAPERS, "key-1", Message("before"), NOW)
    with full_disk(room.path), pytest.raises(NotAccepted, match="disk is full"):
        room.say(PAPERS, "key-2", Message("too much"), NOW)
    assert room.find(PAPERS, "key-2", NOW) is None
    room.say(PAPERS, "key-3", Message("after"), NOW)
    assert [json.loads(line)["id"] for line in room.path.read_text().splitlines()] == ["key-1", "key-3"]


def test_a_room_that_is_gone_is_access_lost(tmp_path: Path) -> None:
    room = Room(tmp_path / "room")
    (tmp_path / "room").rename(tmp_path / "away")
    with pytest.raises(AccessLost, match="can't be reached"):
        room.say(PAPERS, "key-1", Message("x"), NOW)
    with pytest.raises(AccessLost):
        room.messages(PAPERS)


def test_a_file_in_the_folders_place_is_access_lost(tmp_path: Path) -> None:
    (tmp_path / "room").write_text("")
    with pytest.raises(AccessLost, match="room"):
        Room(tmp_path / "room")


def test_what_the_disk_does_not_confirm_is_uncertain_until_looked_up(tmp_path: Path) -> None:
    disk = Disk()
    room = Room(tmp_path, disk.fsync)
    disk.fails = True
    with pytest.raises(Uncertain):
        room.say(PAPERS, "key-1", Message("x"), NOW)
    disk.fails = False
    assert room.find(PAPERS, "key-1", NOW) == "key-1"
    assert room.say(PAPERS, "key-1", Message("x"), NOW) == "key-1"
    assert len(room.path.read_bytes().splitlines()) == 1


def test_two_rooms_on_one_folder_hear_each_other_and_never_say_a_key_twice(tmp_path: Path) -> None:
    one, two = Room(tmp_path), Room(tmp_path)

    def say_all(room: Room) -> None:
        for number in range(30):
            room.say(PAPERS, f"key-{number}", Message("x"), NOW)

    threads = [threading.Thread(target=say_all, args=(room,)) for room in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(one.path.read_bytes().splitlines()) == 30
    assert [said.id for said in one.messages(PAPERS)] == [said.id for said in two.messages(PAPERS)]


def test_who_writes_holds_the_rooms_lock_until_the_disk_has_confirmed(tmp_path: Path) -> None:
    tried: list[bool] = []

    def try_the_lock(_: int) -> None:
        with room.path.open("rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        tried.append(True)

    room = Room(tmp_path, try_the_lock)
    room.say(PAPERS, "key-1", Message("x"), NOW)
    assert tried


def test_a_room_deleted_under_a_running_chat_starts_empty_again(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.say(PAPERS, "key-1", Message("x"), NOW)
    room.path.unlink()
    assert room.messages(PAPERS) == []
    room.say(PAPERS, "key-2", Message("y"), NOW)
    assert [said.id for said in Room(tmp_path).messages(PAPERS)] == ["key-2"]


def test_the_room_is_for_its_owners_eyes(tmp_path: Path) -> None:
    assert Room(tmp_path).path.stat().st_mode & 0o077 == 0
