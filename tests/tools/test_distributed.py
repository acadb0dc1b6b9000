"""Training in two processes is training on the whole batch in one: DistributedDataParallel, and FSDP2 on shards."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.multiprocessing.spawn import spawn

from fourierconv.layers import fourier_layers
from tests.tools import workers
from tests.tools.cases import assert_alike, on_every_device

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="this torch has no torch.distributed")


def check(wrap: Callable[[nn.Sequential], nn.Module], device: str, folder: Path) -> list[str]:
    """Against training in this process; the texts of the model come back."""
    spawn(workers.work, (folder, wrap, device), nprocs=workers.PROCESSES)
    model, x = workers.network(device), workers.images(device)
    held = workers.train(model, x)
    assert held[0] > 0  # a scale
    assert held[1] > 0  # positions
    parts = [torch.load(folder / f"{rank}.pt") for rank in range(workers.PROCESSES)]
    assert_alike([torch.cat([part["output"] for part in parts])], [model(x)], 1e-10)
    expected = model.state_dict()
    for part in parts:
        assert part["held"] == held
        assert list(part["state"]) == list(expected)
        assert_alike(list(part["state"].values()), list(expected.values()), 1e-10)
        assert_alike(part["extents"], [layer.extent() for layer in fourier_layers(model)], 1e-10)
    return [part["repr"] for part in parts]


@on_every_device
def test_distributed_data_parallel(device: str, tmp_path: Path) -> None:
    assert "extent=" in check(workers.in_parallel, device, tmp_path)[0]


def test_fully_sharded_data_parallel(tmp_path: Path) -> None:
    """On the CPU, whose collectives serve any number of processes; layers see nothing of the device."""
    text = check(workers.sharded, "cpu", tmp_path)[0]
    assert "FSDPFourierConv2d(2, 4" in text
    assert "extent=" not in text  # it would take all processes to say
