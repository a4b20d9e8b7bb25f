"""A benchmark's figures, and a child process measured whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Figure:
    """Ours beside a baseline, in `unit`. `ours / baseline` must not exceed `target`."""

    name: str
    ours: float
    baseline: float
    unit: str
    target: float

    @property
    def ratio(self) -> float:
        return self.ours / self.baseline

    @property
    def ok(self) -> bool:
        return self.ratio <= self.target


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text."""
    lines = [f"{'benchmark':<52} {'ours':>12} {'baseline':>12} {'ratio':>9} {'target':>9}"]
    for figure in figures:
        ours, baseline = f"{figure.ours:.4g} {figure.unit}", f"{figure.baseline:.4g} {figure.unit}"
        target, verdict = f"≤ {figure.target:.4g}", "ok" if figure.ok else "MISSED"
        lines.append(f"{figure.name:<52} {ours:>12} {baseline:>12} {figure.ratio:>9.4f} {target:>9} {verdict}")
    return "\n".join(lines)


def in_child(module: str, *arguments: str) -> tuple[dict[str, Any], float]:
    """(what `python -m module arguments` printed last, as JSON; its peak memory in MiB)."""
    child = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    printed = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} ended with {child.returncode}")
    scale = 1 if sys.platform == "darwin" else 1024
    return json.loads(printed.splitlines()[-1]), usage.ru_maxrss * scale / 2**20
