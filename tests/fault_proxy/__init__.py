"""A proxy on loopback that does to TCP connections what networks do: late, cut, reset, silent, refused, slow, in single bytes.

It knows nothing of HTTP and repeats no byte. What happens to a connection is decided by its number when it is accepted,
from a script or from a seed.

In a test:              with proxying(provider.port, script([Fault("reset", after=0)])) as proxy: ...
As a process:           python -m tests.fault_proxy --target 8080 --seed 1 --share 0.5 --kinds reset,drop
                        (prints its port, and on SIGINT or SIGTERM what it did, as JSON)
"""

from tests.fault_proxy.faults import DOWN, KINDS, UP, Choice, Fault, script, seeded
from tests.fault_proxy.proxy import FaultProxy, proxying

__all__ = ["DOWN", "KINDS", "UP", "Choice", "Fault", "FaultProxy", "proxying", "script", "seeded"]
