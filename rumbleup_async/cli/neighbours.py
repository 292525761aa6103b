"""Ledgers beside a list that have texted the same people into the same project.

Lives here: finding them and saying so.

A browser's second download of a list has another name, and so another ledger: nothing else would tell that its people
have the text already. A look costs little: no more than `_MOST` ledgers, and of long lists a sample. It disturbs no
run, and a file that cannot be read is passed over.
"""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec

from rumbleup_async.cli.console import plural, say
from rumbleup_async.cli.dry_run import reader_of
from rumbleup_async.cli.ledger_place import AnyReader, Place, open_reader
from rumbleup_async.errors import LedgerError
from rumbleup_async.messaging import Identity, Plan

_MOST = 50
_SAMPLE = 5000
_MANY = 0.1
"""The share of the people still to text whom another run must have texted to be worth a warning."""


class Neighbour(msgspec.Struct, frozen=True):
    """A ledger beside the list. `texted`: how many of those still to text it has texted, or may have; `is_same_list`:
    its list was this one, byte for byte; `is_running`: at this moment."""

    path: Place
    texted: int
    is_sample: bool
    is_same_list: bool
    is_running: bool


def look(ledger: Place, folders: list[Path], identity: Identity | None, *, has_projects: bool) -> list[Neighbour]:
    """The neighbours of a ledger that is about to text. `identity` None: any server and account; `has_projects`: what
    another project of the account has texted is no matter."""
    with reader_of(ledger) as mine:
        plan, fingerprint, phones = mine.plan, mine.fingerprint, mine.queued_phones(_SAMPLE)
    is_sample = len(phones) >= _SAMPLE
    found = []
    for path in _places(folders, ledger) if phones else []:
        try:
            reader = open_reader(path)
        except (LedgerError, OSError):
            continue
        try:
            if _is_apart(reader, plan, identity, has_projects=has_projects):
                continue
            neighbour = _seen(reader, fingerprint, phones, is_sample=is_sample)
        except (LedgerError, OSError):
            continue
        finally:
            reader.close()
        if neighbour is not None:
            found.append(neighbour)
    return found


def _places(folders: list[Path], ledger: Place) -> list[Place]:
    """Where others may be: ledgers in these folders, and the other runs of a database."""
    if isinstance(ledger, Path):
        return [*_ledgers(folders, ledger)]
    from rumbleup_async.postgres.listing import runs_of

    runs = [ledger.of(one.name) for one in reversed(runs_of(ledger)) if one.name != ledger.run]
    return [*runs[:_MOST], *_ledgers(folders, ledger)]


def _ledgers(folders: list[Path], ledger: Place) -> list[Path]:
    """The ledgers in these folders, those last written first."""
    found: dict[tuple[int, int], tuple[float, Path]] = {}
    own = _identity_of(ledger) if isinstance(ledger, Path) else None
    for folder in folders:
        for path in folder.glob("*.ledger"):
            try:
                seen = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(seen.st_mode) and (seen.st_dev, seen.st_ino) != own:
                found[seen.st_dev, seen.st_ino] = (seen.st_mtime, path)
    return [path for _, path in sorted(found.values(), reverse=True)][:_MOST]


def _identity_of(path: Path) -> tuple[int, int] | None:
    """None for the ledger of a dry run, which has no name."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_apart(reader: AnyReader, plan: Plan, identity: Identity | None, *, has_projects: bool) -> bool:
    """Whether the ledger is of another project, account or server, or of this very run."""
    theirs = reader.plan
    if theirs.run == plan.run or theirs.provider != plan.provider or (has_projects and theirs.action != plan.action):
        return True
    return identity is not None and reader.identity not in {None, identity}


def _seen(reader: AnyReader, fingerprint: str | None, phones: list[str], *, is_sample: bool) -> Neighbour | None:
    texted, is_running = reader.texted(phones), reader.running
    is_same_list = bool(fingerprint) and reader.fingerprint == fingerprint
    if is_same_list and (texted or is_running):
        return Neighbour(reader.path, texted, is_sample, is_same_list, is_running)
    if not texted or texted < _MANY * len(phones):
        return None
    return Neighbour(reader.path, texted, is_sample, is_same_list, is_running)


def tell(neighbours: list[Neighbour], where: str) -> None:
    """Warn of each run that has texted the same people."""
    for one in neighbours:
        share = f"of a sample of {_SAMPLE:,} " if one.is_sample else ""
        same = f"; its list {'is' if one.is_running else 'was'} this very one" if one.is_same_list else ""
        same += "; it is under way" if one.is_running else ""
        say(f"  warning: {one.path} has texted {plural(one.texted, 'person', 'people')} {share}of these {where}{same}")
