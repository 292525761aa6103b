"""Send one text, and say what is known of it whatever happens.

RUMBLEUP_API_KEY=KEY:SECRET python examples/single_message.py 2025550101 125 "Hi Ada. STOP to opt out"
"""

from __future__ import annotations

import asyncio
import sys

from rumbleup_async import ApiError, ExchangeError, MaybeSentError, RumbleUp, ServerFailed, UnreadableReply


async def main(phone: str, action: str, text: str) -> int:
    async with RumbleUp.from_env() as rumbleup:
        try:
            message = await rumbleup.messages.send(phone=phone, action=action, text=text)
        except (MaybeSentError, ServerFailed, UnreadableReply) as error:
            # Sending it again could text the person twice; the log knows.
            print(f"may have been sent: {error}; look it up with examples/read_log.py", file=sys.stderr)
            return 1
        except (ApiError, ExchangeError) as error:
            print(f"not sent: {error}", file=sys.stderr)
            return 3
    print(f"scheduled as {message.logid}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(asyncio.run(main(*sys.argv[1:])))
