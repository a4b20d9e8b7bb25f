"""`make audit`: what is known against the pinned packages is told, and a service that is away is no failure."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ROOT = Path(__file__).parent.parent
_KNOWN = {
    "id": "GHSA-test-leak-0001",
    "summary": "It leaks",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "leaky", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}


@contextmanager
def advisories(known: bool) -> Iterator[str]:
    """A service that speaks as OSV does, with or without something against every package."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = {"vulns": [{"id": _KNOWN["id"], "modified": _KNOWN["modified"]}]} if known else {}
            self.tell({"results": [found for _ in asked["queries"]]})

        def do_GET(self) -> None:
            self.tell(_KNOWN)

        def tell(self, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def audit(folder: Path, address: str) -> subprocess.CompletedProcess[str]:
    """The script over a lock of one package, which is in the folder."""
    with zipfile.ZipFile(folder / "leaky-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("leaky-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: leaky\nVersion: 1.0\n")
        wheel.writestr("leaky-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("leaky-1.0.dist-info/RECORD", "")
    lock = folder / "some.lock"
    lock.write_text("leaky==1.0 ; python_full_version >= '3.11' \\\n    --hash=sha256:00\n    # via nobody\n")
    offline = {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(folder), "UV_HTTP_RETRIES": "0"}
    return subprocess.run(
        [ROOT / "scripts" / "audit", lock, address],
        cwd=ROOT,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_known_vulnerability_is_told_and_fails(tmp_path: Path) -> None:
    with advisories(known=True) as address:
        done = audit(tmp_path, address)
    assert done.returncode == 1, done
    assert "GHSA-test-leak-0001" in done.stdout
    assert "leaky" in done.stdout


def test_packages_without_one_pass(tmp_path: Path) -> None:
    with advisories(known=False) as address:
        assert audit(tmp_path, address).returncode == 0


def test_a_service_that_is_away_is_no_failure(tmp_path: Path) -> None:
    done = audit(tmp_path, "http://127.0.0.1:9")
    assert done.returncode == 0, done
    assert "were not audited" in done.stderr
