"""Wheel and sdist as a release has them; `python -m tests.packages` installs them into empty environments as well."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rumbleup_async import __version__
from tests import packages, supply
from tests.test_install import PROJECT

ROOT = packages.ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist of this checkout."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", out], cwd=ROOT, check=True, capture_output=True, timeout=100
    )
    return out


def test_the_wheel_is_the_package_whole_and_alone(built: Path) -> None:
    """The live page would be missing where people install it, or our tests be imported by their name."""
    (wheel,) = built.glob("*.whl")
    packages.check_wheel(wheel)


def test_a_wheel_with_too_much_is_noticed(built: Path, tmp_path: Path) -> None:
    """The check would pass whatever is inside."""
    (wheel,) = built.glob("*.whl")
    bad = tmp_path / wheel.name
    bad.write_bytes(wheel.read_bytes())
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr("tests/__init__.py", "")
    with pytest.raises(supply.Failed, match="too much"):
        packages.check_wheel(bad)


def test_the_sdist_has_what_builds_and_tests_it(built: Path) -> None:
    """A distribution could not run the suite over it, or would get a ledger of this machine."""
    (sdist,) = built.glob("*.tar.gz")
    packages.check_sdist(sdist)


def test_the_wheel_runs_without_the_checkout(built: Path, tmp_path: Path) -> None:
    """A file that only the checkout has would be missed by every user."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "alone")
    work = tmp_path / "work"
    work.mkdir()
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "alone"), "PYTHONSAFEPATH": "1"}
    code = "import rumbleup_async as it, rumbleup_async.__main__ as m; print(it.__file__, flush=True); m.main()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, "demo", "--contacts", "50"],
        cwd=work, env=env, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "alone"))
    assert "ledger and provider agree" in done.stdout + done.stderr


def test_an_audit_that_knows_nothing_is_not_one_that_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release would be called sound where nobody could be asked, or go out with a fault that is known."""
    silent = {"name": "yarl", "skip_reason": "Dependency not found"}
    clean, broken = ({"name": "aiohttp", "version": "3.1", "vulns": vulns} for vulns in ([], [{"id": "CVE-1"}]))
    assert supply.judged({"dependencies": [silent, clean, {"name": "rumbleup-async", "skip_reason": ""}]}) == ([], ["yarl"])
    listed = tmp_path / "installed.txt"
    listed.write_text("aiohttp==3.1\nyarl==1.0\n")

    def told(*dependencies: object) -> None:
        said = "" if not dependencies else json.dumps({"dependencies": dependencies})
        monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, stdout=said))

    told(clean)
    assert supply.audit(listed, is_left_out=False) == "2 packages audited (pypi): no known faults"
    for one in ((), (silent, clean)):
        told(*one)
        with pytest.raises(supply.Failed, match=f"NOT AUDITED: {1 if one else 2} of 2"):
            supply.audit(listed, is_left_out=False)
        assert supply.audit(listed, is_left_out=True).startswith("NOT AUDITED")
    told(silent, broken)
    with pytest.raises(supply.Failed, match="CVE-1"):
        supply.audit(listed, is_left_out=True)


def test_the_changelog_has_this_version_on_top() -> None:
    """A release would say what the one before has brought."""
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if line.startswith("## ")).startswith(f"## [{__version__}]")


def test_everything_that_is_asked_for_is_pinned() -> None:
    """Two checkouts of one commit would be tested with different versions."""
    pins = {canonicalize_name(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().split()}
    extras = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    names = {canonicalize_name(Requirement(one).name) for one in [*PROJECT["dependencies"], *extras]}
    assert names - pins == {"rumbleup-async"}
