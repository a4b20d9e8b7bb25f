"""The threat model: every test that it names exists, and every finding has one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "threat-model.md").read_text()
FINDINGS = [
    *(f"S{n}" for n in range(1, 17) if n != 15),
    *(f"R{n}" for n in range(1, 4)),
    *(f"X{n}" for n in range(1, 10)),
    *(f"D{n}" for n in range(1, 9)),
]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)


def functions(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_named_test_exists() -> None:
    assert len(NAMED) > 60
    missing = [
        f"{file}::{name}" for file, name in NAMED if not (ROOT / file).exists() or name not in functions(ROOT / file)
    ]
    assert not missing, "docs/threat-model.md names tests that are gone: name those that took their place"


def test_every_finding_has_a_test() -> None:
    rows = {cells[1].strip(): line for line in TEXT.splitlines() if len(cells := line.split("|")) == 6}
    assert {finding for finding in FINDINGS if "::test_" not in rows.get(finding, "")} == set()
