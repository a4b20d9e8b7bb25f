"""What a button holds, and what is kept for those that can't."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.messages import Action
from bot.platforms.discord.custom_ids import LONGEST, ActionStore, card_button_id, command_of_card_button

LONG = "federated " * 50


def longs(count: int, start: int = 0) -> list[Action]:
    return [Action("", "search", f"{LONG} {number}", number) for number in range(start, start + count)]


@given(st.sampled_from(["search", "share", "more"]), st.text(), st.integers(0, 10**6))
def test_every_button_gives_back_what_it_was_for(command: str, argument: str, offset: int) -> None:
    store = ActionStore()
    name = store.id_of(Action("More", command, argument * 3, offset))
    assert 0 < len(name) <= LONGEST
    assert store.action(name, "More") == Action("More", command, argument * 3, offset)


@given(st.sampled_from(["more", "less"]), st.text(max_size=200))
def test_a_button_on_a_card_needs_nothing_that_is_kept(command: str, paper_id: str) -> None:
    name = card_button_id(Action("", command, paper_id))
    assert len(name) <= LONGEST
    known = ActionStore().action(name)
    assert command_of_card_button(name) == command if known is None else known == Action("", command, paper_id)


def test_last_thousand_actions_survive_a_restart_and_the_file_stays_small(tmp_path: Path) -> None:
    file = tmp_path / "new" / "buttons"
    store = ActionStore(file)
    names = [store.id_of(action) for action in longs(2_500)]
    again = ActionStore(file)
    assert [again.action(name) for name in names[-1_000:]] == longs(1_000, 1_500)
    assert again.action(names[1_499]) is None
    assert len(file.read_text().splitlines()) <= 2_000
    assert S_IMODE(file.stat().st_mode) == 0o600


def test_the_same_button_is_written_down_once(tmp_path: Path) -> None:
    store = ActionStore(tmp_path / "buttons")
    assert len({store.id_of(longs(1)[0]) for _ in range(9)}) == 1
    assert len((tmp_path / "buttons").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "broken", ["", "{", "[]", "null", '["long:x", "more"]', '["long:x", "more", "", "x"]', "\x00\xff"]
)
@pytest.mark.parametrize("end", ["\n", ""])
def test_a_line_that_was_cut_short_costs_no_other(tmp_path: Path, broken: str, end: str) -> None:
    file = tmp_path / "buttons"
    first, second = longs(2)
    names = [ActionStore(file).id_of(first)]
    with file.open("a", encoding="latin-1") as out:
        out.write(broken + end)
    names.append(ActionStore(file).id_of(second))
    again = ActionStore(file)
    assert [again.action(name) for name in names] == [first, second]


def test_a_file_that_cannot_be_read_costs_no_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    [action] = longs(1)
    (tmp_path / "buttons").symlink_to("/proc/self/mem")  # reading it fails, whoever asks
    store = ActionStore(tmp_path / "buttons")
    assert "can't be read" in caplog.text
    assert store.action(store.id_of(action)) == action


def test_a_disk_that_takes_nothing_costs_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    store = ActionStore(tmp_path / "file" / "buttons")
    [action] = longs(1)
    assert store.action(store.id_of(action)) == action
    assert "will not be known after a restart" in caplog.text
