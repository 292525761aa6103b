"""The proxy as a process: `python -m tests.fault_proxy`."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict

from tests.fault_proxy.faults import KINDS, Choice, Fault, seeded
from tests.fault_proxy.proxy import FaultProxy


async def _main(target: int, port: int, choose: Choice) -> None:
    proxy, ended = FaultProxy(target, choose), asyncio.Event()
    proxy.port = port
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await proxy.start()
    print(proxy.port, flush=True)
    await ended.wait()
    await proxy.aclose()
    print(json.dumps({"accepted": proxy.accepted, "struck": dict(proxy.struck)}), flush=True)


def main(arguments: Sequence[str]) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault_proxy", description="A TCP proxy with faults, on loopback.")
    parser.add_argument("--target", type=int, required=True, help="port on loopback")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 for any")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--share", type=float, default=1.0, help="part of the connections that get a fault")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--after", type=int, default=4000, help="a cut comes within so many bytes")
    given = parser.parse_args(arguments)
    kinds = given.kinds.split(",")
    for kind in kinds:
        print(json.dumps(asdict(Fault(kind))), file=sys.stderr)
    asyncio.run(_main(given.target, given.port, seeded(given.seed, share=given.share, kinds=kinds, most=given.after)))


if __name__ == "__main__":
    main(sys.argv[1:])
