"""A server of the RumbleUp and Sendblue APIs for tests, demos and benchmarks, over real TCP on loopback.

    from rumbleup_async.simulator import Simulator, serve

    async with serve(Simulator(api_key="KEY:SECRET", faults={"hang": 0.01})) as server:
        ...                                   # server.url is the API's base URL
    server.simulator.truth                    # every text that left

The simulator serves every route of ROUTES and SENDBLUE_ROUTES. It makes three kinds of trouble: faults (`KINDS`: what
goes wrong on the wire), quirks (`QUIRKS`: where the documentation contradicts itself) and settings (`Settings`: limits,
locks, receipts, replies, webhooks). All of them can be changed while it runs, from Python and by the admin API
(`serving.admin_api`).

The rooms, from the bottom: `world`, `trouble`, `rumbleup` beside `sendblue`, `serving`. None of them imports anything
of the client, so that one misreading of the API cannot pass on both sides.
"""

from .rumbleup.routes import ROUTES, Route
from .sendblue.api import SENDBLUE_ROUTES
from .sendblue.message_object import handle_of
from .serving.server import Server, run, serve
from .serving.simulator import Simulator
from .trouble import faults
from .trouble.faults import KINDS, Kind
from .trouble.quirks import QUIRKS
from .world.request_counts import Requests
from .world.settings import Settings
from .world.texts import Text, Texts, digest

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
