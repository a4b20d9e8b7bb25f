"""docs/settings.md and docs/commands.md say what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = runpy.run_path(str(ROOT / "scripts" / "reference"))["FILES"]


@pytest.mark.parametrize("name", FILES)
def test_what_is_made_from_the_code_is_as_the_code_is(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == FILES[name](), "`make reference` writes it anew"
