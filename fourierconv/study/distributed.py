"""One training that shares its batches between processes, started by torchrun: one per GPU, or several on the CPU.

    torchrun --nproc-per-node 2 -m fourierconv.study.distributed '{"data": "imagenette", "processes": 2, …}'

The argument is a config of `experiments.classification` as JSON, `processes` the number that torchrun starts. Gradients
are averaged over the processes, and all read the learned scales at the same steps, so that their weights stay the same.
Batch norm takes its means over a process's own part of the batch, and the running ones that the test uses are the first
process's. So the result is another than that of one process, and has a key of its own. Without batch norm it is the
same but for rounding. FOURIERCONV_DEVICE=cuda asks for GPUs.
"""

import json
import os
import sys
import time
from typing import Any

import torch
import torch.distributed as dist

from fourierconv.study import provenance
from fourierconv.study.experiments import classification
from fourierconv.study.store import Store, StudyError, build_folder
from fourierconv.study.training import device
from fourierconv.study.worker import settle


def main(text: str, store: Store) -> None:
    """Train the config, unless `store` has it, in this process as one of those that torchrun started; the first saves.

    Raises:
        StudyError: no config, or one for another number of processes.
    """
    experiment: Any = classification
    config = parse(text)
    started = int(os.environ.get("WORLD_SIZE", 1))
    if config.processes != started:
        raise StudyError(f"processes={config.processes}, but torchrun started {started}")
    if "RANK" not in os.environ:
        raise StudyError("this is no process that torchrun started: torchrun -m fourierconv.study.distributed CONFIG")
    settle()
    here = device()
    if here.type == "cuda":
        torch.cuda.set_device(here)
    dist.init_process_group("nccl" if here.type == "cuda" else "gloo")
    try:
        first = dist.get_rank() == 0
        found = [store.find(experiment, config) is not None]
        dist.broadcast_object_list(found)  # as the first process sees it
        if found[0]:
            return
        start = time.perf_counter()
        outcome = classification.run(config, _say if first else _say_nothing)
        if first:
            seconds = time.perf_counter() - start
            store.save(experiment, config, outcome, provenance.gather() | provenance.finished(seconds))
            _say(f"done in {provenance.readable(seconds)}: {store.path(experiment, config)}")
    finally:
        dist.destroy_process_group()


def parse(text: str) -> classification.Config:
    """A config from JSON, in which tuples are lists and fields that have a default may be left out.

    Raises:
        StudyError: no JSON object of its fields, or what the config refuses.

    >>> parse('{"data": "cifar10", "size": 32, "method": "window", "seed": 0, "widths": [8, 8], "epochs": 1}').widths
    (8, 8)
    """
    try:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()
        }
        return classification.Config(**fields)
    except (ValueError, TypeError, AttributeError) as error:
        raise StudyError(f"{text!r} is no config: {error}") from None


def _say(line: str) -> None:
    print(line, flush=True)


def _say_nothing(line: str) -> None:
    pass


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: torchrun --nproc-per-node N -m fourierconv.study.distributed CONFIG")
    try:
        main(sys.argv[1], Store(build_folder() / "runs"))
    except StudyError as error:
        sys.exit(f"error: {error}")
