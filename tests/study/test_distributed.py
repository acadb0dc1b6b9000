"""One training in two processes: the weights of one process on the whole batch, and torchrun from config to result."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn

from fourierconv.study import distributed
from fourierconv.study.experiments import classification
from fourierconv.study.store import Outcome, Store, StudyError
from tests.study import shared_training

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="this torch has no torch.distributed")

CONFIG = {
    "data": "letters",
    "size": 32,
    "method": "scaled_channel",
    "seed": 0,
    "widths": [4, 4, 4],
    "epochs": 2,
    "classes": 2,
    "train": 32,
    "test": 8,
    "processes": 2,
    "keep": True,
}


def test_two_processes_train_as_one_does_on_the_whole_batch(tmp_path: Path) -> None:
    spawn(shared_training.work, (tmp_path,), nprocs=shared_training.PROCESSES)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    alone = shared_training.network()
    history = shared_training.train(alone)
    assert first["history"] == second["history"]
    for name, value in alone.state_dict().items():
        assert torch.equal(first["state"][name], second["state"][name]), name
        torch.testing.assert_close(first["state"][name], value, rtol=1e-4, atol=1e-5)
    start = shared_training.network().state_dict()
    assert not torch.allclose(start["0.scale"], alone.state_dict()["0.scale"], atol=1e-3), "scales were trained"
    for ours, theirs in zip(first["history"], history, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
        assert ours["train_accuracy"] == theirs["train_accuracy"]
        assert ours["bounded"] == theirs["bounded"]


def torchrun(folder: Path, config: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *launch, "-m", "fourierconv.study.distributed", json.dumps(config)]
    environment = os.environ | {"FOURIERCONV_BUILD": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_torchrun_trains_a_config_once_and_the_first_process_saves_it(tmp_path: Path) -> None:
    done = torchrun(tmp_path, CONFIG)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch 2/2") == 1
    experiment: Any = classification
    store, config = Store(tmp_path / "runs"), distributed.parse(json.dumps(CONFIG))
    result = store.find(experiment, config)
    assert result is not None
    assert len(list((tmp_path / "runs").rglob("*.json"))) == 1
    assert 0 <= result.metrics["accuracy"] <= 100
    assert result.provenance["step_s"] > 0
    assert store.weights(experiment, config)["0.scale"].shape == (4, 1)


@pytest.mark.full
def test_a_config_that_has_a_result_is_not_trained_again(tmp_path: Path) -> None:
    experiment: Any = classification
    store, config = Store(tmp_path / "runs"), distributed.parse(json.dumps(CONFIG))
    store.save(experiment, config, Outcome({"accuracy": 1.0}, []), {})
    done = torchrun(tmp_path, CONFIG)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    result = store.find(experiment, config)
    assert result is not None
    assert result.metrics == {"accuracy": 1.0}


def test_another_number_of_processes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="processes=2, but torchrun started 1"):
        distributed.main(json.dumps(CONFIG), Store(tmp_path))


def test_without_torchrun_it_says_how_to_start_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(StudyError, match=r"torchrun -m fourierconv\.study\.distributed CONFIG"):
        distributed.main(json.dumps(CONFIG | {"processes": 1}), Store(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no config"),
        ("[1]", "is no config"),
        ('{"data": "letters"}', "missing"),
        (json.dumps(CONFIG | {"colour": 1}), "unexpected keyword argument 'colour'"),
        (json.dumps(CONFIG | {"method": "fno"}), "method 'fno' is unknown"),
    ],
)
def test_what_is_no_config_is_refused(text: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        distributed.parse(text)
