"""The plan of a campaign as a file: `--plan FILE` writes it, `send --approved FILE` sends that very plan and nothing else.

Lives here: what belongs to a plan, its hash, and what differs between two of them.

The hash goes over everything that decides what leaves: server and account, project, text, options of pace and rules, and each
phone with its finished text. In the file the contacts stand as a hash, phones of samples are masked, and nothing in it is a key.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from rumbleup_async.cli.console import plural, say
from rumbleup_async.cli.dry_run import reader_of
from rumbleup_async.cli.flow import Call
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.cli.output_file import check, save
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import Identity, State, mask
from rumbleup_async.money import MICRO
from rumbleup_async.runs.run import Run

_SAMPLES: Final = 3
_NOT_PLANNED: Final = frozenset({"begun", "placed", "canary_now", "book"})
"""What a ledger keeps among the options and is none, or is another file on another machine."""


def heed_plan(run: Run, ledger: Place, identity: Identity | None, call: Call, number: int) -> Call:
    """Write the plan, or see whether it is the one that was approved, as the call asks for. The call, which then expects its
    number of contacts. ConfigurationError for another plan."""
    if call.plan is None and call.approved is None:
        return call
    plan = plan_of(run, ledger, identity, call.limit)
    if call.approved is not None:
        require_approved(call.approved, plan, is_begun=run.is_used)
        call = msgspec.structs.replace(call, expect=number)
    if call.plan is not None:
        write_plan(plan, call.plan, quiet=call.quiet)
    return call


def plan_of(run: Run, ledger: Place, identity: Identity | None, limit: int | None) -> dict[str, Any]:
    """Everything that is to be approved, with its hash."""
    with reader_of(ledger) as reader:
        digest = hashlib.sha256()
        number = 0
        for text in reader.queued(limit):
            digest.update(msgspec.json.encode(text))
            number += 1
        segments = reader.segments()
        reasons = reader.reasons()
        samples = reader.samples(_SAMPLES - 2, limit)
    total = sum(max(1, parts) * texts for parts, texts in segments)
    plan = {
        "server": None if identity is None else identity.server,
        "account": None if identity is None else identity.account,
        "provider": run.plan.provider,
        "project": run.plan.action,
        "text": run.plan.text,
        "details": run.plan.details,
        "options": {name: value for name, value in run.care.items() if name not in _NOT_PLANNED},
        "limit": limit,
        "contacts": {"number": number, "sha256": digest.hexdigest()},
    }
    about = {
        "skipped": {str(why.code): texts for state, why, texts in reasons if state is State.SKIPPED},
        "segments": {str(parts): texts for parts, texts in segments},
        "cost": None if run.price is None else run.price * total / MICRO,
        "notes": [*run.list_notes, *run.text_notes],
        "samples": [
            {"why": one.why, "row": one.row, "phone": mask(one.phone), "segments": one.segments, "text": one.text}
            for one in samples
        ],
    }
    return {"sha256": _hash(plan), "shown_sha256": _hash(about), **plan, **about}


def write_plan(plan: dict[str, Any], out: Path, *, quiet: bool) -> None:
    """Write it, for your eyes only."""
    check(out, "--plan")
    data = msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"
    save(lambda file: file.write(data), out, quiet=True)
    if not quiet:
        say(f"the plan is in {out}: the same command with --approved {out} in place of --plan sends it, if nothing changes")


def require_approved(approved: Path, plan: dict[str, Any], *, is_begun: bool) -> None:
    """ConfigurationError unless this is the plan that stands in the file, and no text of it has left."""
    before = _read(approved)
    if is_begun:
        raise ConfigurationError(f"{approved}: this run has begun already; go on with it by resume, without --approved")
    differs = [name for name in _DECIDES if before.get(name) != plan[name]]
    if differs or before.get("sha256") != plan["sha256"]:
        what = ", ".join(_DECIDES[name] for name in differs) or "its hash: it was changed by hand"
        now = plural(plan["contacts"]["number"], "contact")
        raise ConfigurationError(
            f"{approved}: this is not the plan that was approved, what differs is {what}; {now} would be texted, and nothing was "
            "sent; look at it anew with --dry-run --plan FILE"
        )


_DECIDES: Final = {
    "server": "the server",
    "account": "the account",
    "provider": "the provider",
    "project": "the project",
    "text": "the text",
    "details": "how it is sent (flags, countries, group)",
    "options": "the options of pace and rules",
    "limit": "the limit",
    "contacts": "the contacts, or their texts",
}


def _hash(plan: dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(plan, order="deterministic")).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise ConfigurationError(f"{os.fspath(path)}: {error.strerror or error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ConfigurationError(f"{os.fspath(path)} is no plan; --plan FILE writes one") from None
    shown = {name: value for name, value in found.items() if name not in {"sha256", "shown_sha256", *_DECIDES}}
    is_whole = _hash({name: found.get(name) for name in _DECIDES}) == found.get("sha256")
    if not is_whole or _hash(shown) != found.get("shown_sha256"):
        # Whoever signs reads the cost and the samples: these must not have been changed either.
        raise ConfigurationError(f"{os.fspath(path)} is no plan, or it was changed by hand; --plan FILE writes one")
    return found
