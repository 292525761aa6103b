"""The server that everybody sends to: nginx where it is installed, since it is the cheapest, else the Python server of `server`.

nginx answers every POST with the same valid reply, Sendblue's with one of its own; it can neither wait nor hand out contacts, so
what needs that asks for Python.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.server import BODY, SENDBLUE_BODY

_NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}{tls} backlog=8192;
    {certificate}
    location = /api/send-message {{ default_type "application/json"; return 200 '{sendblue}'; }}
    location / {{ default_type "application/json; charset=utf-8"; return 200 '{body}'; }}
  }}
}}
"""


class Served(NamedTuple):
    """`url`: of the API. `ca`: file of the certificate to trust, None for http. `pid`: of the server."""

    url: str
    name: str
    ca: str | None
    pid: int

    def cpu(self) -> float:
        """Seconds of CPU that the server and its workers have used; 0 where the system does not say."""
        pids = [self.pid]
        try:
            pids += map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split())
            ticks = 0
            for pid in pids:
                fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            return 0.0
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(folder: Path, *, latency: float = 0.0, tls: bool = False, kind: str = "any") -> Iterator[Served]:
    """A server of its own process. `latency`: seconds before each answer. `kind`: any, or python."""
    certificate = make_certificate(folder) if tls else None
    scheme, ca = ("http", None) if certificate is None else ("https", str(certificate))
    nginx = None if latency or kind == "python" else find_nginx()
    port = 0
    if nginx is None:
        command = [sys.executable, "-m", "benchmarks.server", "--latency", str(latency * 1000)]
        if certificate is not None:
            command += ["--certificate", str(certificate)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        name = f"Python server{f', {latency * 1000:g} ms an answer' if latency else ''}"
    else:
        port = _free_port()
        own = "" if certificate is None else f"ssl_certificate {certificate}; ssl_certificate_key {certificate};"
        text = _NGINX.format(
            folder=folder,
            port=port,
            body=BODY.decode(),
            sendblue=SENDBLUE_BODY.decode(),
            tls=" ssl" if tls else "",
            certificate=own,
        )
        (folder / "nginx.conf").write_text(text, encoding="ascii")
        command = [nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        process = subprocess.Popen(command, text=True)
        name = "nginx, one worker"
    with process:
        try:
            if process.stdout is not None:
                port = int(process.stdout.readline())
            else:
                _wait_for(port, process)
            host = "localhost" if tls else "127.0.0.1"
            yield Served(f"{scheme}://{host}:{port}/api", name + (", TLS" if tls else ""), ca, process.pid)
        finally:
            process.terminate()


def find_nginx() -> str | None:
    """Where nginx is, if it is installed."""
    return shutil.which("nginx", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")


def can_do_tls() -> bool:
    """Whether a certificate can be made."""
    return shutil.which("openssl") is not None


def make_certificate(folder: Path) -> Path:
    """A certificate for this machine that is its own authority, good for two days, and its key, in one file."""
    certificate, key, both = folder / "certificate.pem", folder / "key.pem", folder / "localhost.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    both.write_text(key.read_text(encoding="ascii") + certificate.read_text(encoding="ascii"), encoding="ascii")
    return both


def loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop] | None]:
    """The event loops to measure on."""
    try:
        import uvloop
    except ImportError:
        return {"asyncio": None}
    return {"asyncio": None, "uvloop": uvloop.new_event_loop}


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the server does not answer")
