"""What all tests share: the same random numbers in every run, one thread, and no time limits."""

import os
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch
from hypothesis import settings

from fourierconv.engines.launch import INTERPRETED
from tests import every_engine

collect_ignore = ["on_another_device.py"]  # test_another_device.py runs it
if not INTERPRETED:
    collect_ignore.append("engines/triton_interpreted.py")  # test_triton.py does

# Tensors in tests are small: threads that wait for each other take far longer than the work on a machine that is busy.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it

settings.register_profile("reproducible", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("reproducible")


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    torch.manual_seed(0)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of results run under every engine."""
    if metafunc.module.__name__.rpartition(".")[2] in every_engine.MODULES:
        metafunc.parametrize("_engine", every_engine.parameters(), indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Cases for the thorough tests alone run under one engine, the others under all of them."""
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        case = getattr(item, "callspec", None)
        name = case.params.get("_engine", "whole") if case else "whole"
        thorough = len(list(item.iter_markers("full"))) > every_engine.MARKED[name]
        (left if thorough and name != "whole" else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


@pytest.fixture(autouse=True)
def _engine(request: pytest.FixtureRequest) -> Iterator[None]:
    name = getattr(request, "param", None)
    with nullcontext() if name is None else every_engine.preferred(name):
        yield
