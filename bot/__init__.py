"""The bot: everything around the recommender. See ARCHITECTURE.md."""

import os as _os

# The products of the learner are small: NumPy's threads, one for each core, would wait for each other longer than they
# take. On two cores a pick of five papers costs 6 ms of computing time with one thread, and 30 ms with two. The
# libraries read this once, when NumPy is imported.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    _os.environ.setdefault(_variable, "1")
