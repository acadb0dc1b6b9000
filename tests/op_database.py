"""Writes down what PyTorch's own database of operators holds on convolutions: sample calls, and calls to refuse.

`python -m tests.op_database FILE` is for a process of its own, since to import the database changes the settings of
hypothesis, the environment, and the flags of PyTorch's backends.
"""

import sys
from typing import TYPE_CHECKING, Any

import torch

from tests.cases import FUNCTIONS

if TYPE_CHECKING:
    from torch.testing._internal.opinfo.core import OpInfo, SampleInput

Arguments = tuple[tuple[Any, ...], dict[str, Any]]  # by position and by name


def arguments(sample: "SampleInput") -> Arguments:
    return (sample.input, *sample.args), sample.kwargs


def samples(info: "OpInfo", dtype: torch.dtype) -> list[Arguments]:
    """All sample calls; where the dtype has gradients, once without and once with them."""
    flags = (False, True) if dtype in info.supported_backward_dtypes("cpu") else (False,)
    return [arguments(sample) for flag in flags for sample in info.sample_inputs("cpu", dtype, requires_grad=flag)]


def refused(info: "OpInfo") -> list[Arguments]:
    """The calls that must raise, where the database lists any."""
    listed = [] if info.error_inputs_func is None else info.error_inputs("cpu")
    return [arguments(error.sample_input) for error in listed]


def main(path: str) -> None:
    from torch.testing._internal.common_methods_invocations import op_db

    found = {info.name.removeprefix("nn.functional."): info for info in op_db}
    database = {
        function: {
            "samples": {dtype: samples(found[function], dtype) for dtype in found[function].supported_dtypes("cpu")},
            "refused": refused(found[function]),
        }
        for function in FUNCTIONS
    }
    torch.save(database, path)


if __name__ == "__main__":
    main(sys.argv[1])
