"""Files and copies of states: safetensors, torch.save, the meta device, averaged models, shared memory."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, load_model, save_file, save_model
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from fourierconv import FourierConv2d
from tests.layer_cases import LayerCase
from tests.tools.cases import assert_alike, of_every_kind, on_every_device


def pair(case: LayerCase, device: str) -> tuple[FourierConv2d, FourierConv2d]:
    """A layer whose scale has grown, and another one as it starts, whose bound is lower."""
    layer, other = (
        LayerCase(case.name, grid=case.grid).build(2, 4, 3, padding=1, bias=True, device=device) for _ in range(2)
    )
    if layer.scale is not None:
        layer.scale.data.mul_(2.0)
        layer.refresh()
    return layer, other


def assert_same(actual: nn.Module, expected: nn.Module) -> None:
    first = next(expected.parameters())
    for size in (8, 17):
        x = torch.randn(2, 2, size, size, dtype=first.dtype, device=first.device)
        assert_alike([actual(x)], [expected(x)], 0.0)


def through_safetensors(layer: FourierConv2d, other: FourierConv2d, path: Path) -> None:
    save_file(layer.state_dict(), path)
    assert other.load_state_dict(load_file(path)) == nn.modules.module._IncompatibleKeys([], [])


def through_a_safetensors_model(layer: FourierConv2d, other: FourierConv2d, path: Path) -> None:
    save_model(layer, str(path))
    assert load_model(other, path) == (set(), [])


def through_torch(layer: FourierConv2d, other: FourierConv2d, path: Path) -> None:
    torch.save(layer.state_dict(), path)
    other.load_state_dict(torch.load(path, weights_only=True))


FILES: tuple[Callable[[FourierConv2d, FourierConv2d, Path], None], ...] = (
    through_safetensors,
    through_a_safetensors_model,
    through_torch,
)


@on_every_device
@pytest.mark.parametrize("write_and_read", FILES, ids=lambda own: own.__name__)
@of_every_kind
def test_a_file_carries_a_layer_to_another(
    case: LayerCase, write_and_read: Callable[[FourierConv2d, FourierConv2d, Path], None], device: str, tmp_path: Path
) -> None:
    layer, other = pair(case, device)
    write_and_read(layer, other, tmp_path / "layer")
    assert_same(other, layer)


@on_every_device
@of_every_kind
def test_a_layer_on_meta_takes_over_the_tensors_of_a_file(case: LayerCase, device: str, tmp_path: Path) -> None:
    layer, _ = pair(case, device)
    torch.save(layer.state_dict(), tmp_path / "layer.pt")
    with torch.device("meta"):
        other = LayerCase(case.name, grid=case.grid).build(2, 4, 3, padding=1, bias=True)
    other.load_state_dict(torch.load(tmp_path / "layer.pt", weights_only=True), assign=True)
    assert not any(value.is_meta for value in other.state_dict().values())
    assert_same(other, layer)


@on_every_device
@of_every_kind
def test_a_layer_made_on_meta_gives_shapes_and_starts_as_one_made_in_place(case: LayerCase, device: str) -> None:
    with torch.device("meta"):
        layer = case.build(2, 4, 3, stride=2, padding=1, bias=True)
    assert "extent" not in repr(layer)
    output = layer(torch.empty(3, 2, 9, 8, dtype=torch.float64, device="meta"))
    assert output.is_meta
    assert output.shape == (3, 4, 5, 4)
    layer.to_empty(device=device)
    assert layer.coefficients.device.type == device
    expected = case.build(2, 4, 3, stride=2, padding=1, bias=True, device=device)
    for own in (layer, expected):
        torch.manual_seed(5)
        own.reset_parameters()
    assert_same(layer, expected)


@on_every_device
def test_averaged_models_have_averaged_scales_and_their_own_bound(device: str) -> None:
    layer = FourierConv2d(2, 4, 3, padding=1, parameterization="scaled", dtype=torch.float64, device=device)
    assert layer.scale is not None
    averaged = AveragedModel(layer, multi_avg_fn=get_ema_multi_avg_fn(0.5), use_buffers=True)
    for scale in (1.0, 4.0, 8.0):
        layer.scale.data.fill_(scale)
        averaged.update_parameters(layer)
    assert dict(averaged.named_parameters())["module.scale"].item() == 5.25
    averaged.eval()
    with torch.no_grad():
        layer.scale.fill_(5.25)
    layer.refresh()
    assert_same(averaged, layer)  # its bound was 1.25


@of_every_kind
def test_shared_memory(case: LayerCase) -> None:
    layer, _ = pair(case, "cpu")
    expected = layer(torch.ones(1, 2, 6, 5, dtype=torch.float64))
    layer.share_memory()
    assert all(parameter.is_shared() for parameter in layer.parameters())
    assert torch.equal(layer(torch.ones(1, 2, 6, 5, dtype=torch.float64)), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@of_every_kind
def test_layers_move_to_cuda_and_back(case: LayerCase) -> None:
    layer, _ = pair(case, "cpu")
    x = torch.randn(2, 2, 9, 8, dtype=torch.float64)
    expected = layer(x)
    assert_alike([layer.cuda()(x.cuda()).cpu()], [expected])
    assert all(parameter.is_cuda for parameter in layer.parameters())
    assert torch.equal(layer.cpu()(x), expected)


@of_every_kind
def test_all_that_is_kept_is_real(case: LayerCase) -> None:
    layer = case.build(2, 4, 3, window=None if case.name == "window" else 2.0)
    kept: list[Tensor] = [*layer.parameters(), *layer.buffers(), *layer.state_dict().values()]
    assert {value.dtype for value in kept} == {torch.float64}
    assert {value.dtype for value in layer.half().state_dict().values()} == {torch.float16}
