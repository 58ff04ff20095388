"""Weights arrive whole or not at all, whatever the line, the server or the disk does."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import OpenerDirector

import pytest

from cnnviz_desktop.engine import downloads
from cnnviz_desktop.engine.downloads import download, hash_prefix, hub_file
from cnnviz_desktop.engine.run import Progress, Run
from cnnviz_desktop.errors import Cancelled, ModelError

DATA = bytes(i * i % 251 for i in range(1_000_000))
PREFIX = hashlib.sha256(DATA).hexdigest()[:8]
VGG16 = "https://download.pytorch.org/models/vgg16-397923af.pth"


@dataclass
class Server:
    """What the server does, and what it was asked."""

    data: bytes = DATA
    status: int = 200
    ranges: bool = True
    etag: str | None = '"one"'
    length: bool = True
    redirect: str | None = None
    limits: list[int] = field(default_factory=list)  # bytes a connection lives for, in turn
    piece: int = 1 << 16
    pause: float = 0.0  # seconds after each piece
    stall: threading.Event | None = None
    asked: list[str | None] = field(default_factory=list)  # the Range header of each request
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/models/tiny-{PREFIX}.pth"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.asked.append(wanted)
        if self.stall:
            self.stall.wait(5)
            return
        if self.redirect or self.status != 200:
            request.send_response(302 if self.redirect else self.status)
            if self.redirect:
                request.send_header("Location", self.redirect)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        start = 0
        condition = request.headers.get("If-Range")
        if wanted and self.ranges and condition in (None, self.etag):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(self.data):
                request.send_error(416)
                return
            request.send_response(206)
            size = len(self.data)
            request.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        else:
            request.send_response(200)
        if self.etag:
            request.send_header("ETag", self.etag)
        body = self.data[start:]
        if self.length:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.limits:
            body = body[: self.limits.pop(0)]
        for place in range(0, len(body), self.piece):
            request.wfile.write(body[place : place + self.piece])
            time.sleep(self.pause)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # the client has cancelled
                state.answer(self)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        state.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        yield state
        if state.stall:
            state.stall.set()
        listener.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "hub" / "checkpoints" / f"tiny-{PREFIX}.pth"


def left(target: Path) -> list[str]:
    return sorted(path.name.removeprefix(target.name) for path in target.parent.iterdir())


def cancelling(when: Callable[[Progress], bool]) -> Run:
    def look(progress: Progress) -> None:
        if when(progress):
            run.cancel()

    run = Run(on_progress=look)
    return run


def cancel_half_way(server: Server, target: Path) -> int:
    """Start a download and cancel it; return the bytes that are there."""
    run = cancelling(lambda progress: progress.done > len(DATA) // 2)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Cancelled):
        patch.setattr(downloads, "REPORT_EVERY", 0)  # or the second half may come between two
        download(server.url, target, sha256_prefix=PREFIX, run=run)
    assert left(target) == [".partial", ".partial.json"]
    server.asked.clear()
    size = target.with_suffix(".pth.partial").stat().st_size
    assert len(DATA) // 2 < size < len(DATA)
    return size


# ------------------------------------------------------------------------------------------- names


def test_names() -> None:
    assert hash_prefix(VGG16) == "397923af"
    assert hash_prefix("https://a.org/inception_v3_google-0cc3c7bd.pth") == "0cc3c7bd"
    assert hash_prefix("https://a.org/resnet-50.pth") is None
    assert hash_prefix("https://a.org/dir-0cc3c7bd.x/plain.pth") is None


def test_torch_hubs_own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch.hub

    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("TORCH_HUB", raising=False)
    assert hub_file(VGG16) == tmp_path / "hub" / "checkpoints" / "vgg16-397923af.pth"


# ------------------------------------------------------------------------------------------ success


def test_a_download_reports_and_leaves_one_file(server: Server, target: Path) -> None:
    seen: list[Progress] = []
    found = download(server.url, target, sha256_prefix=PREFIX, run=Run(on_progress=seen.append))
    assert found == target
    assert target.read_bytes() == DATA
    assert left(target) == [""]
    assert seen[-1].done == seen[-1].total == len(DATA)
    assert seen[0].label == f"Downloading {target.name}"
    assert all(0 <= a.done <= b.done for a, b in pairwise(seen))
    assert all(progress.total > 0 for progress in seen)


def test_a_file_already_there_needs_no_network(target: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_bytes(b"x")
    assert download("nonsense", target, sha256_prefix=PREFIX) == target
    assert target.read_bytes() == b"x"


def test_reports_are_few(server: Server, target: Path) -> None:
    server.piece, server.pause = 10_000, 0.002
    seen: list[Progress] = []
    start = time.perf_counter()
    download(server.url, target, sha256_prefix=PREFIX, run=Run(on_progress=seen.append))
    assert 2 <= len(seen) <= (time.perf_counter() - start) * 20 + 3


def test_without_length_and_without_hash(server: Server, target: Path) -> None:
    server.length = False
    seen: list[Progress] = []
    download(server.url, target, sha256_prefix=None, run=Run(on_progress=seen.append))
    assert target.read_bytes() == DATA
    assert all(progress.total >= max(progress.done, 1) for progress in seen)


def test_file_addresses(target: Path, tmp_path: Path) -> None:
    (tmp_path / "source.pth").write_bytes(DATA)
    download((tmp_path / "source.pth").as_uri(), target, sha256_prefix=PREFIX)
    assert target.read_bytes() == DATA
    assert left(target) == [""]


def test_proxies_do_not_come_between_loopback(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    download(server.url, target, sha256_prefix=PREFIX)
    assert target.read_bytes() == DATA


# ------------------------------------------------------------------------------------------ resume


@pytest.mark.parametrize("etag", ['"one"', 'W/"one"', None])
def test_cancel_and_resume(server: Server, target: Path, etag: str | None) -> None:
    server.etag = etag
    size = cancel_half_way(server, target)
    seen: list[Progress] = []
    download(server.url, target, sha256_prefix=PREFIX, run=Run(on_progress=seen.append))
    assert server.asked == [f"bytes={size}-"]
    assert seen[0].done == size
    assert target.read_bytes() == DATA
    assert left(target) == [""]


def test_the_estimate_after_a_resume_goes_by_the_pace_of_now(server: Server, target: Path) -> None:
    size = cancel_half_way(server, target)
    server.pause, server.piece = 0.01, 10_000
    seen: list[tuple[float, Progress]] = []
    start = time.perf_counter()
    run = Run(on_progress=lambda progress: seen.append((time.perf_counter() - start, progress)))
    download(server.url, target, sha256_prefix=PREFIX, run=run)
    clock, last = seen[-1]
    assert last.done == len(DATA)
    # The earlier part counts as if it had come at the pace of this one.
    assert last.elapsed == pytest.approx(clock * len(DATA) / (len(DATA) - size), rel=0.2)


def test_a_server_without_ranges_starts_again(server: Server, target: Path) -> None:
    cancel_half_way(server, target)
    server.ranges = False
    download(server.url, target, sha256_prefix=PREFIX)
    assert target.read_bytes() == DATA


def test_a_file_that_changed_on_the_server_starts_again(server: Server, target: Path) -> None:
    cancel_half_way(server, target)
    server.data, server.etag = DATA[::-1], '"two"'
    download(server.url, target, sha256_prefix=None)
    assert target.read_bytes() == DATA[::-1]


def test_another_total_starts_again(server: Server, target: Path) -> None:
    server.etag = None
    cancel_half_way(server, target)
    server.data = DATA * 2
    download(server.url, target, sha256_prefix=hashlib.sha256(DATA * 2).hexdigest()[:8])
    assert target.read_bytes() == DATA * 2
    assert server.asked[1:] == [None]


def test_a_part_beyond_the_files_end_starts_again(server: Server, target: Path) -> None:
    cancel_half_way(server, target)
    server.data = DATA[:1000]
    download(server.url, target, sha256_prefix=None)
    assert target.read_bytes() == DATA[:1000]


@pytest.mark.parametrize(
    "notes",
    ["", "rubbish", "[]", '{"etag": 1}', '{"url": "https://other.org/a.pth", "total": 5}'],
)
def test_a_part_with_unsound_notes_starts_again(server: Server, target: Path, notes: str) -> None:
    target.parent.mkdir(parents=True)
    target.with_suffix(".pth.partial").write_bytes(b"other")
    target.with_suffix(".pth.partial.json").write_text(notes)
    download(server.url, target, sha256_prefix=PREFIX)
    assert server.asked == [None]
    assert target.read_bytes() == DATA


def test_a_part_that_is_whole_needs_no_network(target: Path) -> None:
    target.parent.mkdir(parents=True)
    target.with_suffix(".pth.partial").write_bytes(DATA)
    notes = {"url": VGG16, "validator": "", "total": len(DATA)}
    target.with_suffix(".pth.partial.json").write_text(json.dumps(notes))
    assert download(VGG16, target, sha256_prefix=PREFIX).read_bytes() == DATA


def test_a_broken_connection_goes_on_by_itself(server: Server, target: Path) -> None:
    server.limits = [300_000, 300_000]
    download(server.url, target, sha256_prefix=PREFIX)
    assert server.asked == [None, "bytes=300000-", "bytes=600000-"]
    assert target.read_bytes() == DATA


def test_a_connection_that_brings_nothing_more_is_told(server: Server, target: Path) -> None:
    server.limits = [300_000, 0, 0, 0]
    with pytest.raises(ModelError, match=r"broke off at 0\.3 MB of 1\.0 MB: start again"):
        download(server.url, target, sha256_prefix=PREFIX)
    assert len(server.asked) == 2
    server.limits.clear()
    download(server.url, target, sha256_prefix=PREFIX)
    assert server.asked[-1] == "bytes=300000-"
    assert target.read_bytes() == DATA


def test_cancelled_before_it_began_leaves_nothing(server: Server, target: Path) -> None:
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        download(server.url, target, sha256_prefix=PREFIX, run=run)
    assert left(target) == []
    assert server.asked == []


# --------------------------------------------------------------------------------------- at once


def test_threads_at_once_download_once(server: Server, target: Path) -> None:
    server.pause = 0.01
    found: list[bytes] = []

    def work() -> None:
        found.append(download(server.url, target, sha256_prefix=PREFIX).read_bytes())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [DATA] * 4
    assert server.asked == [None]
    assert left(target) == [""]


def test_processes_at_once_do_not_corrupt_each_other(server: Server, target: Path) -> None:
    server.pause = 0.02
    code = (
        "import sys; from pathlib import Path\n"
        "from cnnviz_desktop.engine.downloads import download\n"
        f"download(sys.argv[1], Path(sys.argv[2]), sha256_prefix={PREFIX!r})"
    )
    root = Path(downloads.__file__).parents[2]
    command = [sys.executable, "-c", code, server.url, str(target)]
    workers = [subprocess.Popen(command, cwd=root) for _ in range(3)]
    assert [worker.wait(15) for worker in workers] == [0, 0, 0]
    assert server.asked == [None]
    assert target.read_bytes() == DATA
    assert left(target) == [""]


def test_a_killed_program_frees_its_part(server: Server, target: Path) -> None:
    server.pause = 0.05
    code = (
        "import sys; from pathlib import Path\n"
        "from cnnviz_desktop.engine.downloads import download\n"
        f"download(sys.argv[1], Path(sys.argv[2]), sha256_prefix={PREFIX!r})"
    )
    root = Path(downloads.__file__).parents[2]
    partial = target.with_suffix(".pth.partial")
    with subprocess.Popen(
        [sys.executable, "-c", code, server.url, str(target)], cwd=root
    ) as worker:
        while not (partial.exists() and partial.stat().st_size):
            assert worker.poll() is None
            time.sleep(0.01)
        worker.kill()
    server.pause = 0
    server.asked.clear()
    download(server.url, target, sha256_prefix=PREFIX)
    assert re.fullmatch(r"bytes=[1-9]\d*-", str(server.asked[0]))
    assert target.read_bytes() == DATA


def test_waiting_for_another_program_can_be_cancelled(server: Server, target: Path) -> None:
    server.stall = threading.Event()
    first = Run()
    thread = threading.Thread(target=try_download, args=(server, target, first))
    thread.start()
    while not server.asked:
        time.sleep(0.01)
    labels: list[str] = []
    second = Run(on_progress=lambda progress: (labels.append(progress.label), second.cancel())[0])
    with pytest.raises(Cancelled):
        download(server.url, target, sha256_prefix=PREFIX, run=second)
    assert labels == [f"Waiting for another program to download {target.name}"]
    first.cancel()
    server.stall.set()
    thread.join()


def try_download(server: Server, target: Path, run: Run) -> None:
    with pytest.raises((ModelError, Cancelled)):
        download(server.url, target, sha256_prefix=PREFIX, run=run)


# ---------------------------------------------------------------------------------------- failures


def test_a_wrong_hash_deletes_what_came(server: Server, target: Path) -> None:
    server.data = DATA[::-1]
    with pytest.raises(ModelError, match=r"damaged or another file.*SHA-256.*was deleted: try"):
        download(server.url, target, sha256_prefix=PREFIX)
    assert left(target) == []


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (404, r"does not have them: it answers 404 \(.*\)\. Update torchvision, or"),
        (403, r"answers 403 \(.*\)\. Try another network"),
        (503, r"answers 503 \(.*\)\. Try again later"),
        (416, r"answers 416"),
    ],
)
def test_refusals(server: Server, target: Path, status: int, sentence: str) -> None:
    server.status = status
    with pytest.raises(ModelError, match=r"^The weights of tiny are not on .*" + sentence):
        download(server.url, target, sha256_prefix=PREFIX)
    assert left(target) == []


def test_no_name_server(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(ModelError) as caught:
        download(VGG16, target, sha256_prefix="397923af")
    assert str(caught.value) == (
        "The weights of vgg16 are not on this machine and download.pytorch.org cannot be reached"
        " (its name is not found). Connect to the internet, or put"
        f" {VGG16} at {target}, or choose a file of weights or random ones"
        " (--weights FILE, --weights none)."
    )


def test_nobody_listens(target: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelError, match=r"cannot be reached \(it refuses the connection\)"):
        download(f"http://127.0.0.1:{port}/a.pth", target, sha256_prefix=None)


def test_a_server_that_does_not_answer(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stall = threading.Event()
    monkeypatch.setattr(downloads, "TIMEOUT", 0.1)
    with pytest.raises(ModelError, match=r"does not answer\. Try again later"):
        download(server.url, target, sha256_prefix=PREFIX)


def test_a_server_that_hangs_up_at_once(server: Server, target: Path) -> None:
    server.stall = threading.Event()
    server.stall.set()
    with pytest.raises(ModelError, match=r"cannot be reached .*closed"):
        download(server.url, target, sha256_prefix=PREFIX)


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (ssl.SSLCertVerificationError(1, "expired"), "certificate fails. Check this machine's"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "Network is unreachable"),
        (OSError("Tunnel connection failed: 403 Forbidden"), "Tunnel connection failed"),
        ("unknown url type", "unknown url type"),
    ],
)
def test_other_network_failures(
    reason: Any, sentence: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise URLError(reason)

    monkeypatch.setattr(OpenerDirector, "open", fail)
    with pytest.raises(ModelError, match=sentence):
        download(VGG16, target, sha256_prefix="397923af")


@pytest.mark.parametrize(
    "url",
    [
        "http://download.pytorch.org/models/vgg16-397923af.pth",
        "ftp://127.0.0.1/a.pth",
        "vgg16-397923af.pth",
        "https//typo.org/a.pth",
        "http://[/a.pth",
        "",
    ],
)
def test_only_https(url: str, target: Path) -> None:
    with pytest.raises(ModelError, match="use an address with https://"):
        download(url, target, sha256_prefix=None)


def test_a_redirect_may_not_leave_https(server: Server, target: Path) -> None:
    server.redirect = "http://example.org/a.pth"
    with pytest.raises(ModelError, match=r"not fetched from http://example\.org/a\.pth"):
        download(server.url, target, sha256_prefix=PREFIX)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_disk_that_is_full_or_read_only(
    code: int, server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(code, "No such luck")

    monkeypatch.setattr(downloads.os, "fsync" if code == errno.ENOSPC else "open", fail)
    sentence = "disk is full: make room" if code == errno.ENOSPC else "cannot be written to"
    with pytest.raises(ModelError, match=sentence):
        download(server.url, target, sha256_prefix=PREFIX)


def test_a_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("a file where the folder should be")
    with pytest.raises(ModelError, match=r"cannot be written to .*TORCH_HOME"):
        download(server.url, tmp_path / "hub" / "a.pth", sha256_prefix=PREFIX)
