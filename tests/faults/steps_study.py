"""The study's command line over the experiment of faults: `python -m tests.faults.steps_study run --profile quick`."""

import os
import resource
import sys

from fourierconv.study.__main__ import main
from tests.faults import steps

if __name__ == "__main__":
    if size := os.environ.get("STEPS_FILE_SIZE"):  # bytes beyond which no file may grow, of this process
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
    sys.exit(main(sys.argv[1:], {"steps": steps}, []))
