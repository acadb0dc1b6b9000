"""A local server of one file that can do what servers on the way to a data set do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What it serves, and what was asked for."""

    content: bytes
    ranges: bool = True  # answers a Range with that part of the file, else with all of it
    cut: int | None = None  # closes the connection after so many bytes of an answer
    stalls: bool = False  # where it is cut, keeps the connection open in place of closing it, and sends no more
    status: int = 200
    length: bool = True  # says how long the answer is
    asked: list[str | None] = field(default_factory=list)  # the Range of every request
    url: str = ""


@contextmanager
def serve(content: bytes, name: str) -> Iterator[FileServer]:
    """Serve `content` under `name` on a free port of this machine."""
    served, stopped = FileServer(content), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            served.asked.append(wanted)
            if served.status != 200:
                self.send_error(served.status)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and served.ranges else 0
            body = served.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(served.content) - 1}/{len(served.content)}")
            if served.length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.cut])
            if served.stalls:
                self.wfile.flush()
                stopped.wait()

        def log_message(self, format: str, *arguments: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        served.url = f"http://127.0.0.1:{server.server_port}/{name}"
        try:
            yield served
        finally:
            stopped.set()
            server.shutdown()
            thread.join()
