import pytest

from fourierconv.study.bench import memory
from fourierconv.study.store import StudyError

SMALL = "32to32-32px-k3"


def test_a_step_takes_more_memory_than_holding_its_tensors() -> None:
    rows = memory.peaks([SMALL], ["torch", "recompute"])
    assert [row["way"] for row in rows] == ["torch", "recompute"]
    for row in rows:
        assert float(row["step"]) > 1, row
        assert float(row["ms"]) > 0, row


def test_a_process_that_fails_is_reported_with_what_it_said() -> None:
    with pytest.raises(StudyError, match="no such cell"):
        memory.peaks(["no such cell"], ["torch"])
