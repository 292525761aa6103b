"""The benchmarks run, keep what they measured, and make the page of it. No timing is asserted here."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import against, limiters, peers_env, picture, report, results, tables
from benchmarks.results import Figure, Group, Machine, Part, Row, Run
from benchmarks.running import Sender, SenderFailed, folder, run
from benchmarks.serving import Served

ROOT = Path(__file__).resolve().parent.parent
MACHINE = Machine("Linux", "a processor", 2, {"Python": "3.11"}, 0.1, 0.0)


def measure(part: str, tmp_path: Path) -> dict[str, Any]:
    """A part's quick form, in a process of its own as a user runs it; what it kept."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", part, "--quick", "--results", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"## {part}" in done.stdout
    assert "Quick form" in done.stdout
    kept: dict[str, Any] = json.loads((tmp_path / f"{part}.json").read_text(encoding="utf-8"))
    return kept


@pytest.mark.parametrize("part", ["throughput", "tls", "latency", "people", "care", "journal", "watching", "official_sdk"])
def test_a_part_that_compares_senders_measures_all_of_ours_and_says_who_is_missing(part: str, tmp_path: Path) -> None:
    """A row that vanished, or stood there without a reason, would make the comparison with the rest look whole."""
    for group in measure(part, tmp_path)["groups"]:
        for row in group["rows"]:
            assert row.get("runs") or row["missing"] in {
                "not installed: python -m benchmarks peers",
                "wrk is not installed",
            }, row
            assert row.get("runs") or not row["name"].startswith("ours")
        assert {row["name"] for row in group["rows"]} >= {group["baseline"]}


@pytest.mark.parametrize("part", ["pace", "parts", "lane", "lists", "forms", "texters", "startup"])
def test_a_part_that_takes_apart_measures_everything_it_names(part: str, tmp_path: Path) -> None:
    """A figure without a value would be a hole in the page that nobody notices."""
    figures = measure(part, tmp_path)["figures"]
    assert figures
    assert [figure["name"] for figure in figures if not figure["values"]] == []


def test_limits_counts_ours_and_the_plain_loop(tmp_path: Path) -> None:
    """A row in which one of both sent nothing would make the other look good."""
    limits = measure("limits", tmp_path)["limits"]
    assert {row["key"] for row in limits} == {"after1-100", "at-once-10"}
    for row in limits:
        assert set(row["seen"]) == {"ours", "plain aiohttp loop"}
        assert all(sum(map(int, seen["accepted"].split())) for seen in row["seen"].values())


@pytest.mark.parametrize("provider", [row for row in limiters.PROVIDERS if row.rate or row.window], ids=lambda row: row.key)
def test_a_limiter_lets_through_what_its_row_says(provider: limiters.Provider) -> None:
    """The ratios of the table would be to something else than what was possible."""
    limiter, seconds = provider.limiter(), provider.lasts or 60.0
    moments = [number / 2_000 for number in range(int(seconds * 2_000))]
    taken = sum(limiter.ask(moment).kind == "accepted" for moment in moments)
    allowed = limiter.allowed(0.0, seconds)
    assert allowed is not None
    assert allowed - 1 <= taken <= allowed + provider.burst


def test_two_checkouts_are_compared_in_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    """A step that costs speed would not be seen: figures of two runs at two times differ by more than the step."""
    command.main(["throughput", "--against", str(ROOT), "--quick"])
    table = capsys.readouterr().out
    for figure in ("texts/s", "CPU µs a text", "peak MiB"):
        for ledger in ("on disk", "in memory"):
            assert f"| ledger {ledger}: {figure} | " in table
    assert "| import rumbleup_async, ms | " in table
    assert "1 interleaved rounds" in table


def test_a_folder_that_is_no_checkout_is_not_compared(tmp_path: Path) -> None:
    """Both sides of the comparison would be this checkout, and every ratio 1."""
    with pytest.raises(SystemExit, match="no checkout"):
        command.main(["throughput", "--against", str(tmp_path)])
    sender = tmp_path / "benchmarks" / "senders" / "ours.py"
    sender.parent.mkdir(parents=True)
    sender.touch()
    with pytest.raises(SystemExit, match="from elsewhere"):
        command.main(["throughput", "--against", str(tmp_path)])
    with pytest.raises(SystemExit):
        command.main(["lane", "--against", str(ROOT)])


def test_the_interval_of_a_median_is_that_of_the_sign_test() -> None:
    """A ratio would be called within 3 % on less than the rounds show. The ranks are those of the tables of the sign test."""
    ranks = {6: (1, 6), 9: (2, 8), 20: (6, 15), 25: (8, 18), 50: (18, 33)}
    assert {count: against.interval([*range(1, count + 1)]) for count in ranks} == ranks
    assert against.interval([1.0]) == (1.0, 1.0)
    assert against.interval([3.0, 1.0, 2.0]) == (1.0, 3.0)


def test_double_send_tells_of_ours_what_the_provider_took(tmp_path: Path) -> None:
    """A table without ours, or with more than one text for one call of ours, would say that we are like the others."""
    ours = [line for line in measure("double_send", tmp_path)["lines"] if "rumbleup_async" in line]
    assert [line.count("**1**") for line in ours] == [3, 3]


def test_peers_come_into_an_environment_of_their_own_and_no_constraint_of_ours() -> None:
    """A peer among what we ask for would bind our users to a library that only a comparison needs."""
    assert peers_env.FOLDER == ROOT / ".bench"
    assert "/.bench/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    peers = {"httpx", "httpx-aiohttp", "requests", "sendblue", "pyreqwest"}
    assert peers <= peers_env.versions().keys()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    assert not peers & {re.split(r"[^A-Za-z0-9_.-]", one)[0].lower() for one in asked}
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()}
    assert not peers & pinned - {"requests"}, "the tools that make the documentation need that one"


@pytest.mark.parametrize("module", ["naive", "tuned", "ours", "ours_sendblue", "probe", "wrk"])
def test_no_sender_sends_anywhere_but_to_this_machine(module: str) -> None:
    """A benchmark with a real address in it would text real people, thousands of times."""
    served = Served("https://app.example.com/api", "not ours", None, os.getpid())
    with folder() as work, pytest.raises(SenderFailed, match="this machine alone"):
        run(Sender("x", module, 1), served, work)


def kept_parts() -> list[Part]:
    """Two parts as they are kept, with one sender that was not there."""

    def row(name: str, *seconds: float) -> Row:
        return Row(name, [Run(1000, took, took / 2, 40.0, server_busy=0.3) for took in seconds])

    rows = [row("naive", 1.0, 1.1, 0.9), row("ours, on disk", 0.2, 0.2, 0.3), Row("other", missing="not installed")]
    group = Group("Texts a second", "naive", rows, "a server", 9000.0, "wrk", compare=[("ours, on disk", "naive")])
    figures = [Figure("reading", "rows/s", [200_000.0], column=f"{size} rows") for size in ("10", "20")]
    return [
        Part(name="throughput", machine=MACHINE, quick=False, rounds=3, groups=[group]),
        Part(name="lists", machine=MACHINE, quick=False, figures=figures),
    ]


def test_report_puts_what_is_kept_into_the_page_and_leaves_the_rest(tmp_path: Path) -> None:
    """A page made twice must be the same page, and what people wrote around the tables must survive."""
    for part in kept_parts():
        results.write(part, tmp_path)
    page = tmp_path / "performance.md"
    page.write_text(f"# Before\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter\n", encoding="utf-8")
    assert report.write(["throughput", "tls", "lists"], tmp_path, page) == ["throughput", "lists"]
    made = page.read_text(encoding="utf-8")
    report.write(["throughput", "tls", "lists"], tmp_path, page)
    assert page.read_text(encoding="utf-8") == made
    assert made.startswith("# Before\n")
    assert made.endswith("\nAfter\n")
    assert "old" not in made
    assert "| ours, on disk | 5,000 | 5.00 (3.00–5.50) |" in made
    assert "| other | not installed |" in made
    assert "- ours, on disk, against naive: 5.00 (3.00–5.50) ×" in made
    assert "wrk drew 9,000 answers a second" in made
    assert "| reading | 200,000 | 200,000 | rows/s |" in made
    assert ET.parse(page.with_suffix(".svg")).getroot().tag.endswith("svg")


def test_report_refuses_what_a_quick_run_measured(tmp_path: Path) -> None:
    """Figures of a hundred texts on a busy machine would stand in the documents as the product's."""
    results.write(Part(name="pace", machine=MACHINE, quick=True), tmp_path)
    page = tmp_path / "performance.md"
    page.write_text(f"{report.BEGIN}\n{report.END}\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="quick"):
        report.write(["pace"], tmp_path, page)


def test_picture_has_a_bar_for_everybody_who_was_measured() -> None:
    """A picture that left somebody out would not be of the table beside it."""
    root = ET.fromstring(picture.picture(kept_parts()))
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert {"naive", "ours, on disk"} <= set(texts)
    assert "other" not in texts


def test_page_is_what_the_report_makes_of_the_results_that_are_kept(tmp_path: Path) -> None:
    """Tables that no longer follow from the raw results could say anything."""
    page = tmp_path / "performance.md"
    page.write_text(report.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    if not report.write(list(command.PARTS), page=page):
        pytest.skip("no results are kept yet")
    assert page.read_text(encoding="utf-8") == report.PAGE.read_text(encoding="utf-8")
    assert page.with_suffix(".svg").read_text(encoding="utf-8") == report.PAGE.with_suffix(".svg").read_text(encoding="utf-8")


def test_numbers_keep_the_digits_that_mean_something() -> None:
    """A ratio of 0.034 shown as 0.03 would be off by a tenth."""
    assert [tables.number(value) for value in (0.0342, 0.5, 6.128, 40.26, 12345.6)] == ["0.034", "0.50", "6.13", "40.3", "12,346"]
