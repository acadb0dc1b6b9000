"""Learned scales and widths of windows: their bounds, how training reaches them, what happens when it meets one."""

import copy
import gc
import math
import pickle
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils import parametrize
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from fourierconv import FourierConv1d, FourierConv2d, FourierConv3d, penalties
from fourierconv.layers import SCALE_RATE, WINDOW_LIMITS
from fourierconv.parameterizations import NAMES, get
from fourierconv.scales import FEW, HEADROOM, Bounds, count


@dataclass(frozen=True)
class Learned:
    """One kind of scale, of one parameterization: 'scale' or 'window'."""

    name: str
    of: str

    def __str__(self) -> str:
        return f"{self.name}-of-{self.of}"

    def build(self, value: float | tuple[float, float] = 1.5, **options: Any) -> FourierConv2d:
        """A layer in float64 at this scale, or these."""
        options = {"padding": 1, "dtype": torch.float64, self.name: value, **options}
        return FourierConv2d(2, 6, 3, parameterization=self.of, **options)

    def parameter(self, layer: FourierConv2d) -> Tensor:
        value = getattr(layer, self.name)
        assert isinstance(value, nn.Parameter)
        return value

    @property
    def limits(self) -> tuple[float, float]:
        """Least and largest value, in pixels."""
        limits = get(self.of).scale_limits if self.name == "scale" else WINDOW_LIMITS
        assert limits is not None
        return limits


SCALED = tuple(name for name in NAMES if get(name).scale_limits is not None)
FIXED = tuple(name for name in NAMES if name not in SCALED)
LEARNED = (*(Learned("scale", name) for name in SCALED), Learned("window", "spatial"), Learned("window", "scaled"))
assert {"window", "scaled"} <= set(SCALED)


@pytest.mark.parametrize("learned", LEARNED, ids=str)
@pytest.mark.parametrize(("scale_per", "count"), [("layer", 1), ("channel", 6), (3, 3), (1, 1)])
def test_one_scale_per_layer_channel_or_group(learned: Learned, scale_per: str | int, count: int) -> None:
    layer = learned.build(1.5, scale_per=scale_per)
    assert learned.parameter(layer).tolist() == [[1.5]] * count


@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_scales_of_several_channels_may_start_log_spaced(learned: Learned) -> None:
    layer = learned.build((1.0, 32.0), scale_per="channel")
    assert learned.parameter(layer).flatten().tolist() == pytest.approx([1, 2, 4, 8, 16, 32], rel=1e-14)


@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_a_group_of_channels_shares_its_scale(learned: Learned) -> None:
    """Channels 0-1, 2-3, 4-5 are those of three layers with a scale of their own."""
    shared = learned.build((0.8, 2.9), scale_per=3)
    x = torch.randn(1, 2, 11, 12, dtype=torch.float64)
    for group, scale in enumerate(learned.parameter(shared).flatten().tolist()):
        own = learned.build(scale)
        own.coefficients.data.copy_(shared.coefficients)
        own.bias.data.copy_(shared.bias)  # type: ignore
        channels = slice(2 * group, 2 * group + 2)
        torch.testing.assert_close(shared(x)[:, channels], own(x)[:, channels])
        torch.testing.assert_close(shared.spectrum(9)[channels], own.spectrum(9)[channels])


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_growth_beyond_the_headroom_waits_for_a_refresh(learned: Learned, mode: str) -> None:
    layer, at_bound = (learned.build(1.5, padding_mode=mode) for _ in range(2))
    at_bound.load_state_dict(layer.state_dict())
    learned.parameter(layer).data.fill_(6.0)
    learned.parameter(at_bound).data.fill_(1.5 * HEADROOM)
    x = torch.randn(1, 2, 16, 15, dtype=torch.float64)
    torch.testing.assert_close(layer(x), at_bound(x))
    assert layer.refresh() == 1
    assert not torch.allclose(layer(x), at_bound(x))
    assert learned.parameter(layer).item() == 6.0
    assert layer.refresh() == 0


@pytest.mark.parametrize("learned", LEARNED, ids=str)
@pytest.mark.parametrize("side", ["headroom", "lower limit"])
def test_gradients_survive_where_a_scale_is_held(learned: Learned, side: str) -> None:
    held_at, asked = (1.5 * HEADROOM, 6.0) if side == "headroom" else (learned.limits[0], 0.01)
    held, inside = (learned.build(1.5) for _ in range(2))
    inside.load_state_dict(held.state_dict())
    learned.parameter(held).data.fill_(asked)
    learned.parameter(inside).data.fill_(held_at)
    x = torch.randn(2, 2, 9, 9, dtype=torch.float64)
    gradients = []
    for layer in (held, inside):
        layer(x).square().sum().backward()
        gradient = learned.parameter(layer).grad
        assert gradient is not None
        gradients.append(gradient)
    torch.testing.assert_close(*gradients)
    assert float(gradients[0].abs()) > 1e-6


@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_refresh_counts_the_scales_at_their_bound_and_holds_them_in_their_limits(learned: Learned) -> None:
    low, high = learned.limits
    layer = learned.build((1.0, 4.0), scale_per="channel")
    learned.parameter(layer).data[:, 0] = torch.tensor([low / 2, 1.0, 0.0, 5.1, 1e6, -3.0], dtype=torch.float64)
    assert layer.refresh() == 5  # too small, zero, beyond 4 · headroom, far beyond, negative
    assert learned.parameter(layer).flatten().tolist() == [low, 1.0, low, 5.1, high, low]
    assert layer.refresh() == 0


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("value", [0.0, -5.0, 1e6])
@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_a_scale_that_ran_away_is_back_at_its_limit_after_a_refresh(learned: Learned, value: float, mode: str) -> None:
    limit = learned.limits[value > 1]
    runaway, at_limit = learned.build(padding_mode=mode), learned.build(limit, padding_mode=mode)
    at_limit.coefficients.data.copy_(runaway.coefficients)
    at_limit.bias.data.copy_(runaway.bias)  # type: ignore
    learned.parameter(runaway).data.fill_(value)
    assert runaway.refresh() == 1
    x = torch.randn(1, 2, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(runaway(x), at_limit(x))


TWO = [Learned("scale", "scaled"), Learned("window", "spatial")]


@pytest.mark.parametrize("method", ["eval", "train", "load"])
@pytest.mark.parametrize("learned", TWO, ids=str)
def test_a_new_mode_and_a_new_state_refresh_a_layer(learned: Learned, method: str) -> None:
    layer = learned.build(1.5)
    learned.parameter(layer).data.fill_(6.0)
    calls: dict[str, Callable[[], object]] = {
        "eval": layer.eval,
        "train": layer.train,
        "load": lambda: layer.load_state_dict(layer.state_dict()),
    }
    calls[method]()
    torch.testing.assert_close(layer(X), _fresh(learned, layer)(X))
    assert layer.refresh() == 0


@pytest.mark.parametrize(
    "read",
    [
        lambda layer: layer.kernel(),
        lambda layer: layer.spectrum(8),
        lambda layer: layer.extent(),
        lambda layer: layer.mass_curve(),
        lambda layer: layer.operator_norm(),
        lambda layer: layer.singular_values(8),
        repr,
    ],
    ids=["kernel", "spectrum", "extent", "mass_curve", "operator_norm", "singular_values", "repr"],
)
@pytest.mark.parametrize("value", [6.0, 0.01], ids=["grown", "below its limit"])
@pytest.mark.parametrize("learned", TWO, ids=str)
def test_reading_a_layer_tells_of_its_present_scales_and_changes_nothing(
    learned: Learned, value: float, read: Callable[[FourierConv2d], Any]
) -> None:
    layer = learned.build(1.5)
    learned.parameter(layer).data.fill_(value)
    before, told = layer(X), read(layer)
    expected = read(_fresh(learned, layer))
    assert told == expected if isinstance(told, str) else torch.equal(told, expected)
    assert torch.equal(layer(X), before)
    assert learned.parameter(layer).item() == value
    assert layer.refresh() == 1


X = torch.randn(1, 2, 16, 15, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def _fresh(learned: Learned, layer: FourierConv2d, **options: Any) -> FourierConv2d:
    """A layer of the same parameters that has never had others."""
    fresh = learned.build(1.5, **options)
    fresh.load_state_dict(layer.state_dict())
    return fresh


@pytest.mark.parametrize("method", ["eval", "train", "refresh"])
@pytest.mark.parametrize("learned", TWO, ids=str)
def test_training_that_forgets_to_refresh_is_told(learned: Learned, method: str) -> None:
    layer = learned.build((0.75, 1.5), scale_per="channel")
    _train(learned, layer, 6.0)
    message = rf"{learned.name} has grown to 6 pixels, .* at most 1.88: call fourierconv.refresh\(model\)"
    with pytest.warns(UserWarning, match=message):
        getattr(layer, method)()
    getattr(layer, method)()  # once


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_training_that_refreshes_in_time_is_told_nothing(learned: Learned) -> None:
    """Warnings are errors. None is due where a bound is exceeded by little, nor at the limit, which is applied."""
    layer = learned.build(1.5)
    _train(learned, layer, 6.0, steps=FEW)
    layer.refresh()
    learned.parameter(layer).data.fill_(1.5)
    layer.refresh()
    for value in (2.3, 3.5, 5.4, 2.0):
        _train(learned, layer, value)
        layer.refresh()
    learned.parameter(layer).data.fill_(0.9 * learned.limits[1])
    layer.refresh()
    _train(learned, layer, 3 * learned.limits[1])
    layer.refresh()


@pytest.mark.parametrize("given", ["by hand", "by a state", "in a copy"])
@pytest.mark.parametrize("learned", TWO, ids=str)
def test_a_scale_that_training_did_not_grow_is_not_told(learned: Learned, given: str) -> None:
    layer, large = learned.build(1.5), learned.build(6.0)
    if given == "by hand":
        layer(X)  # tried out
        learned.parameter(layer).data.fill_(6.0)
    if given == "by a state":
        _train(learned, layer, 1.6)
        layer.load_state_dict(large.state_dict())
    if given == "in a copy":
        layer = copy.deepcopy(layer)
        _train(learned, layer, 6.0)  # applied as it is
    layer.eval()
    torch.testing.assert_close(layer(X), _fresh(learned, layer)(X))


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_only_forward_passes_of_training_count(learned: Learned) -> None:
    layer = learned.build(1.5)
    for _ in range(FEW):
        layer(X)
        penalties.size(layer)
        layer.extent()
    learned.parameter(layer).data.fill_(6.0)
    layer.refresh()


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_a_warning_that_is_an_error_leaves_the_new_bounds(learned: Learned) -> None:
    layer = learned.build(1.5)
    _train(learned, layer, 6.0)
    with pytest.raises(UserWarning, match="has grown to 6 pixels"):
        layer.refresh()
    torch.testing.assert_close(layer(X), _fresh(learned, layer)(X))


def _train(learned: Learned, layer: FourierConv2d, value: float, steps: int = FEW + 1) -> None:
    """Steps of an optimizer, which bring all scales there."""
    parameter = learned.parameter(layer)
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    gradient = (parameter.detach() - value) / steps
    for _ in range(steps):
        layer(X).sum().backward()
        parameter.grad = gradient.clone()
        optimizer.step()


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_an_average_of_parameters_is_what_it_computes(learned: Learned) -> None:
    layer, average = learned.build(1.5), learned.build(1.5).eval()
    for _ in range(8):
        learned.parameter(layer).data.mul_(1.2)
        with torch.no_grad():
            for own, other in zip(average.parameters(), layer.parameters(), strict=True):
                own.lerp_(other, 0.5)
        torch.testing.assert_close(average(X), _fresh(learned, average)(X))


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_statistics_of_averaged_networks_are_of_the_average(learned: Learned) -> None:
    model = nn.Sequential(learned.build(1.5), nn.BatchNorm2d(6).double())
    averaged = AveragedModel(model)
    for _ in range(8):
        learned.parameter(model[0]).data.mul_(1.5)  # type: ignore[arg-type]
        averaged.update_parameters(model)
    update_bn([X.expand(4, -1, -1, -1)], averaged)
    layer, norm = averaged.module.children()
    assert isinstance(layer, FourierConv2d)
    torch.testing.assert_close(norm.running_mean, _fresh(learned, layer)(X).mean((0, 2, 3)))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("learned", TWO, ids=str)
def test_parameters_of_another_layer_take_their_bounds_along(learned: Learned, training: bool) -> None:
    small, large = learned.build(1.5).train(training), learned.build(6.0).train(training)
    expected = [layer(X) for layer in (small, large)]
    for _ in range(2):
        for layer, own in zip((small, large), expected, strict=True):
            parameters = {name: parameter.detach().clone() for name, parameter in layer.named_parameters()}
            for base in (small, large, copy.deepcopy(small).to("meta")):
                torch.testing.assert_close(functional_call(base, parameters, (X,)), own)
                torch.testing.assert_close(functional_call(base, dict(layer.named_parameters()), (X,)), own)
    assert torch.equal(small(X), expected[0])

    def loss(parameters: dict[str, torch.Tensor]) -> torch.Tensor:
        return functional_call(small, parameters, (X,)).square().sum()

    found = grad(loss)({name: parameter.detach() for name, parameter in large.named_parameters()})
    large(X).square().sum().backward()
    torch.testing.assert_close(found, {name: parameter.grad for name, parameter in large.named_parameters()})


@pytest.mark.parametrize("per_axis", [False, True])
@pytest.mark.parametrize("meta", [False, True])
@pytest.mark.parametrize("learned", TWO, ids=str)
def test_an_ensemble_has_the_kernels_of_its_members(learned: Learned, meta: bool, per_axis: bool) -> None:
    members = [learned.build(value, per_axis=per_axis) for value in (1.5, 6.0, 0.7)]
    parameters, buffers = stack_module_state(members)
    base = copy.deepcopy(members[0]).to("meta" if meta else "cpu")
    found = vmap(lambda *state: functional_call(base, state, (X,)))(parameters, buffers)
    torch.testing.assert_close(found, torch.stack([member(X) for member in members]))


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_copies_look_at_their_own_scales(learned: Learned) -> None:
    layer = learned.build(1.5)
    learned.parameter(layer).data.fill_(6.0)  # not read yet
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.testing.assert_close(other(X), _fresh(learned, layer)(X))
    assert layer.refresh() == 1


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_a_layer_may_be_read_between_checkpointed_passes(learned: Learned) -> None:
    layer = learned.build(1.5)
    learned.parameter(layer).data.fill_(6.0)
    y = checkpoint(layer, X, use_reentrant=False)
    layer.extent()
    y.square().sum().backward()
    found = learned.parameter(layer).grad
    learned.parameter(layer).grad = None
    layer(X).square().sum().backward()
    torch.testing.assert_close(found, learned.parameter(layer).grad)


def test_functional_parameters_have_bounds_of_their_present_values() -> None:
    learned = Learned("scale", "scaled")
    base, teacher = learned.build(1.5), {name: own.detach() for name, own in learned.build(2.0).named_parameters()}
    student = {name: own.detach().clone().requires_grad_() for name, own in base.named_parameters()}
    for _ in range(4):
        y = checkpoint(lambda x: functional_call(base, student, (x,)), X, use_reentrant=False)
        functional_call(base, teacher, (X,))  # in between, with other grids
        y.square().mean().backward()
        with torch.no_grad():
            student["scale"].mul_(1.5)
        torch.testing.assert_close(functional_call(base, student, (X,)), _of(learned, student)(X))


@pytest.mark.parametrize("meta", [False, True])
def test_parameters_of_an_ensemble_may_be_changed_in_place(meta: bool) -> None:
    learned = Learned("scale", "scaled")
    members = [learned.build(value) for value in (1.5, 2.0)]
    parameters, buffers = stack_module_state(members)
    base = copy.deepcopy(members[0]).to("meta" if meta else "cpu")
    for value in (1.0, 6.0, float("nan")):
        with torch.no_grad():
            parameters["scale"][1] = value
            parameters["scale"][0] *= 1.5
        found = vmap(lambda *state: functional_call(base, state, (X,)))(parameters, buffers)
        for number in range(1 if value != value else 2):  # one that diverged leaves the others alone
            own = {name: parameter[number].detach() for name, parameter in parameters.items()}
            torch.testing.assert_close(found[number], _of(learned, own)(X))
    assert bool(found[1].isnan().any())


def _of(learned: Learned, parameters: dict[str, Tensor]) -> FourierConv2d:
    layer = learned.build(1.5)
    layer.load_state_dict(parameters)
    return layer


def test_what_is_called_with_a_copy_first_is_not_taken_for_its_own() -> None:
    learned = Learned("scale", "scaled")
    large, small = learned.build(6.0), {name: own.detach() for name, own in learned.build(0.5).named_parameters()}
    other, expected = copy.deepcopy(large), large(X)
    kept = weakref.ref(scale := small["scale"].clone().requires_grad_() * 1.5)
    functional_call(other, {"scale": scale}, (X,))
    del scale
    gc.collect()
    assert kept() is None
    torch.testing.assert_close(torch.export.export(other, (X,)).module()(X), expected)
    torch.testing.assert_close(other(X), expected)


def test_flops_are_counted_of_the_kernels_that_are_there() -> None:
    learned = Learned("scale", "scaled")
    layer, grown = learned.build(1.5), learned.build(6.0)
    expected = grown(X)
    with FlopCounterMode(display=False):
        found = functional_call(layer, dict(grown.named_parameters()), (X,))
        learned.parameter(layer).data.fill_(6.0)
        assert layer.kernel().shape == grown.kernel().shape
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("pre_dispatch", [False, True])
def test_functional_calls_can_be_traced(pre_dispatch: bool) -> None:
    layer = Learned("scale", "scaled").build(1.5)
    parameters = {name: own.detach() for name, own in layer.named_parameters()}
    traced = make_fx(lambda own, x: functional_call(layer, own, (x,)), pre_dispatch=pre_dispatch)(parameters, X)
    torch.testing.assert_close(traced(parameters, X), layer(X).detach())


def test_nothing_is_seen_while_kernels_are_frozen() -> None:
    layer = Learned("scale", "scaled").build(1.5).eval()
    with torch.no_grad(), layer.frozen():
        before = layer(X)
        layer.coefficients.mul_(3.0)
        assert layer.scale is not None
        layer.scale.fill_(6.0)
        torch.testing.assert_close(layer(X), before)
        for again in (layer.refresh, layer.train, layer.eval):
            again()
            torch.testing.assert_close(layer(X), before)
    torch.testing.assert_close(layer(X), _fresh(Learned("scale", "scaled"), layer)(X))


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_what_was_changed_before_is_seen_while_kernels_are_frozen(learned: Learned) -> None:
    layer = learned.build(1.5).eval()
    with torch.no_grad():
        for value in (6.0, 2.0, 9.0):
            learned.parameter(layer).fill_(value)
            with layer.frozen():
                torch.testing.assert_close(layer(X), _fresh(learned, layer)(X))
                with layer.frozen():
                    torch.testing.assert_close(layer(X), _fresh(learned, layer)(X))


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_kernels_are_frozen_as_they_are_applied_in_training(learned: Learned) -> None:
    layer = learned.build(1.5)
    with torch.no_grad():
        learned.parameter(layer).fill_(6.0)
        held = layer(X)
        with layer.frozen():
            torch.testing.assert_close(layer(X), held)


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_a_refresh_mends_what_a_meta_layer_took_for_the_parameters(learned: Learned) -> None:
    base, large = learned.build(1.5).to("meta"), learned.build(6.0)
    parameters = {name: own.detach().clone() for name, own in learned.build(1.5).named_parameters()}
    functional_call(base, parameters, (X,))
    for name, own in large.named_parameters():
        parameters[name].data.copy_(own.detach())  # as fused optimizers do, which torch does not count
    assert base.refresh() == 0
    torch.testing.assert_close(functional_call(base, parameters, (X,)), large(X))


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_scales_that_were_applied_as_they_are_do_not_count_as_held(learned: Learned) -> None:
    layer = copy.deepcopy(learned.build(1.5))
    learned.parameter(layer).data.fill_(6.0)
    before = layer(X)
    assert layer.refresh() == 0
    torch.testing.assert_close(layer(X), before)
    learned.parameter(layer).data.fill_(learned.limits[1])
    assert layer.refresh() == 1


def test_a_layer_that_holds_no_parameter_changes_its_mode() -> None:
    layer = FourierConv2d(2, 6, 3, bias=False).double()
    weights = layer.coefficients.detach()
    del layer.coefficients
    layer.coefficients = weights  # type: ignore[assignment]  # as of a network that makes weights
    assert torch.equal(layer.eval()(X), layer.train()(X))


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_a_scale_that_was_not_loaded_is_reported_missing(learned: Learned) -> None:
    state = learned.build(6.0).state_dict()
    del state[learned.name]
    layer = learned.build().to("meta")
    assert layer.load_state_dict(state, strict=False, assign=True).missing_keys == [learned.name]
    layer.eval()


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_kernels_of_a_size_are_read_of_an_ensemble(learned: Learned) -> None:
    members = [learned.build(value) for value in (1.5, 6.0)]
    parameters, _ = stack_module_state(members)

    class Kernel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = copy.deepcopy(members[0])

        def forward(self) -> Tensor:
            return self.layer.kernel(9)

    own = {f"layer.{name}": value for name, value in parameters.items()}
    found = vmap(lambda state: functional_call(Kernel(), state, ()))(own)
    torch.testing.assert_close(found, torch.stack([member.kernel(9) for member in members]))


@pytest.mark.parametrize("learned", TWO, ids=str)
def test_torch_may_swap_what_a_layer_learns(learned: Learned) -> None:
    layer = learned.build(1.5)
    layer(X)
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        layer.float().double()
        layer.load_state_dict(learned.build(6.0).state_dict())
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)
    torch.testing.assert_close(layer(X), _fresh(learned, layer)(X))


def test_no_graph_of_a_functional_call_is_kept() -> None:
    layer = Learned("scale", "scaled").build(1.5)
    start = torch.full((1, 1), 4.0, dtype=torch.float64, requires_grad=True)
    kept = weakref.ref(stepped := start * 1.5)
    functional_call(layer, {"scale": stepped}, (X,))
    del stepped
    gc.collect()
    assert kept() is None


def test_layers_of_inference_tensors_compute() -> None:
    with torch.inference_mode():
        layer = Learned("scale", "scaled").build(1.5).eval()
        assert layer.scale is not None
        layer.scale.mul_(4)
        layer.refresh()
        torch.testing.assert_close(layer(X), _fresh(Learned("scale", "scaled"), layer)(X))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_scales_that_are_no_numbers_are_refused(learned: Learned, value: float) -> None:
    layer = learned.build(1.5, scale_per=2)
    damaged = layer.state_dict() | {learned.name: torch.tensor([[1.0], [value]], dtype=torch.float64)}
    with pytest.raises(RuntimeError, match=f"{learned.name} must be finite, but the state has NaN or Inf"):
        layer.load_state_dict(damaged)
    learned.parameter(layer).data[1, 0] = value
    with pytest.raises(ValueError, match=rf"{learned.name}=\[1.5, {value}\] must be finite"):
        layer.refresh()
    with pytest.raises(ValueError, match="must be finite"):
        layer.eval()


@pytest.mark.parametrize("name", FIXED)
def test_layers_without_a_scale_have_nothing_to_refresh(name: str) -> None:
    layer = FourierConv2d(2, 6, 3, parameterization=name)
    assert layer.scale is None
    assert layer.window is None
    assert not {"scale", "window"} & set(layer.state_dict())
    assert layer.refresh() == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("side", [0, 1], ids=["lower", "upper"])
@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_limits_rounded_to_the_dtype_are_kept(learned: Learned, side: int, dtype: torch.dtype) -> None:
    layer = learned.build(learned.limits[side], dtype=dtype)
    before = learned.parameter(layer).detach().clone()
    assert [layer.refresh() for _ in range(2)] == [0, 0]
    assert torch.equal(learned.parameter(layer), before)


def test_refresh_counts_scales_and_windows_together() -> None:
    layer = FourierConv2d(2, 6, 3, parameterization="scaled", scale=1.0, window=2.0, scale_per=3, per_axis=True)
    assert layer.scale is not None
    assert layer.window is not None
    assert layer.refresh() == 0
    layer.scale.data[:2, 1] = 1.5  # beyond 1.25
    layer.window.data[1, 0] = 2.4  # within 2.5
    layer.window.data[2, 1] = 0.1  # below the limit
    assert layer.refresh() == 3
    assert layer.window[2, 1].item() == pytest.approx(0.2)
    assert layer.refresh() == 0


@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_every_axis_has_a_bound_of_its_own(learned: Learned) -> None:
    """Growth within the bound of one axis is applied there, and held where it is beyond the other's."""
    layer, expected = (learned.build(1.5, per_axis=True) for _ in range(2))
    learned.parameter(layer).data.copy_(torch.tensor([[4.0, 1.0]]))
    layer.refresh()
    learned.parameter(layer).data.copy_(torch.tensor([[4.5, 3.0]]))
    expected.load_state_dict(layer.state_dict())
    learned.parameter(expected).data.copy_(torch.tensor([[4.5, HEADROOM * 1.0]]))
    expected.refresh()
    x = torch.randn(1, 2, 16, 15, dtype=torch.float64)
    torch.testing.assert_close(layer(x), expected(x))
    assert layer.refresh() == 1


@pytest.mark.parametrize("layer_class", [FourierConv1d, FourierConv2d, FourierConv3d])
@pytest.mark.parametrize(("scale_per", "number"), [("layer", 1), ("channel", 4), (2, 2)])
def test_scales_per_axis(
    scale_per: str | int, number: int, layer_class: type[FourierConv1d | FourierConv2d | FourierConv3d]
) -> None:
    shared, apart = (
        layer_class(1, 4, 3, parameterization="scaled", window=3.0, scale_per=scale_per, per_axis=per_axis)
        for per_axis in (False, True)
    )
    for name in ("scale", "window"):
        assert getattr(shared, name).shape == (number, 1)
        assert getattr(apart, name).shape == (number, layer_class.dims)
    apart.coefficients.data.copy_(shared.coefficients)
    torch.testing.assert_close(apart.kernel(9), shared.kernel(9))  # all start alike


@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_every_axis_learns_its_own_scale(learned: Learned) -> None:
    """Along the other axis the kernel, a product of two, is what it was."""
    layer = learned.build(1.5, per_axis=True, bias=False)
    torch.nn.init.ones_(layer.coefficients)
    before = layer.extent()
    learned.parameter(layer).data[0, 1] = 0.5
    after = layer.extent()
    torch.testing.assert_close(after[..., 0], before[..., 0], rtol=1e-12, atol=0)
    assert bool((after[..., 1] < before[..., 1]).all())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_scales_learn_faster_and_do_not_decay(learned: Learned, bias: bool) -> None:
    layer = learned.build(bias=bias)
    ordinary, scales = layer.parameter_groups(0.01)
    own = [parameter for parameter in (layer.scale, layer.window) if parameter is not None]
    assert [id(p) for p in ordinary["params"]] == [id(p) for p in (layer.coefficients, layer.bias) if p is not None]
    assert [id(p) for p in scales["params"]] == [id(p) for p in own]
    assert learned.parameter(layer) in set(own)
    assert (ordinary["lr"], scales["lr"], scales["weight_decay"]) == (0.01, 0.01 * SCALE_RATE, 0.0)
    assert SCALE_RATE > 1
    optimizer = torch.optim.SGD(layer.parameter_groups(0.01), lr=0.01, weight_decay=0.5)
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = {name: p.detach().clone() for name, p in layer.named_parameters()}
    optimizer.step()
    assert torch.equal(learned.parameter(layer), before[learned.name])
    torch.testing.assert_close(layer.coefficients.data, before["coefficients"] * (1 - 0.01 * 0.5))


@pytest.mark.parametrize("window", [None, 2.0])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "window"])
def test_parameter_groups_cover_every_parameter_once(name: str, window: float | None) -> None:
    layer = FourierConv2d(2, 6, 3, parameterization=name, window=window)
    groups = layer.parameter_groups(0.01)
    grouped = [id(p) for group in groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in layer.parameters())
    assert all(group["params"] for group in groups)
    if name in ("spatial", "spectral", "spline"):
        assert len(groups) == (1 if window is None else 2)


@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_what_a_parametrized_scale_is_made_of_learns_as_fast(learned: Learned) -> None:
    layer = learned.build()
    parametrize.register_parametrization(layer, learned.name, nn.Softplus())
    ordinary, scales = layer.parameter_groups(0.01)
    assert [id(p) for p in ordinary["params"]] == [id(p) for p in (layer.coefficients, layer.bias)]
    made_of = layer.get_parameter(f"parametrizations.{learned.name}.original")
    assert id(made_of) in {id(p) for p in scales["params"]}
    optimizer = torch.optim.SGD([ordinary, scales], lr=0.01)
    layer(torch.randn(1, layer.in_channels, *[16] * layer.dims, dtype=made_of.dtype)).square().sum().backward()
    before = made_of.detach().clone()
    optimizer.step()
    assert not torch.equal(made_of, before)


# --- the bounds themselves ---


@pytest.mark.parametrize("per", ["axis", "", 0, -2, 5, True, 2.0])
def test_numbers_of_scales_that_do_not_divide_the_channels_are_refused(per: Any) -> None:
    with pytest.raises(ValueError, match=r"scale_per=.* must be 'layer', 'channel' or a number .* out_channels=6"):
        count(per, 6)


@pytest.mark.parametrize("value", [0.1, 65.0, -1.0, math.nan, True, "1", (1.0,), (1.0, 2.0, 3.0), (1.0, 100.0)])
@pytest.mark.parametrize("name", ["scale", "window"])
def test_values_beyond_the_limits_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"{name}=.* must be a number of pixels, .* between 0\.2 and 64\.0"):
        Bounds(name, (0.2, 64.0)).initial(value, 3, 1)


@pytest.mark.parametrize("learned", LEARNED, ids=str)
def test_several_values_need_several_scales(learned: Learned) -> None:
    with pytest.raises(
        ValueError, match=rf"{learned.name}=\(1.0, 4.0\) asks for several scales, but scale_per gives one"
    ):
        learned.build((1.0, 4.0))


@pytest.mark.parametrize("options", [{"scale": 2.0}, {"scale_per": "channel"}, {"per_axis": True}], ids=str)
@pytest.mark.parametrize("name", FIXED)
def test_scales_of_what_has_none_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"parameterization='{name}' has no scale; leave it out, or choose"):
        FourierConv2d(1, 2, 3, parameterization=name, **options)


def test_a_windowed_layer_may_have_a_width_per_channel() -> None:
    layer = FourierConv2d(1, 4, 3, window=(1.0, 8.0), scale_per="channel", per_axis=True)
    assert layer.window is not None
    assert layer.window.tolist() == [[pytest.approx(sigma)] * 2 for sigma in (1.0, 2.0, 4.0, 8.0)]
    with pytest.raises(ValueError, match=r"scale=2\.0: parameterization='spatial' has no scale"):
        FourierConv2d(1, 4, 3, window=1.0, scale=2.0)
