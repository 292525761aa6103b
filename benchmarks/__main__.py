"""The command: `python -m benchmarks [throughput|texters|lane|lists|startup|double_send|official_sdk] [--quick]`."""

from __future__ import annotations

import argparse

from benchmarks import double_send, lane, lists, machine, official_sdk, startup, texters, throughput

PARTS = {
    "throughput": throughput.main,
    "texters": texters.main,
    "lane": lane.main,
    "lists": lists.main,
    "startup": startup.main,
    "double_send": double_send.main,
    "official_sdk": official_sdk.main,
}


def main() -> None:
    """Run the parts asked for and print what machine and versions they ran on."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all without")
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that it works, says nothing about speed")
    chosen = parser.parse_args()
    unknown = set(chosen.parts) - PARTS.keys()
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    print(machine.described())
    for name, part in PARTS.items():
        if not chosen.parts or name in chosen.parts:
            print(f"\n## {name}\n")
            part(quick=chosen.quick)


if __name__ == "__main__":
    main()
