"""`pip install .` into an environment that holds torch alone gives layers that train there."""

import shutil
import subprocess
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TRAIN = """
import torch
from fourierconv import FourierConv1d, FourierConv2d, FourierConv3d, parameterizations

for name in parameterizations.NAMES:
    for dims, layer_class in enumerate((FourierConv1d, FourierConv2d, FourierConv3d), start=1):
        layer = layer_class(2, 3, 3, padding=1, parameterization=name)
        x = torch.randn(1, 2, *[6] * dims, requires_grad=True)
        y = layer(x)
        y.square().sum().backward()
        assert y.shape == (1, 3, *x.shape[2:]), name
        for value in (x, *layer.parameters()):
            assert value.grad.isfinite().all(), name
"""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.full
def test_layers_train_where_pip_found_torch_alone(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    shutil.copytree(ROOT / "fourierconv", sources / "fourierconv", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = (python, "-m", "pip", "install", "--quiet")
    (torch,) = (pin for pin in (ROOT / "requirements.lock").read_text().splitlines() if pin.startswith("torch=="))
    run(*install, torch)
    run(*install, sources)
    listed = run(python, "-m", "pip", "list", "--format=freeze")
    installed = {line.partition("==")[0].lower() for line in listed.stdout.splitlines()}
    assert {"torch", "fourierconv"} <= installed
    assert not {"numpy", "matplotlib", "pandas", "pillow", "scipy"} & installed
    own_remark = "ignore:Failed to initialize NumPy"  # torch's, without numpy
    assert run(python, "-I", "-W", own_remark, "-c", TRAIN).stderr == ""
