"""What happened, in the order it happened. A test waits for what it expects instead of sleeping."""

import asyncio
import time


class Log:
    def __init__(self, name):
        self.name = name
        self.seen = []
        self._bell = asyncio.Event()

    def add(self, item):
        self.seen.append(item)
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def until(self, what, condition, timeout=10.0):
        """The first true value of `condition(seen)`; an AssertionError if none comes in `timeout` s."""
        __tracebackhide__ = True
        deadline = time.monotonic() + timeout
        while not (found := condition(self.seen)):
            try:
                await asyncio.wait_for(self._bell.wait(), deadline - time.monotonic())
            except asyncio.TimeoutError:
                raise AssertionError(f"{self.name}: expected {what} within {timeout:g} s, saw:\n{self}") from None
        return found

    def __str__(self):
        last = self.seen[-25:]
        lines = [f"  … {len(self.seen) - len(last)} earlier"] if len(last) < len(self.seen) else []
        return "\n".join(lines + [f"  {str(item)[:300]}" for item in last]) or "  nothing"
