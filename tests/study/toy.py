"""A toy experiment of milliseconds, whose runs misbehave in every way a run can if their config says so."""

import errno
import itertools
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from fourierconv.study.store import Outcome

NAME = "toy"
NUMERICS = {"toy": 1}
columns = ("method", "size", "seed", "accuracy", "extent")
PAUSE = "TOY_PAUSE"  # environment variable: seconds that each run at size 32 takes
ASKED = "TOY_FAILS"  # environment variable: whether the behaviour of that name fails


@dataclass(frozen=True)
class Config:
    size: int = 32
    seed: int = 0
    method: str = "window"
    behaviour: str = "good"


def configs(profile: str) -> list[Config]:
    seeds = {"quick": (0, 1, 2), "tuning": (0,), "pilot": (0, 1), "full": (0, 1, 2, 3)}[profile]
    return [Config(*cell) for cell in itertools.product((32, 64), seeds, ("conv2d", "window"))]


def cost(config: Config) -> float:
    return config.size**2


def run(config: Config, report: Callable[[str], None]) -> Outcome:
    # Ctrl-C is the parent's to answer; what a worker would print of it says nothing to anybody.
    interruptible = signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    report("epoch 1/2, interruptible" if interruptible else "epoch 1/2")
    if config.size == 32:
        time.sleep(float(os.environ.get(PAUSE, 0)))
    # Not seeded, on purpose: what the worker ran before must not show.
    noise = float(torch.rand(()))
    accuracy = 0.5 + 0.1 * (config.method == "window") + 0.01 * config.seed + 0.001 * noise
    match config.behaviour:
        case "raises":
            raise ValueError("the scale is -1.0\nand more lines")
        case "raises if asked to" if os.environ.get(ASKED):
            raise ValueError("it was asked to")
        case "diverges":
            raise FloatingPointError("the loss of epoch 1 is nan: training diverged")
        case "nan":
            accuracy = float("nan")
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fills the disk":
            no_space(0)
    report("epoch 2/2")
    metrics = {"accuracy": accuracy, "extent": config.size / 3, "threads": torch.get_num_threads()}
    return Outcome(metrics, [{"epoch": 1, "loss": 0.5}], {"layer.scale": torch.full((2,), accuracy)})


def rows(config: Config, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    cells = {"method": config.method, "size": config.size, "seed": config.seed}
    return [{**cells, "accuracy": metrics["accuracy"], "extent": metrics["extent"]}]


def no_space(fd: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
