"""The training loops of the study: plain, deterministic, one line of progress at a time."""

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F

from fourierconv.layers import SCALE_RATE
from fourierconv.network import parameter_groups, refresh
from fourierconv.study.data import ImageSet, normalise
from fourierconv.study.data.images import MID_GREY, SPREAD
from fourierconv.study.models import extents, scales
from fourierconv.study.store import StudyError

REFRESH_EVERY = 10  # steps between two readings of the learned scales
MOMENTUM = 0.9
OPTIMIZERS = ("adam", "sgd")
DEVICE_VARIABLE = "FOURIERCONV_DEVICE"
SHARE = 0.1  # of the memory that is free on a device, that the images of one run may take


def device() -> torch.device:
    """Where runs are computed: the CPU, or the CUDA device if FOURIERCONV_DEVICE=cuda asks for it.

    It must not change what is learned but for rounding, so it is provenance of a run and no part of its config. Of
    several devices, processes that torchrun starts take one each.

    Raises:
        StudyError: a device that there is not.

    >>> device()
    device(type='cpu')
    """
    asked = os.environ.get(DEVICE_VARIABLE, "cpu")
    if asked == "cpu":
        return torch.device("cpu")
    if asked != "cuda" or not torch.cuda.is_available():
        raise StudyError(f"{DEVICE_VARIABLE}={asked} must be cpu, or cuda where there is such a device")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))


def optimizer(model: nn.Module, lr: float, name: str = "adam", scale_rate: float = SCALE_RATE) -> torch.optim.Optimizer:
    """Adam, or SGD with a momentum of 0.9, in which what is learned in pixels has `scale_rate` times the rate `lr`.

    >>> [group["lr"] for group in optimizer(nn.Linear(2, 2), 0.01).param_groups]
    [0.01]
    """
    groups = parameter_groups(model, lr)
    for in_pixels in groups[1:]:
        in_pixels["lr"] = scale_rate * lr
    return torch.optim.Adam(groups, lr=lr) if name == "adam" else torch.optim.SGD(groups, lr=lr, momentum=MOMENTUM)


def device_of(model: nn.Module) -> torch.device:
    """Where the parameters of a model are; the CPU where it has none.

    >>> device_of(nn.Flatten())
    device(type='cpu')
    """
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


class Batches:
    """Normalised images on a device, by their numbers; all lie there as uint8 where they fit.

    >>> Batches(np.zeros((4, 1, 8, 8), np.uint8), torch.device("cpu"))(torch.tensor([0, 2])).shape
    torch.Size([2, 1, 8, 8])
    """

    def __init__(self, images: np.ndarray, device: torch.device) -> None:  # (n, channels, size, size) uint8
        self.images, self.device = images, device
        self.there = torch.from_numpy(images.copy()).to(device) if fit_on(images.nbytes, device) else None

    def __call__(self, index: Tensor) -> Tensor:  # (batch,) int64 -> (batch, channels, size, size) float32
        """The images of these numbers."""
        if self.there is None:
            return torch.from_numpy(normalise(self.images[index.numpy()])).to(self.device)
        return (self.there[index.to(self.device)].float() - MID_GREY) / SPREAD


def fit_on(nbytes: int, device: torch.device) -> bool:
    """Whether a device has the memory for so much of a data set, besides several trainings.

    >>> fit_on(1, torch.device("cpu"))  # where they are already
    False
    """
    return device.type == "cuda" and nbytes < SHARE * torch.cuda.mem_get_info(device)[0]


def train_classifier(
    model: nn.Module,
    images: ImageSet,
    *,
    epochs: int,
    batch: int,
    lr: float,
    seed: int,
    report: Callable[[str], None],
    algorithm: str = "adam",
    scale_rate: float = SCALE_RATE,
    after_step: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Train on cross entropy, the rate falling from `lr` to 0 along a cosine.

    Where torch.distributed has been started, and the model is wrapped for it, every process takes an equal part of
    each batch; the losses and accuracies are those of all.

    Args:
        model: the network, trained in place, on the device where it is.
        images: training and test split.
        epochs, batch, lr: of the optimizer; batches are drawn anew each epoch and the last, smaller one is left out.
        seed: of the order of the batches.
        report: called with one line per epoch.
        algorithm: 'adam' or 'sgd'.
        scale_rate: the rate of what is learned in pixels, relative to `lr`.
        after_step: called when a step has been computed.

    Returns:
        One entry per epoch: training loss and accuracy (in %), extents and scales of the layers, and how many scales
        met their bound.

    Raises:
        FloatingPointError: a loss that is not a number.
    """
    here = device_of(model)
    steps = len(images.train_images) // batch
    descent = optimizer(model, lr, algorithm, scale_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(descent, epochs * steps)
    order = torch.Generator().manual_seed(seed)
    batches, labels = Batches(images.train_images, here), torch.from_numpy(images.train_labels)
    history: list[dict[str, Any]] = []
    start = time.monotonic()
    for epoch in range(1, epochs + 1):
        model.train()
        losses, hits, bounded = 0.0, 0.0, 0
        shuffled = torch.randperm(len(labels), generator=order)[: steps * batch].view(steps, batch)
        for step, index in enumerate(map(_own_part, shuffled)):
            logits, truth = model(batches(index)), labels[index].to(here)
            loss = F.cross_entropy(logits, truth)
            descent.zero_grad()
            loss.backward()
            descent.step()
            schedule.step()
            if step % REFRESH_EVERY == 0:
                bounded += refresh(model)
            losses += float(loss.detach())
            hits += float((logits.argmax(1) == truth).sum())
            after_step()
        losses, hits = _total(losses, here) / _processes(), _total(hits, here)
        if not np.isfinite(losses):
            raise FloatingPointError(f"the loss of epoch {epoch} is {losses}: training diverged")
        refresh(model)
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


def _processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def _own_part(index: Tensor) -> Tensor:  # (batch,) -> (batch/processes,)
    return index if _processes() == 1 else index.chunk(_processes())[dist.get_rank()]


def _total(value: float, device: torch.device) -> float:
    """The sum over the processes."""
    if _processes() == 1:
        return value
    total = torch.tensor(value, dtype=torch.float64, device=device)
    dist.all_reduce(total)
    return float(total)


@torch.no_grad()
def accuracy(model: nn.Module, images: np.ndarray, labels: np.ndarray, batch: int = 100) -> float:
    """Share of images classified correctly, in percent."""
    model.eval()
    batches = Batches(images, device_of(model))
    hits = 0
    for start in range(0, len(labels), batch):
        part = torch.arange(start, min(start + batch, len(labels)))
        hits += int((model(batches(part)).argmax(1).cpu().numpy() == labels[part.numpy()]).sum())
    return 100 * hits / len(labels)


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
