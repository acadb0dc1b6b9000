"""Layers in files and copies: state_dicts, nn.Conv2d's too, pickle and deepcopy."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from fourierconv import FourierConv2d
from fourierconv.parameterizations import NAMES
from tests.layer_cases import CLASSES, LAYERS, LayerCase

COPIES: dict[str, Callable[[FourierConv2d], FourierConv2d]] = {
    "pickle": lambda layer: pickle.loads(pickle.dumps(layer)),
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_copies_compute_the_same_and_are_independent(
    case: LayerCase, duplicate: Callable[[FourierConv2d], FourierConv2d]
) -> None:
    layer = case.build(4, 6, 4 if case.allows(4) else 3, padding="same", groups=2, bias=True)
    twin = duplicate(layer)
    x = torch.randn(1, 4, 9, 8, dtype=torch.float64)
    expected = layer(x)
    assert torch.equal(twin(x), expected)
    assert repr(twin) == repr(layer)
    nn.init.zeros_(twin.coefficients)
    assert torch.equal(layer(x), expected)


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_a_state_dict_carries_a_layer_to_another(case: LayerCase, mode: str) -> None:
    k = 4 if case.allows(4) else 3
    layer = case.build(2, 6, k, padding=2, padding_mode=mode, bias=True)
    if layer.scale is not None:
        layer.scale.data.mul_(1.2)
    other = LayerCase(case.name, grid=case.grid).build(
        2, 6, k, padding=2, padding_mode=mode, bias=True
    )  # at the default scale, whose bound is lower
    assert other.load_state_dict(layer.state_dict()) == nn.modules.module._IncompatibleKeys([], [])
    for size in ((9, 8), (32, 5)):
        x = torch.randn(1, 2, *size, dtype=torch.float64)
        torch.testing.assert_close(other(x), layer(x), rtol=0, atol=1e-13)  # on grids of two sizes
    assert torch.equal(other.spectrum(17), layer.spectrum(17))


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_a_state_dict_does_not_depend_on_the_image_size(case: LayerCase) -> None:
    layer = case.build(2, 3, 5, padding=2, bias=True)
    before = {name: (value.shape, value.clone()) for name, value in layer.state_dict().items()}
    for size in (7, 31):
        layer(torch.randn(1, 2, size, size, dtype=torch.float64))
    own = {name for name in before if not name.startswith("coordinates.")}
    assert own == {"coefficients", "bias"} | ({"scale"} if case.scale is not None else set())
    for name, value in layer.state_dict().items():
        assert value.shape == before[name][0]
        assert torch.equal(value, before[name][1])


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_spatial_loads_what_conv2d_saved_and_computes_the_same(mode: str, bias: bool, groups: int) -> None:
    options = {"padding": 2, "groups": groups, "bias": bias, "padding_mode": mode, "dtype": torch.float64}
    conv = nn.Conv2d(4, 8, (5, 4), **options)  # type: ignore[arg-type]
    layer = FourierConv2d(4, 8, (5, 4), **options)  # type: ignore[arg-type]
    state = conv.state_dict()
    layer.load_state_dict(state)
    assert set(state) == {"weight", "bias"} - (set() if bias else {"bias"})  # the caller's is left as it was
    x = torch.randn(2, 4, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(layer(x), conv(x), rtol=0, atol=1e-13)
    assert torch.equal(layer.weight, conv.weight)


def test_spatial_loads_inside_a_model() -> None:
    conv = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Sequential(nn.Conv2d(2, 3, 5)))
    fourier = nn.Sequential(FourierConv2d(1, 2, 3), nn.ReLU(), nn.Sequential(FourierConv2d(2, 3, 5)))
    fourier.load_state_dict(conv.state_dict())
    x = torch.randn(2, 1, 12, 12)
    torch.testing.assert_close(fourier(x), conv(x))


CONVS: dict[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_spatial_loads_what_a_conv_of_any_dimension_saved(dims: int, mode: str) -> None:
    k = (3, 4, 2)[:dims]
    options = {"stride": (2, 1, 2)[:dims], "padding": 1, "dilation": (1, 2, 2)[:dims], "groups": 2}
    conv = CONVS[dims](4, 6, k, **options, padding_mode=mode, dtype=torch.float64)  # type: ignore[arg-type]
    layer = CLASSES[dims](4, 6, k, **options, padding_mode=mode, dtype=torch.float64)  # type: ignore[arg-type]
    assert layer.load_state_dict(conv.state_dict()) == nn.modules.module._IncompatibleKeys([], [])
    x = torch.randn(2, 4, *(8, 9, 6)[:dims], dtype=torch.float64)
    torch.testing.assert_close(layer(x), conv(x), rtol=0, atol=1e-13)
    assert torch.equal(layer.weight, conv.weight)


@pytest.mark.parametrize("k", [5, 4, (3, 2)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_spatial_starts_with_conv2ds_numbers(dtype: torch.dtype, k: int | tuple[int, int]) -> None:
    torch.manual_seed(3)
    conv = nn.Conv2d(4, 6, k, groups=2, dtype=dtype)
    torch.manual_seed(3)
    layer = FourierConv2d(4, 6, k, groups=2, dtype=dtype)
    assert torch.equal(layer.weight, conv.weight)
    assert conv.bias is not None
    assert layer.bias is not None
    assert torch.equal(layer.bias, conv.bias)


def test_states_of_other_shapes_are_refused() -> None:
    layer = FourierConv2d(4, 6, 5)
    with pytest.raises(RuntimeError, match="size mismatch for coefficients"):
        layer.load_state_dict(nn.Conv2d(4, 6, 3).state_dict())
    with pytest.raises(RuntimeError, match=r"of an nn.ConvNd, the layer has parameterization='spectral'"):
        FourierConv2d(4, 6, 5, parameterization="spectral").load_state_dict(nn.Conv2d(4, 6, 5).state_dict())


REFUSED_STATES: dict[str, tuple[nn.Module, dict[str, Any], str]] = {
    "parameterization": (
        FourierConv2d(2, 3, 5, parameterization="spectral"),
        {"parameterization": "spline"},
        r"layer '1.0': the state is of parameterization='spectral', the layer has parameterization='spline'",
    ),
    "reference grid": (
        FourierConv2d(2, 3, 5, parameterization="truncated", reference_grid=16),
        {"parameterization": "truncated"},
        r"layer '1.0': the state is of reference_grid=\(16, 16\), the layer has reference_grid=\(32, 32\)",
    ),
    "kernel size": (
        FourierConv2d(2, 3, 3),
        {},
        r"layer '1.0': size mismatch for coefficients: the state has \[3, 2, 3, 3\], the layer \[3, 2, 5, 5\]",
    ),
    "scales": (
        FourierConv2d(2, 3, 5, parameterization="scaled", scale_per="channel"),
        {"parameterization": "scaled"},
        r"layer '1.0': size mismatch for scale: the state has \[3, 1\], the layer \[1, 1\]",
    ),
    "nn.Conv2d": (
        nn.Conv2d(2, 3, 5),
        {"parameterization": "scaled"},
        r"layer '1.0': the state is of an nn.ConvNd, .* load it in the nn.ConvNd, then fourierconv.from_conv",
    ),
    "nn.Conv2d, window": (
        nn.Conv2d(2, 3, 5),
        {"window": 2.0},
        r"layer '1.0': the state is of an nn.ConvNd, the layer has parameterization='spatial' and a window; ",
    ),
    "window of positions": (
        FourierConv2d(2, 3, 5, parameterization="spacings", reference_grid=11),
        {"parameterization": "spacings"},
        r"layer '1.0': the state is of reference_grid=\(11, 11\), the layer has reference_grid=\(17, 17\)",
    ),
    "number of positions": (
        FourierConv2d(2, 3, 3, parameterization="spacings"),
        {"parameterization": "spacings"},
        r"layer '1.0': size mismatch for coordinates.positions: the state has ",
    ),
}


@pytest.mark.parametrize(
    ("name", "parameterization"),
    [
        ("scale", "scaled"),
        ("window", "scaled"),
        ("coordinates.positions", "spacings"),
        ("coordinates.widths", "spacings"),
    ],
)
def test_a_damaged_state_is_refused_and_nothing_of_it_is_taken(name: str, parameterization: str) -> None:
    model = nn.Sequential(*(FourierConv2d(2, 2, 3, parameterization=parameterization, window=2.0) for _ in range(2)))
    state = {key: value + 0.5 for key, value in model.state_dict().items()}
    state[f"0.{name}"][:] = torch.nan
    before = {key: value.clone() for key, value in model[0].state_dict().items()}
    with pytest.raises(RuntimeError, match=f"layer '0': {name} must be finite, but the state has NaN or Inf"):
        model.load_state_dict(state)
    for key, value in model[0].state_dict().items():
        assert torch.equal(value, before[key])
    model.eval()


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("saved", "options", "message"), REFUSED_STATES.values(), ids=REFUSED_STATES)
def test_the_state_of_another_layer_is_refused_by_name_and_nothing_of_it_is_taken(
    saved: nn.Module, options: dict[str, Any], message: str, strict: bool
) -> None:
    layer = FourierConv2d(2, 3, 5, **options)
    model = nn.Sequential(nn.ReLU(), nn.Sequential(layer))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    with pytest.raises(RuntimeError, match=message):
        model.load_state_dict(nn.Sequential(nn.ReLU(), nn.Sequential(saved)).state_dict(), strict=strict)
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_kind_of_a_layer_stands_beside_its_state_and_survives_a_file(tmp_path: Path) -> None:
    path = tmp_path / "layer.pt"
    torch.save(FourierConv2d(2, 3, 5, parameterization="spectral").state_dict(), path)
    state = torch.load(path, weights_only=True)
    assert list(state) == ["coefficients", "bias"]
    FourierConv2d(2, 3, 5, parameterization="spectral").load_state_dict(state)
    with pytest.raises(RuntimeError, match="parameterization='spectral'"):
        FourierConv2d(2, 3, 5, parameterization="spline").load_state_dict(state)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "spatial"])
def test_only_spatial_has_a_weight(name: str) -> None:
    assert not hasattr(FourierConv2d(4, 6, 5, parameterization=name), "weight")
    assert hasattr(FourierConv2d(4, 6, 5), "weight")


def test_taps_under_a_window_are_no_weight() -> None:
    layer = FourierConv2d(4, 6, 5, window=2.0)
    assert not hasattr(layer, "weight")
    with pytest.raises(AttributeError, match="parameterization='spatial' and a window has coefficients and no weight"):
        layer.weight = nn.Parameter(torch.zeros(6, 4, 5, 5))


def test_pruning_is_told_the_name_of_the_weight() -> None:
    layer = FourierConv2d(4, 6, 5)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    with pytest.raises(
        AttributeError, match="FourierConv2d keeps its weight as 'coefficients': pass that name instead"
    ):
        prune.l1_unstructured(layer, "weight", 0.5)
    torch.testing.assert_close(dict(layer.state_dict()), before)


def test_a_reset_starts_over_with_new_numbers_and_the_first_scales() -> None:
    layer = FourierConv2d(2, 4, 3, parameterization="scaled", scale_per="channel", scale=(1.0, 8.0))
    first = layer.coefficients.detach().clone()
    assert layer.scale is not None
    scales = layer.scale.detach().clone()
    nn.init.constant_(layer.scale, 3.0)
    layer.reset_parameters()
    assert torch.equal(layer.scale, scales)
    assert not torch.equal(layer.coefficients, first)


def test_layers_move_between_dtypes() -> None:
    layer = FourierConv2d(2, 3, 5, padding=2, parameterization="scaled")
    x = torch.randn(1, 2, 9, 8)
    before = layer(x)
    assert layer.double()(x.double()).dtype == torch.float64
    torch.testing.assert_close(layer(x.double()).float(), before)


@pytest.mark.parametrize("per_axis", [False, True], ids=["one", "per-axis"])
@pytest.mark.parametrize("name", ["spatial", "scaled"])
def test_windows_are_part_of_the_state(name: str, per_axis: bool) -> None:
    options: dict[str, Any] = {"parameterization": name, "scale_per": 3, "per_axis": per_axis, "dtype": torch.float64}
    layer = FourierConv2d(2, 6, 3, padding=1, window=(1.0, 4.0), **options)
    assert list(layer.state_dict()) == ["coefficients", "bias"] + ["scale"] * (name == "scaled") + ["window"]
    assert layer.window is not None
    layer.window.data.mul_(3.0)
    other = FourierConv2d(2, 6, 3, padding=1, window=0.3, **options)  # its bound is far below
    other.load_state_dict(layer.state_dict())
    layer.refresh()
    x = torch.randn(1, 2, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(other(x), layer(x), rtol=0, atol=1e-13)
    state = {key: value for key, value in layer.state_dict().items() if key != "window"}
    with pytest.raises(RuntimeError, match=r'Missing key.*"window"'):
        layer.load_state_dict(state)


@pytest.mark.parametrize("per_axis", [False, True], ids=["one", "per-axis"])
def test_a_reset_restores_scales_windows_and_their_bounds(per_axis: bool) -> None:
    layer = FourierConv2d(
        2, 4, 3, parameterization="scaled", scale=(1.0, 8.0), window=(2.0, 3.0), scale_per="channel", per_axis=per_axis
    )
    first = {name: value.clone() for name, value in layer.state_dict().items()}
    assert layer.scale is not None
    assert layer.window is not None
    nn.init.constant_(layer.scale, 60.0)
    nn.init.constant_(layer.window, 0.3)
    layer.refresh()
    layer.reset_parameters()
    for name in ("scale", "window"):
        assert torch.equal(layer.state_dict()[name], first[name])
    assert not torch.equal(layer.coefficients, first["coefficients"])
    energies = [value.square().mean().item() for value in (layer.coefficients, first["coefficients"])]
    assert energies[0] == pytest.approx(energies[1], rel=0.5)  # and the gain of the first scales, not of the last
    assert layer._scale_bounds is not None
    assert layer._window_bounds is not None
    assert layer._scale_bounds.reach == [pytest.approx(10.0)] * (2 if per_axis else 1)
    assert layer._window_bounds.reach == [pytest.approx(3.75)] * (2 if per_axis else 1)
    assert layer.refresh() == 0
