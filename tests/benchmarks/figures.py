"""A benchmark's figures, and a child process measured whole."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


def in_child(module: str, *arguments: str, on_one_core: bool = False) -> dict[str, float]:
    """What `python -m module arguments` reported last; `on_one_core` it multiplies matrices in one thread."""
    one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} if on_one_core else {}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, check=False, env=os.environ | one)
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} ended with {done.returncode}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def report(**figures: float) -> None:
    """Tell the parent, with the peak `memory` of this process in MiB."""
    print(json.dumps({**figures, "memory": _peak()}))


def _peak() -> float:
    # Linux counts in getrusage what the parent had when it started this process; here it does not.
    if (status := Path("/proc/self/status")).exists():
        [peak] = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(peak) / 2**10
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20
