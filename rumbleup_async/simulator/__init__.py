"""The other side of the wire: a RumbleUp server for tests, demos and benchmarks, over real TCP on loopback.

    from rumbleup_async.simulator import Simulator, serve

    async with serve(Simulator(api_key="KEY:SECRET", faults={"hang": 0.01})) as server:
        ...                                   # server.url is the API's base address
    server.simulator.truth                    # every text that left

It serves every route in ROUTES. Three kinds of trouble can be had from it: faults (`KINDS`: what goes wrong on the wire), quirks
(`QUIRKS`: where the documentation contradicts itself) and settings (`Settings`: limits, locks, receipts, replies, webhooks).
All of them can be changed while it runs, here or at the side address (see `side`).

Nothing in this folder imports anything of the client, so that one misreading of the API cannot pass on both sides.
"""

from . import faults
from .faults import KINDS, Kind
from .quirks import QUIRKS
from .requests import Requests
from .routes import ROUTES, Route
from .sendblue import SENDBLUE_ROUTES, handle_of
from .server import Server, run, serve
from .settings import Settings
from .simulator import Simulator
from .texts import Text, Texts, digest

__all__ = [  # noqa: RUF022  plainly sorted
    "KINDS",
    "Kind",
    "QUIRKS",
    "ROUTES",
    "Requests",
    "Route",
    "SENDBLUE_ROUTES",
    "Server",
    "Settings",
    "Simulator",
    "Text",
    "Texts",
    "digest",
    "faults",
    "handle_of",
    "run",
    "serve",
]
