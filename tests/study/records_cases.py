"""Executed notebooks and their damages, and what the page on them has to say."""

import json
from pathlib import Path
from typing import Any

DAMAGES = {
    "no notebook": (None, "is missing; make it: python -m fourierconv.study.execute notebooks/01_waves.ipynb"),
    "half a file": ('{"cells": [', "is not whole JSON; make it again"),
    "a source": (json.dumps({"cells": [], "metadata": {}}), "was not executed to its end; execute it"),
}


def executed(path: Path, status: str = "completed") -> dict[str, Any]:
    """Write a notebook of two cells with code, as papermill leaves it; returns its content."""
    papermill = {
        "duration": 12.4,
        "end_time": "2026-11-26T09:28:57.894742+00:00",
        "parameters": {"profile": "quick"},
        "version": "2.7.0",
    }
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": "# Waves"}]
    cells += [{"cell_type": "code", "metadata": {"papermill": {"status": each}}} for each in ("completed", status)]
    content = {"cells": cells, "metadata": {"papermill": papermill}, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return content
