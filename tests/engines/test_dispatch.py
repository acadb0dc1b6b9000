"""Which engine serves: the layer's own, or the one that is asked for around it; kernels that are kept."""

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.utils.checkpoint import checkpoint

from fourierconv import FourierConv2d, engine, functional
from fourierconv.engines import direct, dispatch, measured
from fourierconv.engines.choice import Case, Plan
from fourierconv.engines.choice import choose as by_name
from fourierconv.engines.direct import may_round


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans that are chosen from here on."""
    plans: list[Plan] = []

    def choose(case: Case, name: str) -> Plan:
        plans.append(by_name(case, name))
        return plans[-1]

    monkeypatch.setattr(dispatch, "choose", choose)
    return plans


def conv(size: int = 40) -> None:
    functional.conv2d(torch.randn(1, 2, size, size), torch.randn(2, 2, 5, 5), padding=2)


@pytest.mark.parametrize("name", ["whole", "tiled", "direct"])
def test_the_engine_that_is_asked_for_serves_functions_and_layers(name: str, served: list[Plan]) -> None:
    with engine(name):
        conv()
        functional.conv_transpose2d(torch.randn(1, 2, 40, 40), torch.randn(2, 2, 5, 5), stride=2)
        FourierConv2d(2, 2, 5, padding=2, parameterization="scaled")(torch.randn(1, 2, 40, 40))
    assert [plan.engine for plan in served] == [name] * 3


def test_what_stands_around_comes_before_the_layers_own_engine(served: list[Plan]) -> None:
    layer, x = FourierConv2d(2, 2, 5, engine="tiled"), torch.randn(1, 2, 40, 40)
    layer(x)
    with engine("whole"):
        layer(x)
        with engine("direct"):
            layer(x)
        layer(x)
    layer(x)
    assert [plan.engine for plan in served] == ["tiled", "whole", "direct", "whole", "tiled"]


def test_an_error_within_restores_what_was_before(served: list[Plan]) -> None:
    with pytest.raises(ZeroDivisionError), engine("tiled"):
        raise ZeroDivisionError
    conv(4)
    assert served[0].engine == "direct"


def test_other_threads_keep_theirs(served: list[Plan]) -> None:
    with engine("tiled"):
        other = threading.Thread(target=conv, args=(4,))
        other.start()
        other.join()
    assert served[0].engine == "direct"


@pytest.mark.parametrize("name", ["fft", "", None, 3])
def test_an_engine_that_there_is_not_is_refused_before_anything_is_built(name: object) -> None:
    with pytest.raises(ValueError, match="is not one of 'auto', 'whole', 'tiled', 'direct', 'triton'"), engine(name):  # type: ignore[arg-type]
        pass
    with pytest.raises(ValueError, match="is not one of 'auto', 'whole', 'tiled', 'direct', 'triton'"):
        FourierConv2d(2, 2, 3, engine=name)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["tiled", "direct"])
def test_kernels_that_never_end_go_around_a_circle_by_the_whole_grid_only(name: str) -> None:
    layer = FourierConv2d(2, 2, 5, padding=2, padding_mode="circular", parameterization="spline")
    with pytest.raises(ValueError, match=f"engine='{name}' cannot compute this: kernels do not end"), engine(name):
        layer(torch.randn(1, 2, 16, 16))


# --- TF32 ---


@pytest.fixture
def _cudnn_as_before() -> Iterator[None]:
    yield
    allow(True)


def allow(allowed: bool) -> None:
    torch.backends.cudnn.allow_tf32 = allowed


def precise(precision: str) -> None:
    torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined]


SETTINGS: dict[str, tuple[list[Callable[[], None]], bool]] = {
    "torch's own": ([], True),
    "older": ([lambda: allow(False)], False),
    "newer": ([lambda: precise("ieee")], False),
    "both, newer last": ([lambda: allow(False), lambda: precise("tf32")], True),
    "both, older last": ([lambda: precise("ieee"), lambda: allow(True)], True),
}


def rounds(name: str) -> bool:
    """Whether cuDNN may, after it is set so."""
    steps, allowed = SETTINGS[name]
    for step in steps:
        step()
    return allowed


@pytest.mark.usefixtures("_cudnn_as_before")
@pytest.mark.parametrize("name", SETTINGS)
def test_a_case_knows_whether_cudnn_may_round_to_tf32(name: str) -> None:
    """torch refuses to read its older setting beside the newer one; images are fakes, which need no device."""
    allowed = rounds(name)
    filters = functional._filters((8, 8), (8, 8), (3, 3), [-1, -1], (1, 1), (1, 1), "zeros")
    for kind, dtype in (("cuda", torch.float32), ("cuda", torch.float64), ("cpu", torch.float32)):
        with FakeTensorMode():
            own = dispatch.case_of(
                torch.empty(1, 2, 8, 8, device=kind, dtype=dtype),
                torch.empty(4, 2, 3, 3, device=kind, dtype=dtype),
                filters,
                groups=1,
            )
        assert own.tf32 == (allowed and (kind, dtype) == ("cuda", torch.float32))


@pytest.mark.usefixtures("_cudnn_as_before")
@pytest.mark.parametrize("name", SETTINGS)
def test_compiled_code_asks_without_a_break(name: str) -> None:
    allowed = rounds(name)
    torch._dynamo.reset()
    asked = torch.compile(lambda x: x + may_round(torch.float32, "cuda"), fullgraph=True, backend="eager")
    assert asked(torch.zeros(1)).item() == allowed


# --- measured choice ---


def test_the_benchmark_measures_once_and_keeps_to_the_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Plan] = []

    def step_times(plan: Plan, *_: object) -> list[float]:
        seen.append(plan)
        return [1.0 if plan.engine == "tiled" else 2.0]

    monkeypatch.setattr(measured, "step_times", step_times)
    monkeypatch.setattr(measured, "_found", {})
    x, w = torch.randn(1, 2, 40, 40), torch.randn(2, 2, 5, 5)
    with engine("auto", benchmark=True):
        first = functional.conv2d(x, w)
        count = len(seen)
        second = functional.conv2d(x, w)
    assert len(seen) == count > 1
    assert [plan.engine for plan in measured._found.values()] == ["tiled"]
    assert torch.equal(first, second)
    torch.testing.assert_close(first, torch.nn.functional.conv2d(x, w), rtol=1e-4, atol=1e-4)


def test_steps_are_timed_with_their_backward_pass_and_leave_no_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, differentiated = FourierConv2d(2, 2, 5, parameterization="scaled"), []
    grad = torch.autograd.grad

    def watched(*arguments: Any, **others: Any) -> Any:
        differentiated.append(arguments)
        return grad(*arguments, **others)

    monkeypatch.setattr(torch.autograd, "grad", watched)
    with engine("auto", benchmark=True):
        layer(torch.randn(1, 2, 33, 34))
    assert len(differentiated) >= 2 * (measured.ROUNDS + 1)
    assert all(parameter.grad is None for parameter in layer.parameters())


def _without_differentiation(layer: FourierConv2d, x: Tensor) -> Tensor:
    with torch.inference_mode():
        return layer(x)


def _frozen(layer: FourierConv2d, x: Tensor) -> Tensor:
    with layer.frozen():
        return layer(x)


def _checkpointed(layer: FourierConv2d, x: Tensor) -> Tensor:
    output: Tensor = checkpoint(layer, x.requires_grad_(), use_reentrant=False)
    output.sum().backward()
    return output


CALLERS: dict[str, Callable[[FourierConv2d, Tensor], Tensor]] = {
    "inference mode": _without_differentiation,
    "frozen": _frozen,
    "checkpoint": _checkpointed,
    "vmap": lambda layer, x: torch.func.vmap(layer)(x.unsqueeze(1)).squeeze(1),
    "torch.func": lambda layer, x: torch.func.vjp(layer, x)[0],
    "forward mode": lambda layer, x: torch.func.jvp(layer, (x,), (x,))[0],
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, in forward mode
@pytest.mark.parametrize("name", CALLERS)
def test_the_benchmark_serves_whoever_calls(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "_found", {})
    layer, x = FourierConv2d(2, 3, 5, padding=2), torch.randn(2, 2, 20, 21)
    with engine("auto", benchmark=True):
        found = CALLERS[name](layer, x)
    torch.testing.assert_close(found, layer(x), rtol=1e-4, atol=1e-4)


# --- taps ---


def test_coefficients_that_are_the_taps_are_applied_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, applied = FourierConv2d(2, 3, 5, padding=2, engine="direct"), []
    own = direct.correlate

    def correlate(images: Tensor, taps: Tensor, *rest: Any) -> Tensor:
        applied.append(taps)
        return own(images, taps, *rest)

    monkeypatch.setattr(direct, "correlate", correlate)
    layer(torch.randn(1, 2, 12, 11))
    layer(torch.randn(1, 2, 2, 11))  # which the first and the last line of taps miss
    assert applied[0] is layer.coefficients
    assert applied[1].shape == (3, 2, 3, 5)


def test_taps_that_all_meet_the_image_are_not_cut() -> None:
    w = torch.randn(3, 2, 5, 5, requires_grad=True)
    with engine("direct"):
        y = functional.conv2d(torch.randn(1, 2, 12, 11), w, padding=2)
    assert y.grad_fn is not None
    source = y.grad_fn.next_functions[1][0]
    assert source is not None
    assert source.name().endswith("AccumulateGrad")


@pytest.mark.parametrize("name", ["whole", "tiled", "direct"])
@pytest.mark.parametrize("size", [(12, 11), (2, 11), (11, 1), (2, 1)], ids=str)
def test_taps_that_miss_the_image_along_some_axes_do_not_count(size: tuple[int, int], name: str) -> None:
    layer = FourierConv2d(2, 3, 5, padding=2, engine=name, dtype=torch.float64)
    x = torch.randn(1, 2, *size, dtype=torch.float64)
    assert layer.bias is not None
    expected = torch.nn.functional.conv2d(x, layer.weight, layer.bias, padding=2)
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-12)
    found = torch.autograd.grad(layer(x).square().sum(), layer.weight)
    torch.testing.assert_close(found, torch.autograd.grad(expected.square().sum(), layer.weight), rtol=0, atol=1e-11)


# --- kernels that are kept ---


@pytest.mark.parametrize("name", ["whole", "tiled", "direct"])
@pytest.mark.parametrize("parameterization", ["spatial", "scaled", "implicit"])
def test_frozen_layers_make_their_kernels_once(
    name: str, parameterization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = FourierConv2d(2, 3, 5, padding=2, parameterization=parameterization, engine=name)
    made: list[int] = []
    kernels = dispatch._kernels
    monkeypatch.setattr(dispatch, "_kernels", lambda *given: made.append(1) or kernels(*given))  # type: ignore[func-returns-value]
    x, larger = torch.randn(1, 2, 32, 32), torch.randn(1, 2, 48, 48)
    expected = layer(x), layer(larger)
    made.clear()
    with layer.frozen():
        found = [(layer(x), layer(larger)) for _ in range(3)]
    assert len(made) == 2  # one for each size of images
    for pair in found:
        for one, other in zip(pair, expected, strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_of_a_frozen_layer_are_not_frozen(copied: Callable[[FourierConv2d], FourierConv2d]) -> None:
    layer, x = FourierConv2d(2, 3, 5, bias=False), torch.randn(1, 2, 32, 32)
    with layer.frozen():
        layer(x)
        other = copied(layer)
        torch.nn.init.zeros_(other.coefficients)
        assert other(x).requires_grad
        assert torch.equal(other(x), torch.zeros_like(other(x)))


def test_other_threads_do_not_see_a_frozen_layer() -> None:
    layer, x = FourierConv2d(2, 3, 5, bias=False), torch.randn(1, 2, 32, 32)
    seen: list[bool] = []
    with layer.frozen():
        assert not layer(x).requires_grad
        thread = threading.Thread(target=lambda: seen.append(layer(x).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]
    assert layer(x).requires_grad


def test_frozen_layers_compute_in_the_dtype_that_they_have() -> None:
    layer, x = FourierConv2d(2, 3, 31, padding=15, engine="whole"), torch.randn(1, 2, 32, 32)
    with layer.frozen():
        layer(x)
        layer.double()
        found = layer(x.double())
    expected = torch.nn.functional.conv2d(x.double(), layer.coefficients, layer.bias, padding=15)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_what_is_mapped_is_not_kept_in_a_frozen_layer() -> None:
    layer, x = FourierConv2d(2, 3, 5, bias=False, engine="whole"), torch.randn(2, 1, 2, 32, 32)
    weights = torch.stack([layer.coefficients, 2 * layer.coefficients])
    with layer.frozen():
        mapped = torch.func.vmap(lambda own, x: torch.func.functional_call(layer, {"coefficients": own}, (x,)))(
            weights, x
        )
        assert not layer._frozen.memory
        once = layer(x[0])
    torch.testing.assert_close(mapped[0], once)
    torch.testing.assert_close(mapped[1], 2 * layer(x[1]), rtol=1e-4, atol=1e-4)


def test_a_frozen_layer_keeps_no_kernels_of_plans_that_were_only_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "_found", {})
    layer, x = FourierConv2d(2, 3, 5), torch.randn(1, 2, 45, 46)
    with layer.frozen(), engine("auto", benchmark=True):
        layer(x)
        assert layer._frozen.memory is not None
        assert len(layer._frozen.memory) == 1


@pytest.mark.parametrize("name", ["whole", "tiled", "direct"])
def test_frozen_layers_see_no_changes_and_pass_gradients_to_images_only(name: str) -> None:
    layer, x = FourierConv2d(2, 3, 5, engine=name), torch.randn(1, 2, 32, 32, requires_grad=True)
    with layer.frozen():
        before = layer(x)
        layer.coefficients.data.zero_()
        assert torch.equal(layer(x), before)
        before.square().sum().backward()
    assert x.grad is not None
    assert layer.coefficients.grad is None
    assert layer.bias is not None
    torch.testing.assert_close(layer(x)[0, :, 0, 0], layer.bias)
