"""The training loops of the study: plain, deterministic, one line of progress at a time."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fourierconv.layers import fourier_layers
from fourierconv.study.data import ImageSet, normalise
from fourierconv.study.models import extents, scales

REFRESH_EVERY = 10  # steps between two readings of the learned scales


def optimizer(model: nn.Module, lr: float) -> torch.optim.Adam:
    """Adam in which learned scales have the rate that their layers ask for, everything else `lr`.

    >>> [group["lr"] for group in optimizer(nn.Linear(2, 2), 0.01).param_groups]
    [0.01]
    """
    groups = [group for layer in fourier_layers(model) for group in layer.parameter_groups(lr)]
    grouped = {id(parameter) for group in groups for parameter in group["params"]}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in grouped]
    return torch.optim.Adam([*groups, {"params": rest, "lr": lr}] if rest else groups, lr=lr)


def refresh(model: nn.Module) -> int:
    """Re-read the learned scales of a model; returns how many had reached their bound."""
    return sum(layer.refresh() for layer in fourier_layers(model))


def train_classifier(
    model: nn.Module,
    images: ImageSet,
    *,
    epochs: int,
    batch: int,
    lr: float,
    seed: int,
    report: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Train with Adam on cross entropy, the rate falling from `lr` to 0 along a cosine.

    Args:
        model: the network, trained in place.
        images: training and test split.
        epochs, batch, lr: of the optimizer; batches are drawn anew each epoch and the last, smaller one is left out.
        seed: of the order of the batches.
        report: called with one line per epoch.

    Returns:
        One entry per epoch: training loss and accuracy (in %), extents and scales of the layers, and how many scales
        met their bound.

    Raises:
        FloatingPointError: a loss that is not a number.
    """
    steps = len(images.train_images) // batch
    adam = optimizer(model, lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs * steps)
    order = torch.Generator().manual_seed(seed)
    labels = torch.from_numpy(images.train_labels)
    history: list[dict[str, Any]] = []
    start = time.monotonic()
    for epoch in range(1, epochs + 1):
        model.train()
        losses, hits, bounded = 0.0, 0, 0
        shuffled = torch.randperm(len(labels), generator=order)[: steps * batch].view(steps, batch)
        for step, index in enumerate(shuffled):
            logits = model(_tensor(images.train_images, index.numpy()))
            loss = F.cross_entropy(logits, labels[index])
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
            if step % REFRESH_EVERY == 0:
                bounded += refresh(model)
            losses += float(loss.detach())
            hits += int((logits.argmax(1) == labels[index]).sum())
        if not np.isfinite(losses):
            raise FloatingPointError(f"the loss of epoch {epoch} is {losses}: training diverged")
        entry = {
            "epoch": epoch,
            "loss": losses / steps,
            "train_accuracy": 100 * hits / (steps * batch),
            "extents": extents(model),
            "scales": scales(model),
            "bounded": bounded,
        }
        history.append(entry)
        left = (time.monotonic() - start) / epoch * (epochs - epoch)
        report(
            f"epoch {epoch}/{epochs}, loss {entry['loss']:.3f}, training accuracy {entry['train_accuracy']:.1f} %, "
            f"{left:.0f} s left"
        )
    return history


@torch.no_grad()
def accuracy(model: nn.Module, images: np.ndarray, labels: np.ndarray, batch: int = 100) -> float:
    """Share of images classified correctly, in percent."""
    model.eval()
    hits = 0
    for start in range(0, len(labels), batch):
        part = np.arange(start, min(start + batch, len(labels)))
        hits += int((model(_tensor(images, part)).argmax(1).numpy() == labels[part]).sum())
    return 100 * hits / len(labels)


def _tensor(images: np.ndarray, index: np.ndarray) -> Tensor:
    return torch.from_numpy(normalise(images[index]))


def fit(
    student: nn.Module,
    inputs: Tensor,  # (samples, in, n, n)
    targets: Tensor,  # (samples, out, n, n)
    *,
    steps: int,
    batch: int,
    lr: float,
    seed: int,
) -> list[float]:
    """Regress targets with Adam on the mean squared error, the rate falling from `lr` to 0 along a cosine.

    Returns:
        The loss of every step.
    """
    adam = optimizer(student, lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    order = torch.Generator().manual_seed(seed)
    losses = []
    for step in range(steps):
        index = torch.randint(len(inputs), (batch,), generator=order)
        loss = F.mse_loss(student(inputs[index]), targets[index])
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
        if step % REFRESH_EVERY == 0:
            refresh(student)
        losses.append(float(loss.detach()))
    return losses
