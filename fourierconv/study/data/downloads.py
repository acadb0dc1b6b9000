"""Downloads of official files, which go on where they were interrupted and count only when their checksum is right."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.error import URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from fourierconv.study.data.official import Official, check

BLOCK = 1 << 16  # bytes
TIMEOUT = 60  # seconds without a byte
BROKEN = (HTTPException, URLError, ConnectionError, TimeoutError, ssl.SSLError)


def fetch(official: Official, folder: Path, report: Callable[[str], None]) -> Path:
    """Download the file into `folder`, unless it is there, and return its path.

    What has arrived is kept as `<name>.part`, and the next call asks the server for the rest. The file takes its name
    when its length and sha256 are right. On a terminal a bar shows the progress, elsewhere `report` prints a line for
    every tenth.

    Raises `OSError`, naming the address or the path, where the connection breaks or the file cannot be written, and
    `ValueError` where the server has another file; what came of that one is removed.

    >>> import tempfile
    >>> from fourierconv.study.data.official import OFFICIAL
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size = Path(folder, "imagenette2-320.tgz").write_bytes(b"")
    ...     fetch(OFFICIAL["imagenette"], Path(folder), print).name
    'imagenette2-320.tgz'
    """
    path = folder / official.name
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        _complete(official, part, report)
    except BROKEN as error:
        kept = part.stat().st_size if part.exists() else 0
        raise OSError(
            f"{official.url}: {error}; {kept} of {official.nbytes} bytes are there, and the same command goes on"
        ) from error
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(part)) from error
    try:
        check(part, official)
    except ValueError as error:
        part.unlink()
        raise ValueError(f"{error}; removed") from None
    os.replace(part, path)
    return path


def _complete(official: Official, part: Path, report: Callable[[str], None]) -> None:
    """Bring the partial file to its full length."""
    start = part.stat().st_size if part.exists() else 0
    if start >= official.nbytes:
        return  # whole, or too long: the checksum decides
    report(f"{official.name}: {official.nbytes / 1e6:.0f} MB from {official.url}")
    request = Request(official.url, headers={"Range": f"bytes={start}-"} if start else {})
    with urlopen(request, timeout=TIMEOUT) as answer:
        if answer.status != 206:
            start = 0  # a server without ranges sends all of it again
        if answer.length is not None and start + answer.length != official.nbytes:
            raise ValueError(f"{official.url}: {start + answer.length} bytes, expected {official.nbytes}")
        with part.open("ab" if start else "wb") as file:
            _copy(answer, file, start, official, report)


def _copy(answer: HTTPResponse, file: BinaryIO, done: int, official: Official, report: Callable[[str], None]) -> None:
    total = official.nbytes
    # disable=None: shown on a terminal only
    with tqdm(total=total, initial=done, unit="B", unit_scale=True, desc=official.name, disable=None) as bar:
        while block := answer.read(BLOCK):
            file.write(block)
            bar.update(len(block))
            if bar.disable and 10 * done // total < 10 * (done + len(block)) // total:
                report(f"{official.name}: {100 * (done + len(block)) // total} %")
            done += len(block)
    if done < total:
        raise ConnectionError("the connection was closed early")
