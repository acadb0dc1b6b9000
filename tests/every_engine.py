"""Every engine in turn: what one cannot compute is left to the whole grid."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from fourierconv.engines import dispatch
from fourierconv.engines.choice import Case, Plan, candidates, choose
from fourierconv.engines.launch import INSTALLED, INTERPRETED

SERVING = ["whole", "tiled", "by_fft", "direct"]  # by_fft: with spectra that are transforms of taps
if INSTALLED and (INTERPRETED or torch.cuda.is_available()):
    SERVING.append("triton")  # what is not float32 on the device is left to the whole grid
MARKED = {"whole": 0, "tiled": 0, "by_fft": 1, "direct": 1, "triton": 0}  # marks that leave it to the thorough tests
# where results, derivatives and refusals are compared with torch's
MODULES = (
    "test_derivatives",
    "test_edges",
    "test_functional",
    "test_layers",
    "test_op_database",
    "test_random_calls",
    "test_training_equivalence",
    "test_zero_padding",
)


def parameters() -> list[Any]:
    """All of them in the thorough tests; in the others those that do the work themselves."""
    return [pytest.param(name, marks=pytest.mark.full if MARKED[name] else ()) for name in SERVING]


@contextmanager
def preferred(name: str) -> Iterator[list[Plan]]:
    """Within it an engine serves where it can; yields the plans that were chosen."""
    plans: list[Plan] = []

    def prefer(case: Case, own: str) -> Plan:
        if own != "auto":
            plan = choose(case, own)
        elif name == "by_fft":
            able = [plan for plan in candidates(case, "auto") if plan.by_fft]
            plan = able[(case.batch + sum(case.points)) % len(able)] if able else choose(case, "whole")
        else:
            able = [plan for plan in candidates(case, "auto") if plan.engine == name and not plan.by_fft]
            plan = min(able, key=lambda plan: plan.tiles.rows == 1 if plan.tiles else 0, default=choose(case, "whole"))
        plans.append(plan)
        return plan

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatch, "choose", prefer)
        yield plans
