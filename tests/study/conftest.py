"""What the tests of the study share."""

from pathlib import Path

import pytest

from fourierconv.study.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")
