"""`python -m tests.benchmarks [--data FOLDER]`: every benchmark as a ratio to a baseline measured in the same run."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import building, relearning, serving
from tests.benchmarks.corpus import paper_file
from tests.benchmarks.figures import table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder (or file) of papers; without it they are made up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        file = paper_file(options.data, folder)
        print(f"Papers: {(options.data and file) or 'made up'}. This takes some minutes.", flush=True)
        figures = building.run(file, folder / "store")
        print(table(figures), flush=True)
        figures += relearning.run(file, folder / "store" / "index")
        figures += serving.run(folder / "store")
    print(table(figures))
    return 0 if all(figure.ok for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
