"""npm packages come from the configured registry, and only with the right hash."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from coldstream.embedded import fetch_npm_package
from coldstream.embedded.packages import registry, tarball_url
from coldstream.errors import EmbeddedError


def make_package(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("package/link")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        archive.addfile(link)
    return buffer.getvalue()


def integrity_of(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


CONTENT = make_package({"package/package.json": b"{}", "package/dist/a.txt": b"A"})
INTEGRITY = integrity_of(CONTENT)


class Registry(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/@scope/thing/-/thing-1.2.3.tgz": CONTENT}
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        content = self.server.files.get(self.path)
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "home"
    directory.mkdir()
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.setenv("COLDSTREAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    return directory


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    with Registry() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("npm_config_registry", running.url)
        yield running
        running.shutdown()
        thread.join()


def cached_files(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_package_is_downloaded_once(server: Registry) -> None:
    said: list[str] = []
    first = fetch_npm_package("@scope/thing", "1.2.3", INTEGRITY, said.append)
    second = fetch_npm_package("@scope/thing", "1.2.3", INTEGRITY, said.append)
    assert first == second
    assert (first / "package.json").read_bytes() == b"{}"
    assert (first / "dist" / "a.txt").read_bytes() == b"A"
    assert not (first / "link").is_symlink()
    assert server.requests == ["/@scope/thing/-/thing-1.2.3.tgz"]
    assert said == ["downloading @scope/thing 1.2.3"]


def test_another_content_than_the_hash_says_is_refused(server: Registry, tmp_path: Path) -> None:
    server.files["/@scope/thing/-/thing-1.2.3.tgz"] = make_package({"package/package.json": b"!"})
    with pytest.raises(EmbeddedError, match="not the one this release was tested with"):
        fetch_npm_package("@scope/thing", "1.2.3", INTEGRITY)
    assert cached_files(tmp_path) == [".lock"]


def test_a_torn_download_is_refused(server: Registry, tmp_path: Path) -> None:
    torn = CONTENT[: len(CONTENT) // 2]
    server.files["/@scope/thing/-/thing-1.2.3.tgz"] = torn
    with pytest.raises(EmbeddedError, match="not the one"):
        fetch_npm_package("@scope/thing", "1.2.3", INTEGRITY)
    with pytest.raises(EmbeddedError, match="cannot be unpacked"):
        fetch_npm_package("@scope/thing", "1.2.3", integrity_of(torn))
    assert cached_files(tmp_path) == [".lock"]


def test_a_file_outside_the_package_is_refused(server: Registry, tmp_path: Path) -> None:
    content = make_package({"package/../../../outside.txt": b"x"})
    server.files["/@scope/thing/-/thing-1.2.3.tgz"] = content
    with pytest.raises(EmbeddedError, match="outside itself"):
        fetch_npm_package("@scope/thing", "1.2.3", integrity_of(content))
    assert list(tmp_path.rglob("outside.txt")) == []


def test_a_package_the_registry_does_not_have(server: Registry) -> None:
    with pytest.raises(EmbeddedError, match=r"thing-9\.9\.9\.tgz: HTTP status 404"):
        fetch_npm_package("@scope/thing", "9.9.9", INTEGRITY)


def test_a_registry_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as bound:
        # Bound and not listening: nothing else takes the port, and connecting is refused.
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{bound.getsockname()[1]}/")
        with pytest.raises(EmbeddedError, match=r"^cannot download http://127") as caught:
            fetch_npm_package("@scope/thing", "1.2.3", INTEGRITY)
    assert "\n" not in str(caught.value)
    assert "npm_config_registry" in str(caught.value.hint)
    assert cached_files(tmp_path) == [".lock"]


@pytest.mark.parametrize("url", ["not a url", "http://[", "file:///etc/hosts"])
def test_a_registry_that_is_no_address(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("npm_config_registry", url)
    with pytest.raises(EmbeddedError, match="cannot download"):
        fetch_npm_package("@scope/thing", "1.2.3", INTEGRITY)


def test_a_hash_that_is_not_sha512() -> None:
    with pytest.raises(EmbeddedError, match="not a sha512 hash"):
        fetch_npm_package("@scope/thing", "1.2.3", "sha1-abc")


def test_which_registry_is_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry("thing") == "https://registry.npmjs.org/"
    monkeypatch.setenv("MIRROR_HOST", "mirror.example")
    (home / ".npmrc").write_text(
        "; registry=https://comment.example/\n"
        "registry = https://${MIRROR_HOST}/npm/\n"
        '@scope:registry="https://scope.example"\n'
        "fund=false\n"
    )
    assert registry("thing") == "https://mirror.example/npm/"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://upper.example/")
    assert registry("thing") == "https://upper.example/"
    monkeypatch.setenv("npm_config_registry", "https://lower.example/")
    assert registry("thing") == "https://lower.example/"
    assert registry("@scope/thing") == "https://scope.example"
    assert (
        tarball_url("@scope/thing", "1.2.3")
        == "https://scope.example/@scope/thing/-/thing-1.2.3.tgz"
    )
    assert tarball_url("thing", "1.0.0") == "https://lower.example/thing/-/thing-1.0.0.tgz"
