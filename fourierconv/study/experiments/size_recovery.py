"""Does training find a kernel's size? A student of the wrong size learns the output of a teacher of known size."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from fourierconv.extent import axis_energies, extent
from fourierconv.layers import FourierConv2d
from fourierconv.network import refresh
from fourierconv.study import methods, teachers
from fourierconv.study.choices import require_known, require_seeds
from fourierconv.study.models import layer_extent
from fourierconv.study.numerics import LAYERS, TRAINING
from fourierconv.study.store import Outcome
from fourierconv.study.training import fit

NAME = "size_recovery"
NUMERICS = {"layers": LAYERS, "training": TRAINING, NAME: 1}
METHODS = ("conv2d_5", "spectral", "spline", "window", "scaled_layer", "scaled_channel")
TEACHERS = teachers.NAMES
INPUTS = ("white", "1/f")
IMAGE = 64  # pixels: circular, and larger than twice the largest teacher
IMAGES = 32  # a fixed set; their number of pixels exceeds the students' coefficients by far


@dataclass(frozen=True)
class Config:
    """One regression: a teacher, the kind of images, a student and a seed."""

    teacher: str
    input: str
    method: str
    seed: int
    steps: int
    batch: int = 8
    lr: float = 0.01


STEPS = {"quick": 300, "full": 1500}
SEEDS = {"quick": 3, "full": 8}


def configs(profile: str, seeds: int | None = None) -> list[Config]:
    """The sweep of a profile, with the profile's number of seeds or another.

    Raises:
        StudyError: an unknown profile, no seed.

    >>> len(configs("quick"))
    324
    """
    require_known("profile", [profile], STEPS)
    count = SEEDS[profile] if seeds is None else seeds
    require_seeds(count)
    return [
        Config(teacher, input, method, seed, STEPS[profile])
        for teacher in TEACHERS
        for input in INPUTS
        for method in METHODS
        for seed in range(count)
    ]


def cost(config: Config) -> float:
    """Relative time of a run, by which that of others is estimated."""
    return float(config.steps * config.batch)


def images(kind: str, count: int, generator: torch.Generator) -> Tensor:
    """Circular images of mean 0 and variance 1, (count, 1, 64, 64): white noise, or with an amplitude of 1/|f|.

    >>> images("1/f", 2, torch.Generator().manual_seed(0)).shape
    torch.Size([2, 1, 64, 64])
    """
    white = torch.randn(count, 1, IMAGE, IMAGE, generator=generator)
    if kind == "1/f":
        frequency = torch.hypot(torch.fft.fftfreq(IMAGE)[:, None], torch.fft.rfftfreq(IMAGE))
        frequency[0, 0] = torch.inf
        white = torch.fft.irfft2(torch.fft.rfft2(white) / frequency, s=(IMAGE, IMAGE))
    white = white - white.mean((-2, -1), keepdim=True)
    return white / white.std()


def run(config: Config, report: Callable[[str], None]) -> Outcome:
    """Make the teacher's targets, fit the student, and read how large its kernels became."""
    taps = teachers.get(config.teacher).kernels()
    generator = torch.Generator().manual_seed(config.seed)
    inputs = images(config.input, IMAGES, generator)
    teacher = FourierConv2d(1, len(taps), taps.shape[-1], padding="same", padding_mode="circular", bias=False)
    with torch.no_grad():
        teacher.coefficients.copy_(taps)
        targets = teacher(inputs)
    spread = targets.std((0, 2, 3), keepdim=True)
    targets = targets / spread
    torch.manual_seed(config.seed)
    student = student_of(config).layer(1, len(taps), "circular")
    losses = fit(
        student,
        inputs,
        targets,
        steps=config.steps,
        batch=config.batch,
        lr=config.lr,
        seed=config.seed,
    )
    with torch.no_grad():
        loss = float((student(inputs) - targets).square().mean())
    refresh(student)
    true = torch.stack([extent(energy) for energy in axis_energies(taps, 2)], -1).mean()
    scale = getattr(student, "scale", None)
    metrics = {
        "true_extent": float(true),
        "extent": float(layer_extent(student).mean()),
        "unexplained": loss,
        "scale": None if scale is None else float(scale.detach().mean()),
    }
    report(f"extent {metrics['extent']:.2f} px, true {metrics['true_extent']:.2f} px")
    history = [{"step": step + 1, "loss": losses[step]} for step in range(9, config.steps, 10)]
    return Outcome(metrics, history, dict(student.state_dict()))


def student_of(config: Config) -> methods.Method:
    """The contender, every scale at the size of a classic kernel: nothing hints at the teacher's size."""
    method = methods.get(config.method)
    return replace(method, scale=1.0) if method.name == "scaled" else method


columns = (
    "teacher",
    "input",
    "method",
    "seed",
    "kernel_size",
    "scale_per",
    "true_extent",
    "extent",
    "ratio",
    "unexplained",
    "scale",
)


def rows(config: Config, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """The run's row; extents and scales in pixels, `unexplained` is the share of the target's variance."""
    method = methods.get(config.method)
    return [
        {
            "teacher": config.teacher,
            "input": config.input,
            "method": config.method,
            "seed": config.seed,
            "kernel_size": method.kernel_size,
            "scale_per": method.scale_per,
            "ratio": metrics["extent"] / metrics["true_extent"],
            **metrics,
        }
    ]
