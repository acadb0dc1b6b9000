"""The run store: keys, whole files or none, and damage that is named instead of used."""

import errno
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fourierconv.study import provenance
from fourierconv.study.store import (
    Outcome,
    Store,
    StudyError,
    build_folder,
    repository_root,
    run_key,
    write_atomically,
)
from tests.study import toy

CONFIG = toy.Config()
OUTCOME = Outcome({"accuracy": 0.1 + 0.2, "extents": [3.0, 5.5]}, [{"epoch": 1, "loss": 0.7}], {"taps": torch.eye(5)})
SOURCE = provenance.gather() | provenance.finished(1.5)

# What can happen to a file after it was written.
DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "zeroed": lambda content: bytes(len(content)),
    "changed number": lambda content: content.replace(b"5.5", b"6.5"),
    "no longer an object": lambda content: b"[1]",
    "without its digest": lambda content: b'{"metrics": {}}',
    "not text": lambda content: b"\xff\xfe" + content,
}
NOT_FINITE = {
    "metrics.accuracy is nan": Outcome({"accuracy": float("nan")}, []),
    "metrics.extents.1 is inf": Outcome({"extents": [3.0, float("inf")]}, []),
    "history.0.loss is nan": Outcome({}, [{"loss": float("nan")}]),
}


def saved(store: Store, config: toy.Config = CONFIG) -> Path:
    store.save(toy, config, OUTCOME, SOURCE)
    return store.path(toy, config)


def test_a_saved_run_is_found_with_the_same_numbers(store: Store) -> None:
    assert store.find(toy, CONFIG) is None
    path = saved(store)
    found = store.find(toy, CONFIG)
    assert found is not None
    assert (found.config, found.metrics, found.history) == (CONFIG, OUTCOME.metrics, OUTCOME.history)
    assert found.provenance == SOURCE
    assert path == store.root / "toy" / f"{found.key}.json"
    torch.testing.assert_close(store.weights(toy, CONFIG), {"taps": torch.eye(5)}, rtol=0, atol=0)


def test_a_file_holds_what_a_reader_needs(store: Store) -> None:
    held = json.loads(saved(store).read_text())
    assert held["experiment"] == "toy"
    assert held["config"]["size"] == CONFIG.size
    assert held["numerics"] == toy.NUMERICS
    assert held["provenance"].keys() >= {"commit", "dirty", "code", "python", "torch", "numpy", "platform", "cpu"}
    assert held["provenance"].keys() >= {"threads", "device", "duration_s", "date", "command"}


def test_no_temporary_file_stays(store: Store) -> None:
    path = saved(store)
    assert sorted(path.parent.iterdir()) == [path, path.with_suffix(".safetensors")]


@given(st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()))
def test_a_key_does_not_depend_on_the_order_of_the_fields(config: dict[str, int | float | str]) -> None:
    backwards = dict(reversed(config.items()))
    assert run_key("toy", config, {"a": 1, "b": 2}) == run_key("toy", backwards, {"b": 2, "a": 1})


def test_a_key_depends_on_experiment_config_and_numerics_alone() -> None:
    keys = [
        run_key("toy", {"size": 32}, {"layers": 1}),
        run_key("image_size", {"size": 32}, {"layers": 1}),
        run_key("toy", {"size": 64}, {"layers": 1}),
        run_key("toy", {"size": 32}, {"layers": 2}),
    ]
    assert len(set(keys)) == 4
    assert keys[0] == run_key("toy", {"size": 32}, {"layers": 1})


def test_raised_numerics_make_a_run_missing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(store)
    monkeypatch.setattr(toy, "NUMERICS", {"toy": 2})
    assert store.find(toy, CONFIG) is None


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_result_is_named_with_the_command_that_removes_it(store: Store, damage: str) -> None:
    path = saved(store)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(StudyError, match=f"{path} is damaged .*: rm {path}$"):
        store.find(toy, CONFIG)


def test_the_result_of_another_run_is_damage(store: Store) -> None:
    other = replace(CONFIG, seed=7)
    store.path(toy, other).parent.mkdir(parents=True)
    store.path(toy, other).write_bytes(saved(store).read_bytes())
    with pytest.raises(StudyError, match="it holds the run"):
        store.find(toy, other)


@pytest.mark.parametrize("damage", ["cut", "zeroed", "empty"])
def test_damaged_weights_are_named(store: Store, damage: str) -> None:
    path = saved(store)
    weights = path.with_suffix(".safetensors")
    weights.write_bytes(DAMAGES[damage](weights.read_bytes()))
    with pytest.raises(StudyError, match=f"{weights} is damaged .*: rm {path}$"):
        store.weights(toy, CONFIG)


def test_absent_weights_are_named(store: Store) -> None:
    with pytest.raises(StudyError, match="was not run"):
        store.weights(toy, CONFIG)
    store.save(toy, CONFIG, Outcome({}, []), SOURCE)
    with pytest.raises(StudyError, match="holds no weights"):
        store.weights(toy, CONFIG)


@pytest.mark.parametrize("message", NOT_FINITE)
def test_a_number_that_is_not_finite_is_not_saved(store: Store, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        store.save(toy, CONFIG, NOT_FINITE[message], SOURCE)
    assert not store.root.exists()


def test_a_full_disk_leaves_the_old_file_and_names_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    write_atomically(path, b"old")

    def no_space(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(path, b"new")
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_only_abandoned_temporary_files_are_removed(store: Store) -> None:
    folder = saved(store).parent
    abandoned, alive = folder / ".a.json.1-00.tmp", folder / ".b.json.2-00.tmp"
    for path in (abandoned, alive):
        path.write_text("half")
    yesterday = time.time() - 86400
    os.utime(abandoned, (yesterday, yesterday))
    store.remove_abandoned(toy)
    assert not abandoned.exists()
    assert alive.exists()
    assert store.find(toy, CONFIG) is not None


def test_the_build_folder_is_that_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.delenv("FOURIERCONV_BUILD", raising=False)
    assert repository_root() == tmp_path
    assert build_folder() == tmp_path / "build"
    monkeypatch.setenv("FOURIERCONV_BUILD", "elsewhere")
    assert build_folder() == Path("elsewhere")
