"""The contenders of the CUDA benchmark: those of the CPU's, in the precisions that a device offers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from fourierconv.engines.choice import NAMES as ENGINES
from fourierconv.study.bench.contenders import PACKAGES, SUBQUADRATIC
from fourierconv.study.bench.measure import Inputs

ALGORITHMS = 5  # that cuDNN tries in its benchmark mode, those that it expects to be fastest


@dataclass(frozen=True)
class Way:
    """A contender in one precision.

    Attributes:
        name: in the tables.
        contender: its name in `bench.contenders`.
        tf32: whether products may round their operands to 10 bits.
        dtype: of images and taps.
        layout: of images and taps in memory.
    """

    name: str
    contender: str
    tf32: bool = False
    dtype: torch.dtype = torch.float32
    layout: torch.memory_format = torch.contiguous_format

    def inputs(self, sets: list[Inputs]) -> list[Inputs]:
        """Those of the sets, or copies in the dtype and layout."""
        if self.dtype == torch.float32 and self.layout == torch.contiguous_format:
            return sets
        found = []
        for own in sets:
            images, taps, along = (t.detach().to(self.dtype, memory_format=self.layout, copy=True) for t in own)
            found.append((images.requires_grad_(), taps.requires_grad_(), along))
        return found


WAYS = (
    Way("torch", "torch"),
    Way("torch tf32", "torch", tf32=True),
    Way("torch bf16", "torch", dtype=torch.bfloat16),
    Way("torch bf16 channels_last", "torch", dtype=torch.bfloat16, layout=torch.channels_last),
    Way("einsum", "einsum"),
    Way("einsum tf32", "einsum", tf32=True),
    *(Way(name, name) for name in (*PACKAGES, SUBQUADRATIC)),
    Way(f"{SUBQUADRATIC} bf16", SUBQUADRATIC, dtype=torch.bfloat16),
    *(Way(name + " tf32" * tf32, name, tf32=tf32) for name in ENGINES for tf32 in (False, True)),
)


@contextmanager
def settings(tf32: bool = False, benchmark: bool = False) -> Iterator[None]:
    """Whether products and cuDNN may use TF32, and whether cuDNN measures its algorithms when it meets a new shape."""
    cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul
    before = products.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.benchmark_limit
    products.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.benchmark_limit = tf32, tf32, benchmark, ALGORITHMS
    try:
        yield
    finally:
        products.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.benchmark_limit = before
