"""The steps that are noted beside a ledger and not in it yet, read without any code of ours."""

import json
import sqlite3
import struct
import zlib
from pathlib import Path

_BLOCK = 4096
_STATES = {"queued": 0, "sent": 2, "refused": 3, "skipped": 4, "not_sent": 5, "unknown": 6}


def _records(data: bytes, kind: bytes, ident: bytes, at: int) -> tuple[int, int, bytes] | None:
    found, whose, lap, number, length, total = struct.unpack_from("<4s8sIQII", data.ljust(at + 32, b"\0"), at)
    body = data[at + 32 : at + 32 + length]
    if (found, whose) != (kind, ident) or zlib.crc32(data[at : at + 28] + bytes(4) + body) != total:
        return None
    return lap, number, body


def late_states(ledger: Path, db: sqlite3.Connection) -> dict[int, int]:
    """The states that they bring, by row; of a ledger that no process has in hand."""
    found = db.execute("SELECT value FROM run WHERE key = 'steps'").fetchone()
    if found is None:
        return {}
    ident, lap, base, folded = (part if len(part) == 16 else int(part) for part in found[0].split(":"))
    data = ledger.with_name(ledger.name + "-steps").read_bytes()
    whose = bytes.fromhex(str(ident))
    states: dict[int, int] = {}
    at, number = 2 * _BLOCK, int(base) + 1
    while record := _records(data, b"step", whose, at):
        if record[:2] != (lap, number):
            break
        _, _, closed, opened = json.loads(record[2])
        if number > int(folded):
            states |= {close[0]: _STATES[close[1]] for close in closed} | dict.fromkeys(opened, 1)
        number += 1
        at += -(-(32 + len(record[2])) // _BLOCK) * _BLOCK
    return states
