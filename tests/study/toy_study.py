"""The study's command line over the toy experiment: `python -m tests.study.toy_study run --profile quick`."""

import sys

from fourierconv.study.__main__ import main
from fourierconv.study.claims import Claim, Tables, per_seed, select
from fourierconv.study.statistics import paired_differences
from tests.study import toy


def gain(tables: Tables) -> list[float]:
    ours, theirs = (per_seed(select(tables, "toy", size=64, method=name), "accuracy") for name in ("window", "conv2d"))
    return [100 * difference for difference in paired_differences(ours, theirs)]


CLAIMS = [Claim("gain_64", "Windows beat taps at 64 px.", gain, "points", floor=0.5, experiment="toy")]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], {"toy": toy}, CLAIMS))
