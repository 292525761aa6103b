"""The tiers of the suite: `python -m pytest -m unit`, and so on. What a tier is, and what it takes, stands in CONTRIBUTING.md."""

from collections.abc import Collection
from pathlib import PurePath

TIERS = {
    "unit": "what is pure, and the engine on virtual time: nothing connects to anything",
    "integration": "connections, client and command against the simulator, over TCP on loopback",
    "acceptance": "the command in processes of its own: killed, resumed, signalled, on a full disk",
    "prove": "worlds of faults, the points of a crash, and the museum of mistakes that they must notice",
    "house": "what is said about the code: walls, front door, docs, examples, installation, benchmarks",
}

PLACES = {
    "acceptance": "acceptance",
    "browser": "acceptance",
    "cli": "integration",
    "fleet": "integration",
    "observe/test_serving.py": "integration",
    "observe/test_asgi.py": "integration",
    "observe/test_databases.py": "integration",
    "observe/test_metrics.py": "integration",
    "observe/test_telemetry.py": "integration",
    "people/test_contest.py": "acceptance",
    "power": "prove",
    "prove": "prove",
    "receipts/test_store.py": "integration",
    "rumbleup/test_against_simulator.py": "integration",
    "rumbleup/test_client.py": "integration",
    "rumbleup/test_downloads.py": "integration",
    "rumbleup/test_log_search.py": "integration",
    "rumbleup/test_uploads.py": "integration",
    "sendblue/test_webhooks.py": "integration",
    "session": "integration",
    "soak": "acceptance",
    "simulator": "integration",
    "test_benchmarks.py": "house",
    "test_child.py": "integration",
    "test_docs.py": "house",
    "test_examples.py": "house",
    "test_fault_proxy.py": "integration",
    "test_frameworks.py": "house",
    "test_front_door.py": "house",
    "test_house.py": "house",
    "test_install.py": "house",
    "test_life.py": "integration",
    "test_packages.py": "house",
    "test_promise.py": "house",
    "test_secrecy.py": "integration",
    "test_walk.py": "integration",
    "test_site.py": "house",
    "test_wall_clock.py": "house",
    "webhooks": "integration",
}
"""Folders and files below tests/ that are not unit."""
_SERVERS = {"postgres", "server", "rumbleup"}
"""Fixtures of servers: a test that has one is no unit test either."""


def tier(path: PurePath, fixtures: Collection[str]) -> str:
    """The tier of a test: `path` is that of its file below tests/, `fixtures` are those that it uses."""
    for place in (path, *path.parents):
        if found := PLACES.get(place.as_posix()):
            return found
    return "unit" if _SERVERS.isdisjoint(fixtures) else "integration"
