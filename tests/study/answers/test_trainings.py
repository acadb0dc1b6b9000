"""A contender's name on a page stands for one thing."""

import pytest

from fourierconv.study import protocol
from fourierconv.study.answers.trainings import described
from fourierconv.study.experiments.classification import IDENTITY

CELL = ["data", "size", "method", "contender", "epochs", "validation"]


@pytest.mark.parametrize(("profile", "varied"), [("full", {"seed"}), ("pilot", {"seed"}), ("tuning", {"seed", "lr"})])
def test_trainings_of_one_name_differ_by_their_seed_alone(profile: str, varied: set[str]) -> None:
    rows = described(protocol.configs(profile))
    others = [name for name in IDENTITY if name not in {*CELL, *varied}]
    kinds = rows.groupby(CELL)[others].nunique(dropna=False)
    assert kinds[(kinds > 1).any(axis=1)].empty
