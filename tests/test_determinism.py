"""Nothing that torch refuses on CUDA with deterministic algorithms is asked of it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fourierconv import FourierConv2d, sums
from fourierconv.layers import PADDING_MODES
from fourierconv.parameterizations import NAMES
from fourierconv.study import methods
from fourierconv.study.models import extents, scales
from fourierconv.study.networks import NETWORKS
from tests.determinism import Refusing, call_everything, deterministic
from tests.measures import relative_error


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if tensors were there."""
    monkeypatch.setattr(sums, "_refused", lambda values: True)


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("name", NAMES)
def test_layers_are_trained_and_read(name: str, mode: str) -> None:
    layer = FourierConv2d(4, 6, 5, padding=2, padding_mode=mode, parameterization=name, dtype=torch.float64)
    x = torch.randn(2, 4, 12, 13, dtype=torch.float64, requires_grad=True)
    with Refusing():
        found = call_everything(layer, x)
    with pytest.MonkeyPatch.context() as usual:
        usual.setattr(sums, "_refused", lambda values: False)
        for one, other in zip(found, call_everything(layer, x), strict=True):
            assert relative_error(one, other) <= 1e-12


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_the_study_are_trained(name: str) -> None:
    model = NETWORKS[name](methods.get("scaled_channel"), 1, (4, 4, 8, 8), 3, "zeros", 32)
    with Refusing():
        F.cross_entropy(model(torch.randn(2, 1, 32, 32)), torch.tensor([0, 2])).backward()
        assert len(extents(model)) == len(scales(model)) > 3


def test_what_is_refused_is_refused_here() -> None:
    x = torch.ones(1, 1, 6, 6, requires_grad=True)
    with Refusing():
        x.detach().long().cumsum(0)
        y = nn.ReflectionPad2d(1)(x).sum()
        for refused in (lambda: x.cumsum(0), lambda: x.median(0), y.backward):
            with pytest.raises(RuntimeError, match="does not have a deterministic implementation"):
                refused()


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_running_sums_are_cumsums(axis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    monkeypatch.setattr(sums, "_refused", lambda values: True)
    torch.testing.assert_close(sums.running_sum(values, axis), values.cumsum(axis))
    assert sums.running_sum(values[:0], 0).shape == (0, 4, 5)
    assert torch.autograd.gradcheck(lambda own: sums.running_sum(own, axis), values)


def test_elsewhere_torchs_own_sums_are_taken() -> None:
    with deterministic(), pytest.raises(RuntimeError, match="cumsum"), Refusing():
        sums.running_sum(torch.ones(3), 0)
