"""What the tutorial tells its readers to write runs as it stands, and the exported network is an ONNX file."""

import json
import re
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from torch import nn

from fourierconv import convert, to_conv

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "08_in_and_out_of_your_network.ipynb"
CELLS = json.loads(NOTEBOOK.read_text())["cells"]
PROSE = "\n".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "markdown")
TRAINING, TO_ONNX = re.findall(r"```python\n(.*?)```", PROSE, flags=re.DOTALL)


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    return convert(nn.Sequential(*layers), "scaled", scale_per="channel")


def test_the_training_loop_learns_coefficients_and_scales() -> None:
    model = network()
    before = {name: values.clone() for name, values in model.state_dict().items()}
    names: dict[str, Any] = {"torch": torch, "converted": model}
    names["loader"] = [(torch.randn(4, 1, 16, 16), torch.tensor([0, 1, 0, 1]))] * 2
    exec(TRAINING, names)
    assert not [name for name, values in model.state_dict().items() if torch.equal(values, before[name])]
    trained = [id(parameter) for group in names["optimizer"].param_groups for parameter in group["params"]]
    assert sorted(trained) == sorted(map(id, model.parameters()))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # torch's own
def test_the_exported_network_is_an_onnx_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exported, _ = to_conv(network().eval(), 0.01)
    exec(TO_ONNX, {"torch": torch, "exported": exported})
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    image = torch.randn(1, 1, 64, 64)
    (found,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), exported(image), rtol=1e-4, atol=1e-5)
