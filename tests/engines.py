"""Every engine in turn: what one cannot compute is left to the whole grid."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fourierconv.engines import dispatch
from fourierconv.engines.choice import Case, Plan, choose

SERVING = ("whole", "tiled", "direct")
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


@contextmanager
def preferred(name: str) -> Iterator[list[Plan]]:
    """Within it an engine serves where it can; yields the plans that were chosen."""
    plans: list[Plan] = []

    def prefer(case: Case, own: str) -> Plan:
        try:
            plans.append(choose(case, name if own == "auto" else own))
        except ValueError:
            if own != "auto":
                raise
            plans.append(choose(case, "whole"))
        return plans[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatch, "choose", prefer)
        yield plans
