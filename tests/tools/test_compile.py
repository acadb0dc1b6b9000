"""torch.compile and torch.export: one graph without a break, with the results and the gradients of eager layers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch._functorch import config
from torch.func import jvp

from fourierconv import FourierConv2d, engine, functional
from fourierconv.engines import choice
from fourierconv.engines.choice import Case, Plan
from fourierconv.functional import conv2d
from tests.layer_cases import LayerCase
from tests.tools.cases import assert_alike, of_every_kind, on_every_device, outcome

pytestmark = [
    pytest.mark.filterwarnings("ignore:Torchinductor does not support code generation for complex operators"),
    pytest.mark.filterwarnings("ignore:TensorFloat32 tensor cores"),  # says Inductor of every CUDA device
    pytest.mark.filterwarnings("ignore:The given buffer is not writable"),  # says torch 2.11 of files that it loads
    pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated"),  # torch's own, on import of Inductor
]


@pytest.fixture(autouse=True)
def _nothing_compiled_before() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def counted(work: Callable[..., Any]) -> tuple[Callable[..., Any], CompileCounterWithBackend]:
    counter = CompileCounterWithBackend("aot_eager")
    return torch.compile(work, fullgraph=True, backend=counter), counter


def symbols(graph: torch.fx.GraphModule) -> int:
    """How many numbers a graph takes as symbols."""
    inputs = graph.graph.find_nodes(op="placeholder")
    return sum(isinstance(node.meta["example_value"], torch.SymInt) for node in inputs)


@on_every_device
@of_every_kind
def test_every_layer_is_one_graph(case: LayerCase, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, groups=2, device=device)
    x = torch.randn(2, 2, 7, 6, dtype=torch.float64, device=device)
    compiled, counter = counted(layer)
    assert_alike(outcome(compiled, x, layer.parameters()), outcome(layer, x, layer.parameters()))
    assert counter.frame_count == 1


INDUCTOR: list[Any] = [
    pytest.param("spatial", {"padding": 1, "groups": 2}, id="depthwise"),
    pytest.param("scaled", {"padding": 1, "scale": 1.5}, id="scaled"),
    *(
        pytest.param(name, options, id=label, marks=pytest.mark.full)
        for label, name, options in (
            ("stride", "spatial", {"stride": 2, "dilation": 2}),
            ("per axis", "scaled", {"padding": 1, "per_axis": True, "scale_per": "channel", "groups": 2}),
            ("window", "spatial", {"padding": 1, "window": 2.0}),
            ("reflect", "scaled", {"padding": 1, "scale": 1.5, "padding_mode": "reflect"}),
            ("replicate", "spline", {"padding": 1, "padding_mode": "replicate"}),
            ("circular", "spline", {"padding": 1, "padding_mode": "circular", "bias": False}),
            ("positions", "spacings", {"padding": 1, "reference_grid": 7}),
            ("network", "implicit", {"padding": 1, "reference_grid": 6}),
        )
    ),
]


@on_every_device
@pytest.mark.parametrize(("name", "options"), INDUCTOR)
def test_layers_through_inductor(
    name: str, options: dict[str, Any], device: str, request: pytest.FixtureRequest
) -> None:
    if options.get("padding_mode") == "reflect" and device == "cpu" and torch.__version__ < "2.12":
        request.applymarker(pytest.mark.xfail(reason="torch 2.11 expects other strides of a real FFT than MKL's"))
    layer = FourierConv2d(2, 4, 3, parameterization=name, device=device, dtype=torch.float64, **options)
    x = torch.randn(3, 2, 7, 6, dtype=torch.float64, device=device)
    compiled = torch.compile(layer, fullgraph=True)
    assert_alike(outcome(compiled, x, layer.parameters()), outcome(layer, x, layer.parameters()))


FUNCTIONS: dict[str, tuple[Callable[..., Tensor], tuple[int, ...], dict[str, Any]]] = {
    "conv2d": (functional.conv2d, (4, 2, 3, 3), {"padding": 1, "stride": 2}),
    "conv_transpose2d": (functional.conv_transpose2d, (2, 4, 3, 3), {"stride": 2}),
    "spectral_conv": (functional.spectral_conv, (4, 2, 7, 4), {}),
}


@on_every_device
@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.full)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_one_graph(name: str, backend: str, device: str) -> None:
    function, shape, options = FUNCTIONS[name]
    dtype = torch.complex128 if name == "spectral_conv" else torch.float64
    x = torch.randn(3, 2, 7, 6, dtype=torch.float64, device=device)
    weight = torch.randn(shape, dtype=dtype, device=device, requires_grad=True)
    bias = torch.randn(4, dtype=torch.float64, device=device, requires_grad=True)

    def work(x: Tensor) -> Tensor:
        return function(x, weight, bias, **options)

    compiled = torch.compile(work, fullgraph=True, backend=backend)
    assert_alike(outcome(compiled, x, [weight, bias]), outcome(work, x, [weight, bias]))


@on_every_device
@pytest.mark.parametrize("mode", ["zeros", pytest.param("reflect", marks=pytest.mark.full)])
@pytest.mark.parametrize(
    "case", [pytest.param(LayerCase("spatial"), marks=pytest.mark.full), LayerCase("scaled", 1.5)], ids=str
)
def test_other_batches_and_sizes_are_other_graphs_at_most(case: LayerCase, mode: str, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, padding_mode=mode, bias=True, device=device)
    compiled, counter = counted(layer)
    for shape in ((2, 17, 16), (3, 17, 16), (5, 17, 16), (3, 12, 12), (5, 20, 9), (4, 12, 12)):
        x = torch.randn(shape[0], 2, *shape[1:], dtype=torch.float64, device=device)
        assert_alike([compiled(x)], [layer(x)])
    assert counter.frame_count <= 4  # another one when first the batch changes, then one per size
    assert max(map(symbols, counter.graphs)) == 1  # the batch; to trace a grid of unknown size takes half a minute


@on_every_device
@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("scaled", {"per_axis": True, "scale_per": "channel", "scale": (0.5, 1.0)}, id="scaled"),
        pytest.param("hermite", {"padding_mode": "circular"}, id="hermite", marks=pytest.mark.full),
        pytest.param("spatial", {"window": 1.0, "padding_mode": "reflect"}, id="window", marks=pytest.mark.full),
    ],
)
def test_a_growing_scale_makes_few_graphs(name: str, options: dict[str, Any], device: str) -> None:
    layer = FourierConv2d(
        2, 4, 3, padding=1, parameterization=name, dtype=torch.float64, device=device, tolerance=1e-15, **options
    )
    compiled, counter = counted(layer)
    x = torch.randn(1, 2, 17, 16, dtype=torch.float64, device=device)
    scale = layer.scale if layer.window is None else layer.window
    assert scale is not None
    for step in range(20):
        scale.data.mul_(1.5 if step % 5 == 4 else 1.1)  # the one is held at its bound, the other is not
        assert_alike(outcome(compiled, x, layer.parameters()), outcome(layer, x, layer.parameters()))
        layer.refresh()
    assert counter.frame_count <= 6


@on_every_device
@pytest.mark.parametrize("given", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("backward", ["off", "same_as_forward"])
def test_autocast_around_a_compiled_layer(backward: str, given: torch.dtype, device: str) -> None:
    """torch extends autocast to the backward pass of compiled functions, and so to the matrices of a learned scale."""
    rounded = torch.finfo(torch.bfloat16).eps * (2 if device == "cuda" else 1)  # some roundings, one after another
    tolerance = 1e-5 if backward == "off" else rounded
    layer = FourierConv2d(  # of many scales, as nearly all of a single one's derivative may cancel
        2, 4, 3, padding=1, parameterization="scaled", scale_per="channel", per_axis=True, device=device
    )
    x = torch.randn(2, 2, 9, 8, dtype=given, device=device)
    compiled, _ = counted(layer)
    along = torch.randn(2, 4, 9, 8, device=device, dtype=torch.bfloat16)
    outputs, gradients = [], []
    for work in (compiled, layer):
        with torch.autocast(device, dtype=torch.bfloat16), config.patch(backward_pass_autocast=backward):
            outputs.append(work(x))
        gradients.append(torch.autograd.grad(outputs[-1], list(layer.parameters()), along))
    assert outputs[0].dtype == torch.bfloat16
    assert_alike(outputs[:1], outputs[1:], 2**-8)
    assert_alike(gradients[0], gradients[1], tolerance)


@on_every_device
def test_a_compiled_network_trains_as_an_eager_one(device: str) -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        layers = [FourierConv2d(2, 4, 3, parameterization="scaled"), nn.ReLU(), FourierConv2d(4, 1, 3)]
        networks.append(nn.Sequential(*layers).to(device, torch.float64))
    compiled, _ = counted(networks[0])
    x = torch.randn(4, 2, 9, 8, dtype=torch.float64, device=device)
    for work, network in ((compiled, networks[0]), (networks[1], networks[1])):
        optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            work(x).square().mean().backward()
            optimizer.step()
    assert_alike(list(networks[0].parameters()), list(networks[1].parameters()), 1e-9)


@on_every_device
@of_every_kind
def test_every_layer_is_exported_for_any_batch_and_trains(case: LayerCase, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, groups=2, device=device)
    module = exported(layer).module()
    check_exported(module, layer)
    optimizers = [torch.optim.SGD(own.parameters(), lr=0.01) for own in (module, layer)]
    x = torch.randn(3, 2, 7, 6, dtype=torch.float64, device=device)
    for own, optimizer in zip((module, layer), optimizers, strict=True):
        for _ in range(2):
            optimizer.zero_grad()
            own(x).square().mean().backward()
            optimizer.step()
    check_exported(module, layer)


@on_every_device
@pytest.mark.parametrize("case", [LayerCase("scaled", 1.5), LayerCase("implicit", grid=6)], ids=str)
def test_an_exported_layer_survives_a_file(case: LayerCase, device: str, tmp_path: Path) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, device=device)
    torch.export.save(exported(layer), tmp_path / "layer.pt2")
    check_exported(torch.export.load(tmp_path / "layer.pt2").module(), layer)


def exported(layer: FourierConv2d) -> torch.export.ExportedProgram:
    x = torch.randn(2, 2, 7, 6, dtype=torch.float64, device=layer.coefficients.device)
    return torch.export.export(layer, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))


def check_exported(module: nn.Module, layer: FourierConv2d) -> None:
    """Another batch, and gradients of the parameters, which keep their names."""
    x = torch.randn(5, 2, 7, 6, dtype=torch.float64, device=layer.coefficients.device)
    named = dict(module.named_parameters())
    ordered = [named.pop(name) for name, _ in layer.named_parameters()]
    assert named == {}
    assert_alike(outcome(module, x, ordered), outcome(layer, x, layer.parameters()), 1e-10)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, in forward mode
@pytest.mark.filterwarnings("ignore:Dynamo does not know how to trace the builtin")  # where it leaves a part to Python
@on_every_device
@pytest.mark.parametrize("engine_name", ["whole", "direct"])
def test_forward_mode_in_compiled_code_is_right_or_refused(engine_name: str, device: str) -> None:
    x, w = torch.randn(1, 2, 12, 12, device=device), torch.randn(3, 2, 5, 5, device=device)

    def derivative(x: Tensor) -> Any:
        with engine(engine_name):
            return jvp(lambda x: conv2d(x, w), (x,), (x,))[1]

    broken_up = torch.compile(derivative, backend="eager")
    torch.testing.assert_close(broken_up(x), torch.nn.functional.conv2d(x, w), rtol=1e-4, atol=1e-4)
    if engine_name == "whole":
        torch._dynamo.reset()
        with pytest.raises(torch._dynamo.exc.Unsupported, match="no forward-mode derivatives"):
            torch.compile(derivative, backend="eager", fullgraph=True)(x)


def test_the_search_for_a_plan_is_not_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may compare a thousand of them."""
    expected_time = choice.expected_time

    def watched(case: Case, plan: Plan) -> float:
        torch._dynamo.graph_break()  # does nothing but where it is traced
        seen.append(plan)
        return expected_time(case, plan)

    seen: list[Plan] = []
    monkeypatch.setattr(choice, "expected_time", watched)
    layer, x = FourierConv2d(1, 1, 3, padding=1), torch.randn(1, 1, 301, 302)
    compiled, _ = counted(layer)
    assert_alike([compiled(x)], [layer(x)])
    assert seen
