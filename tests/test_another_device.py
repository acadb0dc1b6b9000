"""All of it works on a device that is not the CPU, as far as that can be seen without one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fourierconv import sums


def test_tensors_stay_where_they_are(tmp_path: Path) -> None:
    """In a process of its own, as torch never forgets the device."""
    tests = Path(__file__).with_name("on_another_device.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
    run = subprocess.run(
        [*command, str(tests)],
        cwd=tests.parents[1],
        env=os.environ | {"FOURIERCONV_BUILD": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sums_term_by_term_are_cumsums(axis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "_refused", lambda values: True)
    values = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(sums.running_sum(values, axis), values.cumsum(axis))
    assert sums.running_sum(values[:0], 0).shape == (0, 4, 5)
    assert torch.autograd.gradcheck(lambda own: sums.running_sum(own, axis), values)
