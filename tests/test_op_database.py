"""The samples of PyTorch's own database of operators: computed, and refused, as torch does."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from fourierconv import functional
from tests.agreement import Operands, check_float32, check_float64, check_half
from tests.cases import FUNCTIONS
from tests.measures import refusal

ROOT = Path(__file__).parents[1]

# torch's own remark on even kernels, to which the comparison is not sensitive
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("database") / "convolutions.pt"
    subprocess.run([sys.executable, "-m", "tests.op_database", str(path)], cwd=ROOT, check=True)
    loaded: dict[str, Any] = torch.load(path)
    return loaded


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_samples_are_torchs(database: dict[str, Any], function: str, dtype: torch.dtype) -> None:
    samples = database[function]["samples"][dtype]
    assert len(samples) >= 20
    for (x, weight, bias), keywords in samples:
        ours, theirs = (partial(getattr(module, function), **keywords) for module in (functional, F))
        assert ours(x, weight, bias).requires_grad == x.requires_grad
        operands: Operands = (
            x.detach().double(),
            weight.detach().double(),
            None if bias is None else bias.detach().double(),
        )
        if dtype == torch.float64:
            check_float64(ours, theirs, operands)
        elif dtype == torch.float32:
            check_float32(ours, theirs, operands)
        else:
            check_half(ours, operands, dtype)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128, torch.int64], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_complex_and_integer_samples_are_refused_by_name(
    database: dict[str, Any], function: str, dtype: torch.dtype
) -> None:
    samples = database[function]["samples"][dtype]
    assert len(samples) >= 10
    for operands, keywords in samples:
        with pytest.raises(RuntimeError, match=f"input is (complex|integer), {dtype}, and must be real"):
            getattr(functional, function)(*operands, **keywords)


@pytest.mark.parametrize("function", ["conv1d", "conv2d", "conv3d"])  # of the transposed ones the database has none
def test_what_torch_refuses_is_refused(database: dict[str, Any], function: str) -> None:
    assert len(database[function]["refused"]) >= 9
    for operands, keywords in database[function]["refused"]:
        ours, theirs = (refusal(partial(getattr(m, function), *operands, **keywords)) for m in (functional, F))
        assert type(ours) is type(theirs)


def test_the_database_has_no_other_sample(database: dict[str, Any]) -> None:
    dtypes = {torch.float64, torch.float32, torch.bfloat16, torch.float16}
    dtypes |= {torch.complex64, torch.complex128, torch.int64}
    for function in FUNCTIONS:
        assert set(database[function]["samples"]) == dtypes
        assert bool(database[function]["refused"]) == (not function.startswith("conv_transpose"))
