"""The layer package needs torch and nothing else, and never the study that is built on it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fourierconv

ROOT = Path(fourierconv.__file__).parent
SOURCES = sorted(path for path in ROOT.rglob("*.py") if "study" not in path.relative_to(ROOT).parts)

ABSENT = {"numpy", "matplotlib", "pandas", "scipy", "PIL", "papermill", "nbformat", "yaml", "fontTools", "safetensors"}

# As on a machine where only torch is installed: the other packages are not found.
ALONE = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, *rest):
        absent = name.split(".")[0] in {absent!r} or name.startswith("fourierconv.study")
        return None if absent else self.finder.find_spec(name, *rest)

sys.meta_path[:] = map(Without, sys.meta_path)
import torch
import fourierconv
for name in fourierconv.parameterizations.NAMES:
    layer = fourierconv.FourierConv2d(1, 2, 3, parameterization=name)
    layer(torch.ones(1, 1, 8, 8)).sum().backward()
    layer.extent(), layer.spectrum(8), layer.kernel()
print(sorted(set(sys.modules) & {absent!r}))
"""


def imported(path: Path) -> Iterator[str]:
    """Modules that a file names in its import statements."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the package's name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_layers_import_torch_and_the_standard_library_only(path: Path) -> None:
    allowed = {"torch", "fourierconv"} | sys.stdlib_module_names
    if path.name == "triton_kernels.py":  # which is imported where its kernels run, and nowhere else
        allowed |= {"triton"}
    for name in imported(path):
        assert name.split(".")[0] in allowed
        assert not name.startswith("fourierconv.study")


def test_layers_work_where_nothing_else_is_installed() -> None:
    own_remark = "ignore:Failed to initialize NumPy"  # torch's, without numpy
    command = [sys.executable, "-W", own_remark, "-c", ALONE.format(absent=ABSENT)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.stdout.strip() == "[]"


def test_public_names_are_importable_and_documented() -> None:
    assert {"FourierConv2d", "functional", "parameterizations", "extent"} <= set(fourierconv.__all__)
    for name in fourierconv.__all__:
        assert getattr(fourierconv, name).__doc__
