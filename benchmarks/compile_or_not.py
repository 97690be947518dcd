"""When is compiling worth it? The same projection as plain Python and through Numba, in one run.

    python benchmarks/compile_or_not.py

For growing numbers of practices it prints the ratio of the plain run to the compiled one, the first
time (compiling included) and the second. Where the first ratio passes one lies the number of rule
evaluations that `capitation.evaluation.WORTH_COMPILING` stands for. The two runs of each size stand
beside each other and must agree to the last bit; seconds are not claims, only ratios are.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import xarray as xr

import capitation as cap
from capitation.engine import compiling
from capitation.evaluation import WORTH_COMPILING

MODEL = "national-practice-income"
COPIES = (1, 10, 30, 100)
REPEATS = 3


def copies_of_the_example(count: int) -> xr.Dataset:
    """The example's practices, so many times over, each time in a commissioner of its own."""
    example = cap.example_practices()
    made = []
    for number in range(count):
        codes = [f"{code}-{number}" for code in example["practice"].values]
        area = np.full(len(codes), f"area {number:03d}")
        made.append(example.assign_coords(practice=codes, commissioner=("practice", area)))
    return xr.concat(made, "practice", combine_attrs="override")


def timed(run: Callable[[], xr.Dataset]) -> tuple[float, xr.Dataset]:
    """Processor seconds of one run, and its result."""
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


@patch.dict(os.environ, CAPITATION_CACHE="off")  # what was kept before is not to be found
def main() -> None:
    """Print the table."""
    print(f"{'practices':>9}  {'evaluations':>12}  {'plain/first':>11}  {'plain/again':>11}")
    for count in COPIES:
        practices = copies_of_the_example(count)
        compiling.forget()  # so that the first compiled run compiles
        first, compiled = timed(lambda p=practices: cap.project(MODEL, p, compiled=True))
        pairs = []
        for _ in range(REPEATS):
            plain, result = timed(lambda p=practices: cap.project(MODEL, p, compiled=False))
            again, _ = timed(lambda p=practices: cap.project(MODEL, p, compiled=True))
            pairs.append((plain, again))
        assert result.identical(compiled)
        plain = statistics.median(pair[0] for pair in pairs)
        again = statistics.median(pair[1] for pair in pairs)
        rules = [v for v in result.data_vars.values() if v.attrs["kind"] in ("rule", "total")]
        evaluations = sum(variable.size for variable in rules)
        sizes = f"{practices.sizes['practice']:>9,}  {evaluations:>12,}"
        print(f"{sizes}  {plain / first:>11.2f}  {plain / again:>11.2f}")
    print(f"compiled from {WORTH_COMPILING:,} evaluations on")


if __name__ == "__main__":
    main()
