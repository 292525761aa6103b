"""Puts the webhooks' deliveries on the wire, and lets time pass in the world meanwhile. Imports aiohttp and this folder."""

import asyncio
import time

import aiohttp

from .simulator import Simulator
from .webhooks import Delivery, Webhooks

__all__ = ["post"]

_BUSY = 0.005  # seconds between two looks while something waits to be posted
_IDLE = 0.05


async def post(simulator: Simulator) -> None:
    """Post what is due, until cancelled. Sequential but for the bursts, so that without disorder the order holds."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        while True:
            api = simulator.api
            api.pass_time()
            burst = api.webhooks.take(time.monotonic())
            if burst:
                async with asyncio.TaskGroup() as group:
                    for delivery in burst:
                        group.create_task(_attempt(session, simulator, api.webhooks, delivery))
            else:
                await asyncio.sleep(_BUSY if api.webhooks.pending else _IDLE)


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
