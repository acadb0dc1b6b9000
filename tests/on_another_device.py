"""Layers and trainings on a device that refuses what CUDA does: `test_another_device.py` runs this in a process."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fourierconv import FourierConv2d, resize, sums
from fourierconv.layers import PADDING_MODES
from fourierconv.parameterizations import NAMES
from fourierconv.study.experiments import classification
from fourierconv.study.experiments.classification import Config
from fourierconv.study.networks import NETWORKS
from tests.elsewhere import NAME, Elsewhere, There, register
from tests.everything import call_everything, deterministic
from tests.measures import relative_error

register()


@pytest.fixture(autouse=True)
def _deterministic(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sums, "_refused", lambda values: values.device.type == NAME)
    with deterministic():
        yield


STRETCHED = ("scaled", "hermite", "free", "truncated", "spacings")  # by `resize`, with the image


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("name", NAMES)
def test_layers_are_trained_and_read(name: str, mode: str) -> None:
    found: dict[str, list[Tensor]] = {}
    for device in ("cpu", NAME):
        with Elsewhere():
            torch.manual_seed(0)
            options: dict[str, Any] = {"padding": 2, "padding_mode": mode, "parameterization": name, "device": device}
            layer = FourierConv2d(4, 6, 5, dtype=torch.float64, **options)
            x = torch.randn(2, 4, 12, 13, dtype=torch.float64, device=device, requires_grad=True)
            found[device] = [own.cpu() for own in call_everything(layer, x)]
            if name in STRETCHED:
                resize(nn.Sequential(layer), 64, 192, "image")
    for one, other in zip(*found.values(), strict=True):
        assert relative_error(other, one) <= 1e-12


CONTENDERS = ("conv2d_5", "spectral", "spline", "window_31", "scaled_channel_7", "hermite_channel")


@pytest.mark.parametrize(
    ("network", "method"), [*((own, "scaled_channel") for own in NETWORKS), *(("convnet", own) for own in CONTENDERS)]
)
def test_the_study_trains(network: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification, "device", lambda: torch.device(NAME))
    widths = (4, 4, 8, 8)[: 4 if network in ("predecessor", "resnet18") else 3]
    sizes = () if network == "predecessor" else (64,)
    config = Config("letters", 32, method, 0, widths, 1, classes=4, train=32, test=16, network=network)
    with Elsewhere():
        outcome = classification.run(replace(config, test_sizes=sizes), lambda line: None)
    assert outcome.metrics["at_sizes"]["pixels"].keys() == {str(size) for size in sizes}


def test_the_device_is_strict() -> None:
    with Elsewhere():
        x = torch.ones(2, 3, device=NAME, requires_grad=True)
        assert isinstance(x, There)
        with pytest.raises(RuntimeError, match="add: expected all tensors to be on the same device"):
            x + torch.ones(2, 3)
        assert isinstance(x * torch.tensor(2.0), There)
        assert not isinstance(x.cpu(), There)
        x.detach().long().cumsum(0)
        for refused in (lambda: x.cumsum(0), lambda: x.median(0)):
            with pytest.raises(RuntimeError, match="does not have a deterministic implementation"):
                refused()
