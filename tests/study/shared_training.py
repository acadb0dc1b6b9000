"""What both processes of a data-parallel training run; a module of its own, for new processes to import."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from fourierconv.study import methods
from fourierconv.study.data import ImageSet
from fourierconv.study.training import train_classifier

PROCESSES = 2


def network() -> nn.Module:
    """Without batch norm, so that nothing depends on how a batch is shared; no scale is at 1, where its slope jumps."""
    torch.manual_seed(0)
    scaled = replace(methods.get("scaled_channel"), scale=(1.5, 4.0))
    first, second = scaled.layer(1, 4, "zeros"), methods.get("spacings").layer(4, 4, "zeros")
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)]
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), *pool)


def stripes() -> ImageSet:
    """Two classes: stripes along either axis."""
    labels = np.arange(48) % 2
    phase = np.arange(48)[:, None, None] / 7 + np.arange(16)[:, None] * np.ones(16)
    waves = np.where(labels[:, None, None] == 0, np.sin(phase), np.sin(phase.swapaxes(1, 2)))
    images = np.rint(127 * (1 + waves))[:, None].astype(np.uint8)
    return ImageSet(images, labels, images, labels, classes=("along", "across"))


def train(model: nn.Module) -> list[dict[str, Any]]:
    return train_classifier(
        model, stripes(), epochs=4, batch=16, lr=0.01, seed=0, report=lambda line: None, algorithm="sgd"
    )


def work(rank: int, folder: Path) -> None:
    """Train on this process' parts of the batches, and leave in `folder` what came out."""
    torch.set_num_threads(1)
    meeting, wait = f"file://{folder}/meeting", timedelta(seconds=100)
    dist.init_process_group("gloo", init_method=meeting, timeout=wait, rank=rank, world_size=PROCESSES)
    model = network()
    history = train(DistributedDataParallel(model))
    torch.save({"history": history, "state": model.state_dict()}, folder / f"{rank}.pt")
    dist.destroy_process_group()
