"""The examples inside of other people's frameworks, and what starts the command: units, crontab, containers, a notebook.

FastAPI is installed, and driven by hand. Of Django and Celery as much stands in as the example touches; arq needs nothing.
"""

import ast
import asyncio
import importlib.util
import inspect
import json
import re
import shlex
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from rumbleup_async import LedgerLocked
from rumbleup_async.simulator import Server, Simulator
from tests.test_docs import contexts

FOLDER = Path(__file__).parents[1] / "examples"
CONTACTS = [{"phone": "2025550101", "name": "Ada"}, {"phone": "2025550102", "name": "Grace"}]
TEXT = "Hi {name}. STOP to opt out"
UNIT = (FOLDER / "rumbleup-send.service").read_text()
COMPOSE = (FOLDER / "compose.yml").read_text()


@pytest.fixture(autouse=True)
def _environment(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUMBLEUP_API_KEY", "KEY:SECRET")
    monkeypatch.setenv("RUMBLEUP_BASE_URL", server.url)
    monkeypatch.setenv("LEDGERS", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def listed(folder: Path) -> str:
    """The contacts as a list, where tasks find it."""
    path = folder / "friday.csv"
    path.write_text("phone,name\n" + "".join(f"{one['phone']},{one['name']}\n" for one in CONTACTS))
    return str(path)


def loaded(name: str) -> Any:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


async def asked(app: Any, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON that an ASGI application answers."""
    sent: list[dict[str, Any]] = []
    content = b"" if body is None else json.dumps(body).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    about = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path}
    await app({**about, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers}, receive, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


async def test_fastapi(simulator: Simulator) -> None:
    """A service that was made from it would lose texts at its end, or text a name twice."""
    module = loaded("fastapi_service")
    app, campaign = module.app, {"action": 125, "text": TEXT, "contacts": CONTACTS}
    async with module.lifespan(app):
        assert await asked(app, "GET", "/runs") == (200, {})
        assert (await asked(app, "POST", "/runs/friday", {"action": 125}))[0] == 422
        assert (await asked(app, "DELETE", "/runs/friday"))[0] == 404
        for _ in range(2):
            assert await asked(app, "POST", "/runs/friday", campaign) == (202, {"started": "friday"})
            assert (await asked(app, "POST", "/runs/friday", campaign))[0] == 409
            await module.campaigns.tasks["friday"]
            _, told = await asked(app, "GET", "/runs")
            assert told["friday"]["sent"] == 2
        await asked(app, "POST", "/runs/sunday", {**campaign, "text": "Hi {nobody}"})
        await module.campaigns.tasks["sunday"]
        _, told = await asked(app, "GET", "/runs")
        assert "error" in told["sunday"]
    assert sorted(simulator.truth.phones) == ["2025550101", "2025550102"]


async def test_django(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that copies it would meet an error of ours at the first text."""
    base = types.ModuleType("django.core.management.base")
    said: list[str] = []
    stream = types.SimpleNamespace(write=said.append)
    base.BaseCommand = type("BaseCommand", (), {"stdout": stream, "stderr": stream})  # type: ignore[attr-defined]
    base.CommandError = type("CommandError", (Exception,), {})  # type: ignore[attr-defined]
    for name in ("django", "django.core", "django.core.management"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, base.__name__, base)
    command = loaded("django_command").Command()
    options = {"action": 125, "run": "friday", "text": "Hi {first_name}. STOP to opt out"}
    for _ in range(2):
        await asyncio.to_thread(command.handle, **options)
    assert said == ["2 of 2 sent, 0 unknown"] * 2
    with pytest.raises(base.CommandError):
        await asyncio.to_thread(command.handle, **{**options, "text": "Hello. STOP to opt out"})
    assert sorted(simulator.truth.phones) == ["2025550101", "2025550102"]


async def test_celery(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that the queue delivers twice would text everybody twice, or fail while the other one sends."""
    stand_in = types.ModuleType("celery")

    class Celery:
        def __init__(self, name: str, broker: str) -> None: ...

        def task(self, **options: Any) -> Any:
            assert options["bind"]
            assert options["acks_late"]
            return lambda function: function

    stand_in.Celery = Celery  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "celery", stand_in)
    module = loaded("celery_task")
    again = type("Retry", (Exception,), {})
    task = types.SimpleNamespace(retry=lambda **_: again())
    arguments: tuple[Any, ...] = (task, "friday", 125, TEXT, listed(tmp_path))
    for _ in range(2):
        assert (await asyncio.to_thread(module.send_campaign, *arguments))["sent"] == 2

    async def locked(*_: object) -> None:
        raise LedgerLocked("in use")

    monkeypatch.setattr(module, "send", locked)
    with pytest.raises(again):
        await asyncio.to_thread(module.send_campaign, *arguments)
    assert sorted(simulator.truth.phones) == ["2025550101", "2025550102"]


async def test_arq(simulator: Simulator, tmp_path: Path) -> None:
    """A task that is tried again would text everybody twice."""
    module = loaded("arq_task")
    settings, context = module.WorkerSettings, dict[str, Any]()
    await inspect.getattr_static(settings, "on_startup")(context)
    for _ in range(2):
        assert (await settings.functions[0](context, "friday", 125, TEXT, listed(tmp_path)))["sent"] == 2
    await inspect.getattr_static(settings, "on_shutdown")(context)
    assert sorted(simulator.truth.phones) == ["2025550101", "2025550102"]


async def test_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever opens it would meet an error in the third cell."""
    cells = json.loads((FOLDER / "notebook.ipynb").read_text())["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            code = compile("".join(cell["source"]), cell["id"], "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            if inspect.iscoroutine(waiting := eval(code, names)):
                await waiting
    said = capsys.readouterr().out
    assert "skipped invalid phone" in said
    assert "refused 400 LANDLINE" in said
    assert said.splitlines()[-1] == "['Hi Ada. STOP to opt out', 'Hi Grace. STOP to opt out']"


def command_lines() -> list[Any]:
    """The command lines of ours in units, crontab and containers."""
    found = [("unit", shlex.split(re.findall(r"^ExecStart=/usr/bin/env rumbleup (.+)$", UNIT, re.MULTILINE)[0]))]
    crontab = (FOLDER / "crontab").read_text()
    found += [("crontab", shlex.split(line)) for line in re.findall(r"bin/rumbleup (.+)$", crontab, re.MULTILINE)]
    found += [("compose", json.loads(line)) for line in re.findall(r"^    command: (\[.+\])$", COMPOSE, re.MULTILINE)]
    docker = (FOLDER / "Dockerfile").read_text()
    found += [("docker", shlex.split(line)) for line in re.findall(r"rumbleup (send .+)$", docker, re.MULTILINE)]
    return [pytest.param(words, id=f"{place}-{words[0]}") for place, words in found]


@pytest.mark.parametrize("words", command_lines())
def test_command_lines_are_understood(words: list[str]) -> None:
    """A unit that fails at three in the morning is noticed by nobody."""
    assert len(command_lines()) == 6
    contexts()[f"rumbleup {words[0]}"].command.make_context(words[0], words[1:])


def test_units_are_understood_by_systemd(tmp_path: Path) -> None:
    """systemd would leave out a line that it does not know, such as the one that keeps a text from being killed."""
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("there is no systemd-analyze")
    for name in ("rumbleup-send.service", "rumbleup-send.timer"):
        shutil.copy(FOLDER / name, tmp_path)
    done = subprocess.run(
        [verify, "verify", "--man=no", str(tmp_path / "rumbleup-send.timer")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # What a container lacks is not the unit's fault: only lines about these two files count.
    assert [line for line in done.stderr.splitlines() if "rumbleup-send" in line] == []


DOCKERFILE = {"FROM", "COPY", "RUN", "USER", "ENV", "WORKDIR", "VOLUME", "STOPSIGNAL", "ENTRYPOINT", "CMD"}


def test_what_containers_are_made_of_is_there() -> None:
    """`docker build` would end at its first line, or a container write its ledger where it is gone with it."""
    docker = (FOLDER / "Dockerfile").read_text()
    lines = [line.partition(" ") for line in docker.splitlines() if line and line[0] != "#"]
    steps = [(word, rest) for word, _, rest in lines]
    assert steps[0][0] == "FROM"
    assert {word for word, _ in steps} == DOCKERFILE
    assert [rest.split()[0] for word, rest in steps if word == "COPY"] == ["dist/rumbleup_async-*.whl"]
    assert '"$wheel[all]"' in docker
    assert [rest for word, rest in steps if word == "USER"] == ["rumbleup"]
    assert dict(steps)["WORKDIR"] == dict(steps)["VOLUME"] == "/data"
    assert json.loads(dict(steps)["ENTRYPOINT"]) == ["rumbleup"]
    for word, rest in steps:
        if word == "RUN":
            assert subprocess.run(["sh", "-n", "-c", rest], check=False).returncode == 0


def test_compose_reads_as_docker_would() -> None:
    """`docker compose` would refuse the file, or one container begin before the database can be asked."""
    compose = yaml.safe_load(COMPOSE)
    services = compose["services"]
    assert {*services} == {"database", "begin", "join"}
    for name in ("begin", "join"):
        service = services[name]
        build = service["build"]
        assert (FOLDER / build["context"] / build["dockerfile"]).is_file()
        assert service["depends_on"] == {"database": {"condition": "service_healthy"}}
        assert any(volume.endswith(":/data") for volume in service["volumes"])
        assert service["command"][-1].startswith("postgresql://mary@database/texts?")
    assert "test" in services["database"]["healthcheck"]
    assert {volume.partition(":")[0] for volume in services["database"]["volumes"]} == {*compose["volumes"]}
    assert not re.search(r"://\w+:[^@/]+@", COMPOSE)  # no password in an address
