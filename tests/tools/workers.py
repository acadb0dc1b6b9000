"""What every process of a distributed training runs; a module of its own, for new processes to import."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

from fourierconv import FourierConv2d
from fourierconv.layers import fourier_layers

PROCESSES = 2


def network(device: str) -> nn.Sequential:
    """One layer per kind of parameters: scales, a window and positions, a network; some are out of their limits."""
    torch.manual_seed(0)
    options: dict[str, Any] = {"device": device, "dtype": torch.float64}
    scaled = FourierConv2d(
        2, 4, 3, padding=1, parameterization="scaled", scale=(1.0, 2.0), scale_per="channel", **options
    )
    placed = FourierConv2d(
        4, 6, 3, padding=1, parameterization="spacings", reference_grid=(5, 7), window=2.0, **options
    )
    implicit = FourierConv2d(6, 1, 3, parameterization="implicit", reference_grid=6, **options)
    assert scaled.scale is not None
    scaled.scale.data[0] = 0.1
    placed.get_parameter("coordinates.positions").data[:, 0, 0, 0, 0] = torch.tensor([3.0, -4.0])
    return nn.Sequential(scaled, nn.Tanh(), placed, nn.Tanh(), implicit)


def images(device: str) -> Tensor:
    return torch.randn(4, 2, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(device)


def train(model: nn.Module, x: Tensor) -> list[int]:
    """Three steps, after each of which scales are looked at; how many had left their limits."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    held = []
    for _ in range(3):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
        held += [layer.refresh() for layer in fourier_layers(model)]
    model.eval()
    return held


def in_parallel(model: nn.Sequential) -> nn.Module:
    return DistributedDataParallel(model)


def sharded(model: nn.Sequential) -> nn.Module:
    for layer in fourier_layers(model):
        fully_shard(layer)
    fully_shard(model)
    return model


def work(rank: int, folder: Path, wrap: Callable[[nn.Sequential], nn.Module], device: str) -> None:
    """Train on this process' share of the images, and leave in `folder` what came out."""
    torch.set_num_threads(1)
    meeting, wait = f"file://{folder}/meeting", timedelta(seconds=100)
    dist.init_process_group("gloo", init_method=meeting, timeout=wait, rank=rank, world_size=PROCESSES)
    model = network(device)
    wrapped = wrap(model)
    share = images(device).chunk(PROCESSES)[rank]
    held = train(wrapped, share)
    output = wrapped(share)
    text = repr(model) if rank == 0 else ""  # by one process alone, as in a log
    state = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True))
    extents = []
    for layer in fourier_layers(model):
        if isinstance(layer, FSDPModule):
            layer.unshard()
        extents.append(layer.extent())
    torch.save(
        {"held": held, "output": output, "state": state, "extents": extents, "repr": text}, folder / f"{rank}.pt"
    )
    dist.destroy_process_group()
