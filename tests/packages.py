"""`python -m tests.packages`: wheel and sdist, built, looked into, and tried where nothing else is installed.

What is tried is what a user gets: the wheel alone in an empty environment of each Python, first the library, then the command
with its demonstration and the examples against the simulator, then with all extras. `--release` audits what came along for known
faults, and writes a bill of materials beside the files. The command needs the package index, the extra `release`, and about a
minute for each Python. `tests/test_packages.py` does the cheap part of it in each run of the suite.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.parser import Parser
from pathlib import Path, PurePosixPath

from rumbleup_async import __version__
from tests import supply
from tests.supply import Failed, run

ROOT = Path(__file__).parent.parent
PYTHONS = ("python3.11", "python3.12", "python3.13", "python3.14", "python3.15")
"""Those of them that are on this machine are tried; the first three must be somewhere."""
EXAMPLES = {
    "send_list.py voters.csv 125 voters.ledger": "2 of 2 sent",
    "single_message.py 2025550103 125 'Hi Ada. STOP to opt out'": "scheduled as",
    "read_log.py phone 2025550101": "1 messages",
    "texters.py 125 texters.ledger": "0 unknown",
    "project_life.py 2025550100": "3 sent",
    "hours_of_a_day.py": "everybody was reached",
    "sendblue_list.py voters.csv sendblue.ledger +12025550198": "2 of 2 sent",
}
"""What is called in an installation, and what it says then: the examples that need nothing but the extra `cli`."""
LEFT_OUT = ("__pycache__", ".pyc", ".ledger", ".book", ".env")
SDIST_HAS = (
    *("rumbleup_async", "tests", "benchmarks", "examples", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"),
    *("SECURITY.md", "CODE_OF_CONDUCT.md", "Makefile", "constraints.txt", "pyproject.toml"),
)


def package_files() -> set[str]:
    """The files of the package as they lie in this checkout."""
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "rumbleup_async").rglob("*") if path.is_file()}
    return {name for name in found if not any(part in name for part in LEFT_OUT)}


def check_wheel(wheel: Path) -> None:
    """The package, whole and alone, with its licence, its version and its command. Raises Failed."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        about = f"rumbleup_async-{__version__}.dist-info"
        beside = {f"rumbleup_async-{__version__}.data/data/share/man/man1/rumbleup.1"}
        inside = {name for name in names if not name.startswith(f"{about}/")} - beside
        if inside != package_files():
            raise Failed(f"{wheel.name}: missing {sorted(package_files() - inside)}, too much {sorted(inside - package_files())}")
        lacking = {f"{about}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")} | beside
        lacking -= names
        if lacking or "rumbleup_async/py.typed" not in names:
            raise Failed(f"{wheel.name}: missing {sorted(lacking)} or py.typed")
        if "rumbleup = rumbleup_async.__main__:main" not in archive.read(f"{about}/entry_points.txt").decode():
            raise Failed(f"{wheel.name}: no command")
        told = Parser().parsestr(archive.read(f"{about}/METADATA").decode())
    extras = set(told.get_all("Provides-Extra", []))
    if told["Version"] != __version__ or not {"cli", "postgres", "lists", "observe", "all", "fast"} <= extras:
        raise Failed(f"{wheel.name}: version {told['Version']}, extras {sorted(extras)}")


def check_sdist(sdist: Path) -> None:
    """What is needed to build the wheel and to run the tests, and nothing of this machine. Raises Failed."""
    with tarfile.open(sdist) as archive:
        names = {PurePosixPath(*PurePosixPath(one.name).parts[1:]) for one in archive.getmembers()}
    tops = {name.parts[0] for name in names if name.parts}
    if lacking := set(SDIST_HAS) - tops:
        raise Failed(f"{sdist.name}: missing {sorted(lacking)}")
    if foreign := tops - set(SDIST_HAS) - {"PKG-INFO", ".gitignore"}:
        raise Failed(f"{sdist.name}: too much {sorted(foreign)}")
    if litter := [str(name) for name in names if any(part in name.name for part in LEFT_OUT)]:
        raise Failed(f"{sdist.name}: too much {litter}")


def build(out: Path) -> tuple[Path, Path]:
    """Wheel and sdist in an empty folder, checked."""
    pinned = {**os.environ, "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    run(sys.executable, "-m", "build", "--outdir", out, ROOT, env=pinned)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    check_wheel(wheel)
    check_sdist(sdist)
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    return wheel, sdist


def bare() -> dict[str, str]:
    """An environment of a user: nothing of this checkout, no key."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ} | {"NO_COLOR": "1"}


@contextmanager
def simulator(bin_: Path, folder: Path) -> Iterator[str]:
    """The simulator out of the wheel, on a free port; its address."""
    with subprocess.Popen(
        [bin_ / "rumbleup", "simulate", "--port", "0"], cwd=folder, env=bare() | {"PYTHONUNBUFFERED": "1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:
                address = next((word for word in line.replace("=", " ").split() if word.startswith("http://127.0.0.1:")), None)
                if address:
                    yield address
                    break
            else:
                raise Failed("the simulator does not say where it is")
        finally:
            process.terminate()


def try_alone(python: str, wheel: Path, examples: Path, folder: Path) -> None:
    """The wheel in an empty environment of this Python: library, command, example, all extras. Raises Failed."""
    run(python, "-m", "venv", folder / "env")
    bin_ = folder / "env" / "bin"
    work = folder / "work"
    work.mkdir()

    def install(what: str) -> None:
        run(bin_ / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", what)

    def told(*command: str | Path, code: int = 0, keys: dict[str, str] | None = None) -> str:
        return run(*command, folder=work, env=bare() | (keys or {}), code=code)

    install(str(wheel))
    place = told(bin_ / "python", "-W", "error", "-c", "import rumbleup_async; print(rumbleup_async.__file__)").strip()
    if not Path(place).is_relative_to(folder):
        raise Failed(f"{python}: imported from {place}")
    if not (folder / "env" / "share" / "man" / "man1" / "rumbleup.1").is_file():
        raise Failed(f"{python}: no manual page")
    if "rumbleup_async[cli]" not in told(bin_ / "rumbleup", "--version", code=2):
        raise Failed(f"{python}: the command without its extra does not say how to get it")
    install(f"{wheel}[cli]")
    if "ledger and provider agree" not in told(bin_ / "rumbleup", "demo", "--contacts", "200"):
        raise Failed(f"{python}: the demonstration does not end well")
    (work / "voters.csv").write_text("first_name,phone\nAda,2025550101\nGrace,2025550102\n")
    with simulator(bin_, work) as address:
        keys = {"RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": address}
        keys |= {"SENDBLUE_API_KEY": "KEY", "SENDBLUE_API_SECRET": "SECRET", "SENDBLUE_BASE_URL": address.removesuffix("/api")}
        # The sqlite3 of Python 3.12.0 to 3.12.3 takes ?1 for a named parameter, and warns without a cause.
        strict = ("-W", "error", "-W", "ignore:Binding :DeprecationWarning")
        for line, words in EXAMPLES.items():
            name, *arguments = shlex.split(line)
            said = told(bin_ / "python", *strict, examples / name, *arguments, keys=keys)
            if words not in said:
                raise Failed(f"{python}: the example {name} says {said!r}")
        told(bin_ / "rumbleup", "doctor", keys=keys)
    install(f"{wheel}[all]")
    run(bin_ / "python", "-m", "pip", "check", "--disable-pip-version-check")
    versions = json.loads(told(bin_ / "rumbleup", "--version", "--json"))
    missing = [name for name, version in versions["parts"].items() if version is None]
    if versions["version"] != __version__ or set(missing) - {"backports.zstd", "httptools", "uvloop", "aiofastnet"}:
        raise Failed(f"{python}: {versions}")


def release(python: Path, out: Path, *, is_audited: bool) -> None:
    """What belongs to a release beside the packages: its bill of materials, and the audit of what comes along. Raises Failed."""
    bill, listed = (out / f"rumbleup_async-{__version__}{ending}" for ending in (".cdx.json", ".installed.txt"))
    print(f"{bill.name}: {supply.bill(python, bill)} components", flush=True)
    supply.frozen(python, listed)
    print(supply.audit(listed, is_left_out=not is_audited), flush=True)


def pythons(given: Sequence[str] | None) -> list[str]:
    """The Pythons to try: those that were named, or those that are here. A pyenv's count although they are not on the path."""
    if given:
        return list(given)
    folders = (Path.home() / ".pyenv" / "versions").glob("3.*/bin")
    search = os.pathsep.join([os.environ.get("PATH", ""), *map(str, sorted(folders))])
    # A shim of a pyenv is there for a Python that is not chosen, and fails.
    known = [found for name in PYTHONS if (found := shutil.which(name, path=_without_shims(search)))]
    if len(known) < 3:
        raise Failed(f"only {known} are here; name others with --python")
    return known


def _without_shims(search: str) -> str:
    return os.pathsep.join(part for part in search.split(os.pathsep) if not part.endswith("shims"))


def main() -> int:
    """0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.packages", description=__doc__)
    parser.add_argument(
        "--python", action="append", help="an interpreter; repeatable (3.11, 3.12, 3.13 and newer where they are)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where wheel and sdist go; emptied before (dist)")
    parser.add_argument("--release", action="store_true", help="audit what came along, and write a bill of materials as well")
    parser.add_argument("--unaudited", action="store_true", help="make the release although nobody tells of known faults")
    given = parser.parse_args()
    out = given.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    began = time.monotonic()
    try:
        wheel, sdist = build(out)
        sizes = ", ".join(f"{file.name} ({file.stat().st_size:,} bytes)" for file in (wheel, sdist))
        print(f"{sizes}: complete", flush=True)
        for python in pythons(given.python):
            with tempfile.TemporaryDirectory(prefix="packages-") as place:
                folder = Path(place).resolve()
                with tarfile.open(sdist) as archive:
                    archive.extractall(folder / "sdist", filter="data")
                at = time.monotonic()
                try_alone(python, wheel, next((folder / "sdist").iterdir()) / "examples", folder)
                tried = f"installed alone, demonstration, {len(EXAMPLES)} examples, all extras"
                print(f"{python}: {tried}; {time.monotonic() - at:.0f} s", flush=True)
        if given.release:
            with tempfile.TemporaryDirectory(prefix="packages-") as place:
                run(sys.executable, "-m", "venv", place)
                env = Path(place).resolve() / "bin" / "python"
                run(env, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{wheel}[all]")
                release(env, out, is_audited=not given.unaudited)
    except Failed as fault:
        print(fault, file=sys.stderr)
        return 1
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
