"""What all tests share: the same random numbers in every run, one thread, and no time limits."""

import pytest
import torch
from hypothesis import settings

# Tensors in tests are small: threads that wait for each other take far longer than the work on a machine that is busy.
torch.set_num_threads(1)

settings.register_profile("reproducible", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("reproducible")


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    torch.manual_seed(0)
