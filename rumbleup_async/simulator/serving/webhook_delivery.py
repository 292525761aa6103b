"""Posts the deliveries of the webhook queue, and lets time pass in the world meanwhile."""

import asyncio
import time

import aiohttp

from rumbleup_async.simulator.world.webhook_queue import Delivery, Webhooks

from .simulator import Simulator

__all__ = ["post_deliveries"]

_BUSY = 0.005
"""Seconds between two looks at the queue while something waits in it."""
_IDLE = 0.05
"""Seconds between two looks at the queue while nothing waits in it."""


async def post_deliveries(simulator: Simulator) -> None:
    """Post what is due, until the task is cancelled.

    One burst is posted after the other, so that the order is kept where no disorder is asked for.
    """
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        while True:
            simulator.pass_time()
            webhooks = simulator.webhooks
            burst = webhooks.take(time.monotonic())
            if burst:
                async with asyncio.TaskGroup() as group:
                    for delivery in burst:
                        group.create_task(_attempt(session, simulator, webhooks, delivery))
            else:
                await asyncio.sleep(_BUSY if webhooks.pending else _IDLE)


async def _attempt(session: aiohttp.ClientSession, simulator: Simulator, webhooks: Webhooks, delivery: Delivery) -> None:
    headers = {"Content-Type": "application/json"}
    if delivery.hook.authorization is not None:
        headers["Authorization"] = delivery.hook.authorization
    if delivery.hook.secret:
        headers["sb-signing-secret"] = delivery.hook.secret
    accepted = False
    try:
        timeout = aiohttp.ClientTimeout(total=simulator.settings.webhook_timeout)
        body = delivery.body(simulator.world.clock())
        url = delivery.hook.url
        async with session.post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False) as response:
            await response.read()
            accepted = 200 <= response.status < 300
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    finally:
        webhooks.done(delivery, accepted=accepted, now=time.monotonic())
