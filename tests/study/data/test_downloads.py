import hashlib
import os
import pty
import re
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fourierconv.study.data import downloads
from fourierconv.study.data.downloads import fetch
from fourierconv.study.data.official import OFFICIAL, Official
from tests.study.data.file_server import FileServer, serve

CONTENT = np.random.default_rng(0).bytes(1_000_000)
NAME = "pets.tgz"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve(CONTENT, NAME) as served:
        yield served


def official(server: FileServer) -> Official:
    return Official(server.url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), train=1, test=1)


def get(server: FileServer, folder: Path) -> list[str]:
    """Download into `folder` and return what was reported."""
    lines: list[str] = []
    assert fetch(official(server), folder, lines.append) == folder / NAME
    return lines


def part(folder: Path, nbytes: int) -> Path:
    """What an interrupted download leaves."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{NAME}.part"
    path.write_bytes(CONTENT[:nbytes])
    return path


def test_a_download_is_whole_and_reports_tenths(server: FileServer, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "pets"
    lines = get(server, folder)
    assert (folder / NAME).read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert lines[0] == f"pets.tgz: 1 MB from {server.url}"
    assert len(lines) == 11
    assert lines[-1] == "pets.tgz: 100 %"


def test_a_second_call_downloads_nothing(server: FileServer, tmp_path: Path) -> None:
    get(server, tmp_path)
    assert get(server, tmp_path) == []
    assert server.asked == [None]


def test_a_connection_that_breaks_is_named_and_the_next_call_goes_on(server: FileServer, tmp_path: Path) -> None:
    server.cut = 300_000
    message = f"^{server.url}: .*; 300000 of 1000000 bytes are there, and the same command goes on$"
    with pytest.raises(OSError, match=message):
        get(server, tmp_path)
    assert (tmp_path / f"{NAME}.part").read_bytes() == CONTENT[:300_000]
    assert not (tmp_path / NAME).exists()
    server.cut = None
    get(server, tmp_path)
    assert server.asked == [None, "bytes=300000-"]
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_connection_that_breaks_is_noticed_without_a_length(server: FileServer, tmp_path: Path) -> None:
    server.cut, server.length = 300_000, False
    with pytest.raises(OSError, match="the connection was closed early; 300000 of 1000000 bytes are there"):
        get(server, tmp_path)


def test_a_server_that_stalls_is_named_and_the_next_call_goes_on(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "TIMEOUT", 0.5)
    server.cut, server.stalls = 300_000, True
    with pytest.raises(OSError, match=f"^{server.url}: .*timed out; [0-9]+ of 1000000 bytes are there, and the same"):
        get(server, tmp_path)
    kept = (tmp_path / f"{NAME}.part").read_bytes()
    assert 0 < len(kept) <= 300_000
    assert kept == CONTENT[: len(kept)]
    server.cut, server.stalls = None, False
    get(server, tmp_path)
    assert server.asked == [None, f"bytes={len(kept)}-"]
    assert (tmp_path / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("nbytes", [1, 500_000, 999_999])
def test_a_partial_file_is_continued(server: FileServer, tmp_path: Path, nbytes: int) -> None:
    part(tmp_path, nbytes)
    get(server, tmp_path)
    assert server.asked == [f"bytes={nbytes}-"]
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_partial_file_that_is_whole_needs_no_server(server: FileServer, tmp_path: Path) -> None:
    part(tmp_path, len(CONTENT))
    get(server, tmp_path)
    assert server.asked == []
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_of_it_again(server: FileServer, tmp_path: Path) -> None:
    part(tmp_path, 500_000)
    server.ranges = False
    get(server, tmp_path)
    assert server.asked == ["bytes=500000-"]
    assert (tmp_path / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("start", [0, 500_000])
def test_a_wrong_checksum_is_named_and_the_file_removed(server: FileServer, tmp_path: Path, start: int) -> None:
    path = part(tmp_path, start)
    server.content = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    found, right = (hashlib.sha256(content).hexdigest() for content in (server.content, CONTENT))
    with pytest.raises(ValueError, match=f"^{path}: sha256 {found}, but {server.url} has {right}; removed$"):
        get(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_partial_file_of_another_file_is_replaced_by_the_next_call(server: FileServer, tmp_path: Path) -> None:
    part(tmp_path, 0).write_bytes(bytes(500_000))
    with pytest.raises(ValueError, match=r"; removed$"):
        get(server, tmp_path)
    get(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_partial_file_that_is_too_long_is_named_and_removed(server: FileServer, tmp_path: Path) -> None:
    path = part(tmp_path, 0)
    path.write_bytes(bytes(len(CONTENT) + 1))
    with pytest.raises(ValueError, match=f"^{path}: 1000001 bytes, but {server.url} has 1000000; removed$"):
        get(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("nbytes", [0, 999_000])
def test_a_file_of_another_length_is_not_even_begun(server: FileServer, tmp_path: Path, nbytes: int) -> None:
    server.content = CONTENT[:nbytes]
    with pytest.raises(ValueError, match=f"^{server.url}: {nbytes} bytes, expected 1000000$"):
        get(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_named(server: FileServer, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(OSError, match=f"^{server.url}: HTTP Error 404: Not Found; 0 of 1000000 bytes are there"):
        get(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve(CONTENT, NAME) as served:
        gone = official(served)
    with pytest.raises(OSError, match=f"^{gone.url}: .*Connection refused"):
        fetch(gone, tmp_path, print)


def test_a_folder_that_cannot_be_written_is_named(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").mkdir()
    with pytest.raises(OSError, match=f"{tmp_path / NAME}.part'$"):
        get(server, tmp_path)


def test_a_terminal_shows_a_bar_in_place_of_lines(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with os.fdopen(ours, "rb", buffering=0) as screen, open(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        lines = get(server, tmp_path)
        shown = screen.read(4096).decode()
    assert len(lines) == 1
    assert re.search(r"pets.tgz: +0%", shown)


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_files_are_archives_with_a_sha256(name: str) -> None:
    known = OFFICIAL[name]
    assert known.url.startswith("https://")
    assert known.name.endswith((".tgz", ".tar.gz"))
    assert re.fullmatch("[0-9a-f]{64}", known.sha256)
