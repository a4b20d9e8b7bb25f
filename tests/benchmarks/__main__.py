"""`python -m tests.benchmarks [--data FOLDER]`: every benchmark as a ratio to a baseline measured in the same run."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import attacks, building, learning, relearning, relevance, searching, serving, visiting
from tests.benchmarks.corpus import paper_files
from tests.benchmarks.figures import table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder of papers, perhaps with judged queries; else made up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        file, more = paper_files(options.data, folder)
        print(f"Papers: {(options.data and file) or 'made up'}. This takes some minutes.", flush=True)
        figures = building.run(file, folder / "store")
        print(table(figures), flush=True)
        figures += searching.run(file, more, folder / "engines")
        if options.data:
            figures += relevance.run(options.data, file, folder / "judged")
            figures += learning.run(options.data, file)
        print(table(figures), flush=True)
        figures += relearning.run(file, folder / "store" / "index")
        figures += attacks.run(file, folder / "store" / "index")
        shutil.copytree(folder / "store", folder / "visited")
        figures += serving.run(folder / "store")
        figures += visiting.run(folder / "visited")
    print(table(figures))
    return 0 if all(figure.ok for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
