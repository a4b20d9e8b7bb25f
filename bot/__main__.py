"""`paperboy`, and `python -m bot`."""

import os

# The products of the learner are small: with one thread for each core they would wait for each other longer than they
# take. NumPy's libraries read this once, when they are imported.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from bot.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
