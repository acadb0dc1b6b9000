"""Triton's kernels: what they compute, by the interpreter, and what the compiler makes of them, without a GPU."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from fourierconv import engine, functional
from fourierconv.engines import launch
from fourierconv.engines.choice import Case, candidates, choose
from fourierconv.engines.launch import DOT, OUTER, Dot, Outer, blocks
from fourierconv.grid import linear_axis

needs_triton = pytest.mark.skipif(not launch.INSTALLED, reason="triton is not installed")
not_interpreted = pytest.mark.skipif(launch.INTERPRETED, reason="the interpreter compiles nothing")

SHARED = {80: 163 * 1024, 90: 227 * 1024}  # bytes that a block may have, by compute capability
SPILLED = 64  # bytes of a thread: an address or two around the loop, but no sums
EQUATIONS = {
    1: {"CONJ_A": False, "CONJ_B": True, "WEIGHTED": False},
    2: {"CONJ_A": False, "CONJ_B": False, "WEIGHTED": False},
    3: {"CONJ_A": True, "CONJ_B": False, "WEIGHTED": True},
}
KERNELS: dict[str, tuple[Outer | Dot, dict[str, Any]]] = {
    **{f"outer, {name}": (own, own.constants()) for name, own in OUTER.items()},
    **{
        f"dot, {name}, {precise}, {'straight' if straight else 'crossing'}": (
            own,
            own.constants() | {"PRECISION": precise, "STRAIGHT": straight},
        )
        for name, own in DOT.items()
        for precise in ("tf32", "bf16")
        for straight in (True, False)
    },
}


@needs_triton
def test_the_interpreter_finds_nothing_wrong() -> None:
    """In a process of its own, as it takes the place of the compiler for good."""
    tests = Path(__file__).with_name("triton_interpreted.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
    run = subprocess.run(
        [*command, str(tests)],
        cwd=tests.parents[2],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]


# --- compiled ahead of time ---


@pytest.fixture(scope="module")
def _own_cache() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_CACHE_DIR", folder)
        yield


@needs_triton
@not_interpreted
@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("capability", SHARED)
@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_compiles_and_fits_the_device(name: str, equation: int, capability: int, tmp_path: Path) -> None:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from fourierconv.engines import triton_kernels

    own, constants = KERNELS[name]
    kernel = launch.kernel(own)
    constants = constants | EQUATIONS[equation]
    types = dict.fromkeys(kernel.arg_names, "i32") | dict.fromkeys(constants, "constexpr")
    types |= dict.fromkeys("abc", "*fp32") | {"scale": "fp32"} | dict.fromkeys(triton_kernels.STRIDES, "i64")
    aligned: Any = {(number,): [["tt.divisibility", 16]] for number in range(3)}
    compiled = triton.compile(
        ASTSource(kernel, types, constants, aligned),
        target=GPUTarget("cuda", capability, 32),
        options={"num_warps": own.warps},
    )
    assert compiled.metadata.shared <= SHARED[capability]
    written = tmp_path / "kernel.ptx"
    written.write_text(compiled.asm["ptx"])
    assembler = triton.knobs.nvidia.ptxas.path
    architecture = {80: "sm_80", 90: "sm_90a"}[capability]
    said = subprocess.run(
        [assembler, "-v", f"-arch={architecture}", written, "-o", tmp_path / "kernel.cubin"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    spilled = re.search(r"(\d+) bytes spill stores", said)
    assert spilled is not None, said
    assert int(spilled[1]) <= SPILLED
    if isinstance(own, Outer):  # factors come in the background and are read as they lie: nothing is exchanged
        assert "cp.async" in compiled.asm["ptx"]
        assert "convert_layout" not in compiled.asm["ttgir"]
    else:
        assert "mma.sync" in compiled.asm["ptx"]


@needs_triton
@not_interpreted
@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("capability", SHARED)
@pytest.mark.parametrize("name", ["cut", "assemble"])
def test_passes_between_images_and_tiles_compile(name: str, capability: int) -> None:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from fourierconv.engines import triton_kernels

    kernel = getattr(triton_kernels, name)
    for columns, meeting in ((16, (0, 0, 0)), (128, (0, 1, 2)), (32, (1, 2, 3))):
        constants = {"VOLUMES": meeting[0] > 0, "BL": launch.ENTRIES // columns, "BX": columns}
        constants |= dict(zip(("R0", "R1", "R2"), meeting, strict=True)) if name == "assemble" else {"UNIT": 2}
        types = dict.fromkeys(kernel.arg_names, "i32") | dict.fromkeys(constants, "constexpr")
        types |= {"images": "*fp32", "tiles": "*fp32"} | ({"scale": "fp32"} if name == "assemble" else {})
        compiled = triton.compile(ASTSource(kernel, types, constants), target=GPUTarget("cuda", capability, 32))
        assert compiled.metadata.shared <= SHARED[capability]


@needs_triton
@not_interpreted
@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("capability", SHARED)
@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize(
    ("name", "chosen"),
    [("expand", launch.EXPAND), *(("gather", own) for own in launch.GATHER.values())],
)
def test_kernels_that_generate_spectra_compile(name: str, chosen: launch.Along, adds: bool, capability: int) -> None:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from fourierconv.engines import triton_kernels

    kernel = getattr(triton_kernels, name)
    constants = {own: value for own, value in chosen.constants(adds).items() if own in kernel.arg_names}
    types = dict.fromkeys(kernel.arg_names, "i32") | dict.fromkeys(constants, "constexpr") | {"ms": "i64"}
    types |= dict.fromkeys(("matrix", "halfway", "spectra"), "*fp32")
    target = GPUTarget("cuda", capability, 32)
    compiled = triton.compile(ASTSource(kernel, types, constants), target=target, options={"num_warps": chosen.warps})
    assert compiled.metadata.shared <= SHARED[capability]
    assert "cp.async" in compiled.asm["ptx"]
    assert "convert_layout" not in compiled.asm["ttgir"]


# --- the engine ---


def case(kernel: int, kind: str = "cuda", refusal: str | None = None) -> Case:
    axes = (linear_axis(128, 0, kernel - 1, 128, start=-(kernel // 2)),) * 2
    return Case(32, 1, 64, 64, (128, 128), axes, axes, (kernel,) * 2, 4, kind, refusal=refusal, tf32=True)


def test_it_multiplies_on_whole_grids_and_on_tiles() -> None:
    own = case(11)
    plans = candidates(own, "triton")
    assert {plan.engine for plan in plans} == {"triton"}
    assert {plan.tiles.rows == 1 for plan in plans if plan.tiles is not None} == {True, False}
    assert {plan.engine for plan in candidates(own, "auto")} == {"whole", "tiled", "direct", "triton"}


@pytest.mark.parametrize(("kernel", "name"), [(1, "direct"), (3, "direct"), (21, "triton"), (63, "triton")])
def test_auto_takes_it_for_large_kernels(kernel: int, name: str) -> None:
    assert choose(case(kernel), "auto").engine == name


def test_images_of_more_pixels_than_its_kernels_count_are_for_other_engines() -> None:
    axes = (linear_axis(2**20, 0, 6, 2**20), linear_axis(2**11, 0, 6, 2**11))
    large = Case(1, 1, 1, 1, (2**20, 2**11), axes, axes, (7, 7), 4, "cuda", refusal=None)
    assert {plan.engine for plan in candidates(large, "triton")} == {"whole"}


def test_where_it_cannot_serve_others_do() -> None:
    assert choose(case(21, refusal="triton is not installed"), "auto").engine in ("whole", "tiled")


@needs_triton
@not_interpreted
def test_images_on_a_cpu_are_refused_with_the_reason() -> None:
    with engine("triton"), pytest.raises(ValueError, match="CUDA devices, and this is on cpu; 'whole' and 'auto' can"):
        functional.conv2d(torch.ones(1, 2, 8, 8), torch.ones(2, 2, 3, 3))


def test_without_triton_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "INSTALLED", False)
    with engine("triton"), pytest.raises(ValueError, match=r"engine='triton' cannot .*: triton is not inst"):
        functional.conv2d(torch.ones(1, 2, 8, 8), torch.ones(2, 2, 3, 3))


def test_the_package_imports_its_kernels_where_they_run() -> None:
    code = "import sys, fourierconv; print('fourierconv.engines.triton_kernels' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


@pytest.mark.parametrize(
    ("rows", "columns", "terms", "precise", "name"),
    [
        (32, 64, 64, "ieee", "dense"),
        (512, 8, 8, "ieee", "small"),
        (512, 3, 64, "tf32", "few columns"),
        (1, 64, 64, "bf16", "few rows"),
        (512, 32, 16, "ieee", "dense"),
        (8, 32, 16, "ieee", "few"),
        (1, 1, 512, "tf32", "sum"),
    ],
)
def test_blocks_follow_the_sizes(rows: int, columns: int, terms: int, precise: str, name: str) -> None:
    assert blocks(rows, columns, terms, precise) == OUTER[name]


@pytest.mark.parametrize(("asked", "found"), [("highest", "ieee"), ("high", "tf32"), ("medium", "bf16")])
def test_precision_is_torchs(asked: str, found: str) -> None:
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(asked)
        assert launch.precision() == found
    finally:
        torch.set_float32_matmul_precision(before)


def test_precision_is_also_that_of_the_newer_setting() -> None:
    try:
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        assert launch.precision() == "tf32"
    finally:
        torch.backends.cuda.matmul.fp32_precision = "none"
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("precise", ["tf32", "bf16"])
def test_tensor_cores_serve_only_where_torch_may_use_them(precise: str) -> None:
    assert isinstance(blocks(32, 64, 64, precise), Dot)
    assert isinstance(blocks(32, 64, 64, "ieee"), Outer)
