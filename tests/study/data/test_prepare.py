import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fourierconv.study.__main__ import main
from fourierconv.study.data import prepare
from fourierconv.study.data.official import OFFICIAL
from tests.study.data import cifar_cases
from tests.study.data.file_server import FileServer, serve
from tests.study.data.photo_cases import data_set, write_archive


def study(*arguments: str) -> int:
    return main(arguments, {}, [])


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty build folder, and no local copy of any set."""
    monkeypatch.setenv("FOURIERCONV_BUILD", str(tmp_path / "build"))
    monkeypatch.delenv("FOURIERCONV_DATA", raising=False)
    return tmp_path / "build"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Serves a small CIFAR-10 in the place of the official one."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    content, _, _ = cifar_cases.data_set()
    with serve(content, OFFICIAL["cifar10"].name) as served:
        sha256 = hashlib.sha256(content).hexdigest()
        small = replace(OFFICIAL["cifar10"], url=served.url, nbytes=len(content), sha256=sha256, train=13, test=10)
        monkeypatch.setitem(OFFICIAL, "cifar10", small)
        yield served


def test_a_set_is_downloaded_and_decoded_once(
    build: Path, server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study("data", "--only", "cifar10") == 0
    root = build / "data" / "originals" / "cifar10"
    last = f"cifar10 at 32 px: 13 training and 10 test images of 10 classes, 0 MB, from {root}"
    assert capsys.readouterr().out.splitlines()[-1] == last
    assert [path.name for path in root.iterdir()] == ["cifar-10-python.tar.gz"]
    assert study("data", "--only", "cifar10") == 0
    assert capsys.readouterr().out == f"{last}\n"
    assert len(server.asked) == 1


def test_an_interrupted_download_goes_on(build: Path, server: FileServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.cut = 1000
    assert study("data", "--only", "cifar10") == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {server.url}: ")
    assert error.endswith(f"; 1000 of {len(server.content)} bytes are there, and the same command goes on\n")
    server.cut = None
    assert study("data", "--only", "cifar10") == 0
    assert server.asked == [None, "bytes=1000-"]


def test_another_file_on_the_server_is_one_line(
    build: Path, server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = bytes(len(server.content))
    assert study("data", "--only", "cifar10") == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {build}/data/originals/cifar10/cifar-10-python.tar.gz.part: sha256 ")
    assert error.endswith("; removed\n")
    assert error.count("\n") == 1


def test_a_local_copy_is_decoded_at_every_size(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOURIERCONV_DATA", str(tmp_path))
    monkeypatch.setitem(OFFICIAL, "imagenette", replace(OFFICIAL["imagenette"], train=4, test=2))
    monkeypatch.setattr(prepare, "SIZES", {"imagenette": (16, 32)})
    write_archive(tmp_path / "imagenette" / "copy.tar", data_set())
    assert study("data", "--only", "imagenette") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"imagenette at {size} px: 4 training and 2 test images of 2 classes, 0 MB, from {tmp_path / 'imagenette'}"
        for size in (16, 32)
    ]
    names = sorted(path.name.split("-v1-")[1][:12] for path in (build / "data").iterdir())
    assert names == ["size16-test-", "size16-train", "size32-test-", "size32-train"]


def test_what_can_be_prepared_has_an_official_file() -> None:
    assert prepare.SIZES.keys() == OFFICIAL.keys()
