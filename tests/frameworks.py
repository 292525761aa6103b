"""`python -m tests.frameworks`: the examples for Django, Celery, arq and FastAPI inside of the real ones, over the simulator.

Each framework comes into an environment of its own. Celery and arq have a Redis on this machine (Debian: the package
redis-server), for this command alone. A worker process is killed while it texts, a service and a worker are stopped; whoever
goes on with the ledger texts the rest, and nobody a second time. `tests/test_frameworks.py` does in each run of the suite what
needs none of it. The command needs the package index and about a minute for each.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.packages import ROOT, bare, simulator
from tests.supply import Failed, run

TEXT = "Hi {name}. STOP to opt out"
NUMBER = 150
"""Contacts of a campaign: three seconds at the 50 a second of the examples."""

CALL_CELERY = "import json, sys; from celery_task import send_campaign; send_campaign.delay(*json.load(sys.stdin))"
CALL_ARQ = """
import asyncio, json, os, sys
from arq import create_pool
from arq.connections import RedisSettings

async def call():
    pool = await create_pool(RedisSettings.from_dsn(os.environ["REDIS"]))
    await pool.enqueue_job("send_campaign", *json.load(sys.stdin))

asyncio.run(call())
"""
ARQ_HERE = """
import os
from arq.connections import RedisSettings
from arq_task import WorkerSettings
WorkerSettings.redis_settings = RedisSettings.from_dsn(os.environ["REDIS"])
"""


class Stage:
    """An environment with a framework, a simulator, a Redis."""

    def __init__(self, folder: Path, bin_: Path, address: str, redis: str) -> None:
        self.folder, self.bin, self.origin = folder, bin_, address.removesuffix("/api")
        self.contacts = [{"phone": f"202555{number:04d}", "name": "Ada"} for number in range(100, 100 + NUMBER)]
        self.list = folder / "list.csv"
        self.list.write_text("phone,name\n" + "".join(f"{one['phone']},{one['name']}\n" for one in self.contacts))
        self.env = bare() | {
            "RUMBLEUP_API_KEY": "KEY:SECRET",
            "RUMBLEUP_BASE_URL": address,
            "LEDGERS": str(folder),
            "CELERY_BROKER_URL": redis,
            "REDIS": redis,
            "PYTHONUNBUFFERED": "1",
        }
        self.env["PATH"] = f"{bin_}{os.pathsep}{self.env['PATH']}"

    def texted(self) -> int:
        """How many people were texted; Failed if somebody was twice."""
        with urllib.request.urlopen(f"{self.origin}/_simulator/truth") as answer:
            phones = [json.loads(line)["phone"] for line in answer.read().splitlines()]
        if len(phones) != len({*phones}):
            raise Failed("somebody was texted twice")
        return len(phones)

    def wait(self, what: str, is_so: Callable[[], bool]) -> None:
        """Until it is so; Failed after two minutes."""
        end = time.monotonic() + 120
        while not is_so():
            if time.monotonic() > end:
                raise Failed(f"{what}: it does not come to it")
            time.sleep(0.1)

    def some_are_texted(self) -> None:
        """Wait until a part of them is."""
        self.wait("the first texts", lambda: self.texted() > NUMBER // 5)

    def told(self, *command: str | Path, given: object = None, fine: tuple[int, ...] = (0,)) -> str:
        """What a program says; Failed if it ends badly."""
        words = None if given is None else json.dumps(given)
        done = subprocess.run(
            [*map(str, command)],
            cwd=self.folder,
            env=self.env,
            input=words,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode not in fine:
            raise Failed(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    @contextmanager
    def running(self, *command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
        """A program while the context is open; then it is told to end."""
        with (self.folder / "said.txt").open("ab") as said:
            process = subprocess.Popen([*map(str, command)], cwd=self.folder, env=self.env, stdout=said, stderr=said)
            try:
                yield process
            finally:
                process.terminate()
                process.wait(60)

    def ended(self, doubts: int = 0) -> int:
        """Wait until everybody was texted, or is in doubt; how many are. Failed if they are more than allowed."""

        status = (self.bin / "rumbleup", "status", "friday.ledger", "--json")

        def counts() -> dict[str, int]:
            told: dict[str, int] = json.loads(self.told(*status, fine=(0, 1)))  # 1: some are in doubt
            return told

        self.wait("the end", lambda: counts()["sent"] + counts()["unknown"] == NUMBER)
        unknown = counts()["unknown"]
        if unknown > doubts or self.texted() < NUMBER - unknown:
            raise Failed(f"{unknown} in doubt, {self.texted()} of {NUMBER} texted")
        return unknown


def try_django(stage: Stage) -> str:
    """A project with the command, called twice."""
    project = stage.folder / "project"
    project.mkdir()
    stage.told(stage.bin / "django-admin", "startproject", "site_", project)
    there = project / "site_" / "management" / "commands"
    there.mkdir(parents=True)
    shutil.copy(ROOT / "examples" / "django_command.py", there / "send_texts.py")
    settings = project / "site_" / "settings.py"
    settings.write_text(settings.read_text().replace("INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "site_",'))
    words = ("send_texts", "125", "friday", "--text", "Hi {first_name}. STOP to opt out")
    for _ in range(2):
        if "2 of 2 sent" not in (said := stage.told(stage.bin / "python", project / "manage.py", *words)):
            raise Failed(f"django: {said}")
    if stage.texted() != 2:
        raise Failed(f"{stage.texted()} texted")
    return "called twice, 2 texted once"


def try_celery(stage: Stage) -> str:
    """A task whose process is killed while it texts; the queue gives it to another one."""
    worker = (stage.bin / "celery", "--app", "celery_task", "worker", "--concurrency", "1", "--loglevel", "warning")
    with stage.running(*worker) as process:
        stage.told(stage.bin / "python", "-c", CALL_CELERY, given=["friday", 125, TEXT, str(stage.list)])
        stage.some_are_texted()
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)
        before = stage.texted()
        unknown = stage.ended(doubts=64)
    return f"killed after {before} of {NUMBER}, the rest texted by the next process, {unknown} in doubt"


def try_arq(stage: Stage) -> str:
    """A task whose worker is stopped while it texts; the next worker takes it up."""
    (stage.folder / "arq_here.py").write_text(ARQ_HERE)
    worker = (stage.bin / "arq", "arq_here.WorkerSettings")
    with stage.running(*worker):
        stage.told(stage.bin / "python", "-c", CALL_ARQ, given=["friday", 125, TEXT, str(stage.list)])
        stage.some_are_texted()
    before = stage.texted()
    with stage.running(*worker):
        stage.ended()
    return f"stopped after {before} of {NUMBER}, the rest texted by the next worker"


def try_fastapi(stage: Stage) -> str:
    """A service that is stopped while it texts, and is asked again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    body = json.dumps({"action": 125, "text": TEXT, "contacts": stage.contacts}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/runs/friday", data=body, headers={"Content-Type": "application/json"}
    )
    service = (stage.bin / "uvicorn", "fastapi_service:app", "--port", str(port), "--log-level", "warning")

    def is_asked() -> bool:
        try:
            with urllib.request.urlopen(request):
                return True
        except OSError:  # it does not listen yet
            return False

    with stage.running(*service):
        stage.wait("the service listens", is_asked)
        stage.some_are_texted()
    before = stage.texted()
    with stage.running(*service):
        stage.wait("the service listens", is_asked)
        stage.ended()
    return f"stopped after {before} of {NUMBER}, the rest texted when asked again"


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of our own, which keeps nothing; its address. Failed where there is no program for it."""
    program = shutil.which("redis-server")
    if program is None:
        raise Failed("there is no redis-server, which Celery and arq need; on Debian it is a package of this name")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder))
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
        try:
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()


FRAMEWORKS: dict[str, tuple[tuple[str, ...], Callable[[Stage], str]]] = {
    "django": ((), try_django),
    "celery": (("redis", "packaging"), try_celery),  # what its way to Redis imports
    "arq": ((), try_arq),
    "fastapi": (("uvicorn",), try_fastapi),
}
"""What is installed with each of them, and what is done there."""


def main() -> int:
    """0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.frameworks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[*FRAMEWORKS], help=f"{', '.join(FRAMEWORKS)} (all)")
    for name in parser.parse_args().names:
        with tempfile.TemporaryDirectory(prefix="frameworks-") as place:
            folder = Path(place).resolve()
            bin_, work = folder / "env" / "bin", folder / "work"
            work.mkdir()
            for file in ("celery_task.py", "arq_task.py", "fastapi_service.py"):
                shutil.copy(ROOT / "examples" / file, work)
            more, try_out = FRAMEWORKS[name]
            try:
                run(sys.executable, "-m", "venv", folder / "env")
                run(bin_ / "python", "-m", "pip", "install", "--quiet", name, *more, f"{ROOT}[cli]")
                version = run(bin_ / "python", "-c", f"import importlib.metadata as m; print(m.version('{name}'))").strip()
                with redis_server(folder) as redis, simulator(bin_, work) as address:
                    said = try_out(Stage(work, bin_, address, redis))
            except Failed as fault:
                log = work / "said.txt"
                print(fault, log.read_text()[-3000:] if log.exists() else "", sep="\n", file=sys.stderr)
                return 1
            print(f"{name} {version}: {said}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
