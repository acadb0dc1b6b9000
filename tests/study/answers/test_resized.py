"""A classic network that was converted computes what it did, and keeps more of its accuracy once it is resized."""

from pathlib import Path

import pytest

from fourierconv.study.answers import evidence, resized
from tests.study import protocol_runs
from tests.study.protocol_runs import wanted


def test_the_committed_classic_network_keeps_more_when_it_is_resized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOURIERCONV_BUILD", str(tmp_path))
    monkeypatch.setattr(resized, "TEST_SIZES", (32, 96))
    found = evidence.load("resolution")
    table = resized.classic(found).set_index("network")
    assert table.columns.tolist() == ["96 px"]
    kept = found.rows[found.rows["config"].map(lambda own: own.keep) & (found.rows["method"] == "conv2d_5")]
    as_it_is = float(kept.loc[kept["data"] == "letters", "accuracy_pixels_96"].iloc[0])
    assert table.loc["conv2d 5×5, kernels as they are", "96 px"] == pytest.approx(as_it_is, abs=0.2)
    best = table.loc["scaled, per layer, kernels resized", "96 px"]
    halfway = (as_it_is + best) / 2
    assert halfway < table.loc["conv2d 5×5, kernels resized", "96 px"] < best  # "most ... goes with the resizing"


def test_without_weights_there_is_no_row(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "full", wanted("resolution", data="letters", method="conv2d_5"))
    assert resized.classic(evidence.load("resolution", folder=tmp_path)).empty
