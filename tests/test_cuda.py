"""The layer on CUDA: the CPU's numbers in float64, no worse than cuDNN in float32, no waiting for the device."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fourierconv import FourierConv2d, engine
from fourierconv.engines.launch import INSTALLED
from fourierconv.engines.tiles import Tiles
from fourierconv.functional import conv2d, spectral_conv
from fourierconv.layers import PADDING_MODES
from fourierconv.parameterizations import NAMES
from fourierconv.spectral import half
from fourierconv.study.experiments import classification
from fourierconv.study.methods import METHODS
from fourierconv.study.networks import NETWORKS
from fourierconv.study.store import Store
from fourierconv.study.sweep import run_missing
from fourierconv.study.training import DEVICE_VARIABLE
from tests.agreement import check_float32, check_float64
from tests.cases import SOME_CALLS, Call
from tests.every_engine import parameters, preferred
from tests.everything import call_everything, deterministic
from tests.layer_cases import LAYERS, LayerCase
from tests.measures import count_ffts, relative_error

if not torch.cuda.is_available():
    pytest.skip("there is no CUDA device", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

CUDA = torch.device("cuda")
every_engine = pytest.mark.parametrize("_engine", parameters(), indirect=True)


@pytest.fixture(autouse=True)
def _full_float32() -> Iterator[None]:
    """TF32 keeps 10 bits of float32's 23: it would be what is measured."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield
    torch.set_float32_matmul_precision(before)


@every_engine
@pytest.mark.parametrize("call", SOME_CALLS, ids=str)
def test_convolutions_are_the_cpus_in_float64(call: Call) -> None:
    check_float64(call.ours, call.reference, call.operands(), CUDA)


@every_engine
@pytest.mark.parametrize("call", SOME_CALLS, ids=str)
def test_convolutions_are_as_accurate_as_torchs_in_float32(call: Call) -> None:
    check_float32(call.ours, call.reference, call.operands(), CUDA)


def check_layers(layer: nn.Module, there: nn.Module, x: Tensor, tolerance: float) -> None:
    """Outputs and gradients of a layer, and of its copy on the device."""
    results = []
    for own, images in ((layer, x.clone()), (there, x.to(CUDA))):
        output = own(images.requires_grad_())
        output.square().sum().backward()
        results.append([output.detach(), images.grad, *(p.grad for p in own.parameters())])
    for expected, actual in zip(*results, strict=True):
        assert relative_error(actual.cpu(), expected) <= tolerance


@every_engine
@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_layers_are_the_cpus_in_float64(case: LayerCase, mode: str) -> None:
    layer = case.build(4, 6, 5, padding=1, padding_mode=mode, groups=2, bias=True)
    there = case.build(4, 6, 5, padding=1, padding_mode=mode, groups=2, bias=True, device=CUDA)
    there.load_state_dict(layer.state_dict())
    check_layers(layer, there, torch.randn(2, 4, 13, 12, dtype=torch.float64), 1e-10)
    torch.testing.assert_close(there.spectrum(9).cpu(), layer.spectrum(9))
    torch.testing.assert_close(there.kernel(21).cpu(), layer.kernel(21))
    torch.testing.assert_close(there.extent().cpu(), layer.extent())


@every_engine
@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_layers_are_the_cpus_in_float32(case: LayerCase, mode: str) -> None:
    layer = case.build(4, 6, 5, padding=1, padding_mode=mode, groups=2, bias=True).float()
    there = copy.deepcopy(layer).to(CUDA)
    check_layers(layer, there, torch.randn(2, 4, 13, 12), 1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_initial_coefficients_have_conv2ds_numbers_on_the_device(name: str) -> None:
    torch.manual_seed(3)
    conv = nn.Conv2d(4, 6, 5, device=CUDA)
    torch.manual_seed(3)
    layer = FourierConv2d(4, 6, 5, device=CUDA, parameterization=name)
    assert conv.bias is not None
    assert layer.bias is not None
    assert torch.equal(layer.bias, conv.bias)
    if name == "spatial":
        assert torch.equal(layer.weight, conv.weight)


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("name", NAMES)
def test_a_training_step_waits_for_nothing_and_takes_four_ffts(name: str, mode: str) -> None:
    layer = FourierConv2d(4, 6, 5, padding=1, padding_mode=mode, device=CUDA, parameterization=name)
    x = torch.randn(2, 4, 12, 13, device=CUDA, requires_grad=True)

    def step() -> None:
        layer(x).square().sum().backward()

    def check() -> None:
        step()  # makes the plans of the FFTs
        torch.cuda.set_sync_debug_mode("error")
        try:
            step()
        finally:
            torch.cuda.set_sync_debug_mode("default")

    check()
    with preferred("whole"):  # what is chosen for small kernels takes no FFT, and for others may transform their taps
        check()
        assert count_ffts(step) == {"r2c": 2, "c2r": 2}


@every_engine
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_first_and_second_derivatives(check: Callable[..., bool], mode: str) -> None:
    shapes = ((2, 2, 4, 3), (4, 1, 3, 2), (4,))
    operands = tuple(torch.randn(shape, dtype=torch.float64, device=CUDA, requires_grad=True) for shape in shapes)
    assert check(partial(conv2d, padding=(1, 0), groups=2, padding_mode=mode), operands)


@pytest.mark.parametrize("grid", [(8, 6), (5, 7), (31, 37)], ids=str)
def test_what_no_real_kernel_has_is_projected_away_as_on_the_cpu(grid: tuple[int, int]) -> None:
    """Inverse real FFTs of a spectrum that is not Hermitian differ between devices; ours never gets one."""
    x, spectrum = torch.randn(2, 3, *grid).double(), torch.randn(4, 3, *half(grid), dtype=torch.complex128)
    expected = spectral_conv(x, spectrum)
    torch.testing.assert_close(spectral_conv(x.to(CUDA), spectrum.to(CUDA)).cpu(), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("groups", [1, 2, 4], ids=["dense", "grouped", "depthwise"])
def test_the_operators_are_proper_torch_operators(groups: int) -> None:
    x = torch.randn(2, 4, 6, 5, dtype=torch.float64, device=CUDA, requires_grad=True)
    kernels = torch.randn(4, 4 // groups, 7, 6, dtype=torch.float64, device=CUDA)
    spectrum = torch.fft.rfft2(kernels).requires_grad_()
    tiles = Tiles.whole((7, 6), (6, 4)).pack()
    torch.library.opcheck(torch.ops.fourierconv.correlate.default, (x, spectrum, tiles, [6, 4], groups, False, False))


def test_an_empty_batch_gives_an_empty_output() -> None:
    output = conv2d(torch.ones(0, 3, 8, 7, device=CUDA), torch.ones(4, 3, 3, 2, device=CUDA))
    assert output.shape == (0, 4, 6, 6)
    assert output.is_cuda


def test_images_and_weights_on_two_devices_are_refused() -> None:
    with pytest.raises(RuntimeError, match="input is on cpu, the weights are on cuda"):
        FourierConv2d(3, 4, 3, device=CUDA)(torch.ones(1, 3, 8, 8))


GENERATED: dict[str, tuple[int, str, dict[str, Any]]] = {  # kernel size, parameterization, options
    "few coefficients of large kernels": (5, "scaled", {"scale": 6.0}),
    "one scale per channel": (5, "scaled", {"scale": (1.0, 4.0), "scale_per": "channel"}),
    "many taps": (41, "spatial", {}),
    "few taps": (7, "spatial", {}),
}


@pytest.mark.skipif(not INSTALLED, reason="triton is not installed")
@pytest.mark.parametrize("name", GENERATED)
def test_kernels_generated_where_they_are_applied_are_the_cpus(name: str) -> None:
    """Spectra of 150 MB, so that they come in parts."""
    k, parameterization, options = GENERATED[name]
    layer = FourierConv2d(48, 48, k, padding=k // 2, parameterization=parameterization, dtype=torch.float64, **options)
    there = FourierConv2d(
        48, 48, k, padding=k // 2, parameterization=parameterization, engine="triton", device=CUDA, **options
    )
    there.load_state_dict(layer.state_dict())
    x = torch.randn(2, 48, 96, 100)
    results: list[list[Tensor]] = []
    for own, images in ((layer, x.double()), (there, x.to(CUDA))):
        y = own(images.requires_grad_())
        results.append([y, *torch.autograd.grad(y.square().mean(), (images, *own.parameters()))])
    for expected, actual in zip(*results, strict=True):
        assert relative_error(actual.cpu().double(), expected) <= 1e-4


@pytest.mark.skipif(not INSTALLED, reason="triton is not installed")
def test_streams_do_not_see_each_others_unfinished_matrices() -> None:
    x, w = torch.randn(8, 16, 40, 40, device=CUDA), torch.randn(16, 16, 5, 5, device=CUDA)
    expected = nn.functional.conv2d(x.double(), w.double(), padding=2)
    torch.cuda.synchronize()
    found = []
    with engine("triton"):
        for _ in range(4):
            with torch.cuda.stream(torch.cuda.Stream()):
                found.append(conv2d(x, w, padding=2))
    torch.cuda.synchronize()
    for own in found:
        assert relative_error(own.double(), expected) <= 1e-5


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is one CUDA device")
@every_engine
def test_the_current_device_need_not_be_the_tensors() -> None:
    device = torch.device("cuda", 1)
    x, w = torch.randn(2, 4, 20, 20, device=device), torch.randn(4, 4, 7, 7, device=device)
    expected = nn.functional.conv2d(x.double(), w.double(), padding=3)
    assert relative_error(conv2d(x, w, padding=3).double(), expected) <= 1e-5


@every_engine
@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("name", NAMES)
def test_deterministic_algorithms_give_the_same_bits_again(name: str, mode: str) -> None:
    layer = FourierConv2d(4, 6, 5, padding=2, padding_mode=mode, device=CUDA, parameterization=name)
    x = torch.randn(2, 4, 12, 13, device=CUDA, requires_grad=True)
    with deterministic():
        first, again = [call_everything(layer, x) for _ in range(2)]
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)


@pytest.mark.skipif(not INSTALLED, reason="triton is not installed")
def test_graphs_replay_what_triton_computes() -> None:
    """Nothing is timed, and nothing waits, while a CUDA graph is captured."""
    layer = FourierConv2d(16, 16, 5, padding=2, device=CUDA, engine="triton")
    x = torch.randn(2, 16, 24, 24, device=CUDA, requires_grad=True)

    def step() -> tuple[torch.Tensor, ...]:
        y = layer(x)
        return (y, *torch.autograd.grad(y.square().sum(), (x, *layer.parameters())))

    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = step()
    with torch.no_grad():
        x.mul_(-0.5)
    graph.replay()
    for one, other in zip(captured, step(), strict=True):
        assert torch.equal(one, other)


def test_trainings_of_the_study_are_the_cpus_but_for_rounding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = classification.Config("letters", 32, "conv2d_5", 0, (4, 4, 4), 1, classes=4, train=64, test=16)
    configs = [replace(plain, method=method) for method in METHODS]
    configs += [replace(plain, method=m, network=n) for m in ("conv2d_3", "spline") for n in NETWORKS]
    configs += [replace(plain, method="scaled_channel", padding_mode=mode) for mode in PADDING_MODES]
    losses = []
    for device in ("cpu", "cuda"):
        monkeypatch.setenv(DEVICE_VARIABLE, device)
        results = run_missing(classification, configs, Store(tmp_path / device), workers=4)
        losses.append([result.metrics["loss"] for result in results])
    assert losses[1] == pytest.approx(losses[0], rel=0.01)
