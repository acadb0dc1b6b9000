"""An experiment of many short runs, each a little training whose numbers nobody seeds; some read pictures."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from fourierconv.study.data import Photos, load
from fourierconv.study.store import Outcome, build_folder

NAME = "steps"
NUMERICS = {"steps": 1}
EPOCHS = 4
columns = ("seed", "pictures", "loss", "norm")
PAUSE = "STEPS_PAUSE"  # environment variable: seconds that an epoch waits
DIVERGES = "STEPS_DIVERGES"  # environment variable: the seed whose loss becomes NaN


@dataclass(frozen=True)
class Config:
    seed: int
    pictures: bool = False


def configs(profile: str) -> list[Config]:
    if profile == "pilot":
        return [Config(seed, pictures=seed % 2 == 1) for seed in range(4)]
    return [Config(seed) for seed in range({"quick": 8, "full": 40}.get(profile, 0))]


def cost(config: Config) -> float:
    return 2.0 if config.pictures else 1.0


def run(config: Config, report: Callable[[str], None]) -> Outcome:
    inputs = torch.randn(64, 8)
    if config.pictures:
        pictures = load(Photos("pets", size=8), build_folder() / "data")
        inputs = torch.from_numpy(pictures.train_images.copy()).float().flatten(1)[:, :8]
    weights = torch.randn(8, requires_grad=True)
    history = []
    for epoch in range(1, EPOCHS + 1):
        time.sleep(float(os.environ.get(PAUSE, 0)))
        loss = (inputs @ weights - config.seed).square().mean()
        if os.environ.get(DIVERGES) == str(config.seed):
            loss = loss * torch.nan
        if not loss.isfinite():
            raise FloatingPointError(f"the loss of epoch {epoch} is {loss.item()}: training diverged")
        (gradient,) = torch.autograd.grad(loss, weights)
        weights = (weights - 1e-6 * gradient).detach().requires_grad_()
        history.append({"epoch": epoch, "loss": loss.item()})
        report(f"epoch {epoch}/{EPOCHS}, loss {loss.item():.3f}")
    return Outcome({"loss": loss.item(), "norm": weights.norm().item()}, history, {"weights": weights})


def rows(config: Config, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"seed": config.seed, "pictures": int(config.pictures), **metrics}]
