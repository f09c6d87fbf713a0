"""Real Centrifuge SDK clients, each in a process of its own, all driven the same way."""

import asyncio
import itertools
import json
import pathlib
import sys

from .log import Log

HERE = pathlib.Path(__file__).resolve().parent.parent
DRIVERS = {"npm": ["node", str(HERE / "client.mjs")], "python": [sys.executable, str(HERE / "client.py")]}
SDKS = tuple(DRIVERS)
OTHER = {"npm": "python", "python": "npm"}


class Refused(Exception):
    """The server answered a command with an error."""

    def __init__(self, code, message):
        super().__init__(f"{code} {message}")
        self.code, self.message = code, message


class Client:
    def __init__(self, sdk, user, name):
        self.sdk, self.user, self.name = sdk, user, name
        self.log = Log(f"{name} ({sdk})")
        self._numbers = itertools.count(1)
        self._answers = {}
        self._process = None

    async def start(self, url, token, data, fresh_tokens=(), ping_grace_ms=10_000):
        self._process = await asyncio.create_subprocess_exec(
            *DRIVERS[self.sdk], stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22
        )
        self._reading = asyncio.create_task(self._read())
        self._write({
            "url": url, "token": token, "data": data,
            "fresh_tokens": list(fresh_tokens), "ping_grace_ms": ping_grace_ms,
        })

    async def stop(self):
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._reading

    # --- what it is told to do ---

    async def connect(self):
        """Connects and waits for the SDK to say so; what it was told."""
        before = len(self.events("connected"))
        await self.call("connect")
        return await self.event("connected", nth=before + 1)

    async def disconnect(self):
        before = len(self.events("disconnected"))
        await self.call("disconnect")
        return await self.event("disconnected", nth=before + 1)

    async def join(self, *groups):
        """Subscribes to groups, with join and leave pushes, and waits for all of them."""
        await self.ask_to_join(*groups)
        return [await self.event("subscribed", channel=f"group:{group}") for group in groups]

    async def ask_to_join(self, *groups):
        for group in groups:
            await self.call("subscribe", channel=f"group:{group}", join_leave=True)

    async def publish(self, group, data):
        await self.call("publish", channel=f"group:{group}", data=data)

    async def leave(self, channel):
        """A group's id, or the whole name of an RTC channel."""
        name = channel if channel.startswith("rtc:") else f"group:{channel}"
        before = len(self.events("unsubscribed", channel=name))
        await self.call("unsubscribe", channel=name)
        await self.event("unsubscribed", before + 1, channel=name)

    async def rpc(self, method, **data):
        """The data of the answer."""
        return (await self.call("rpc", method=method, data=data))["data"]

    async def refused(self, what, **args):
        """The code of a command that the server must refuse; it says why, too."""
        try:
            answer = await self.call(what, **args)
        except Refused as error:
            assert error.message, f"{what} {args}: code {error.code} without a word"
            return error.code
        raise AssertionError(f"{self.log.name}: expected {what} {args} to be refused, came {answer}")

    async def publish_refused(self, group, body):
        return await self.refused("publish", channel=f"group:{group}", data={"body": body})

    async def rpc_refused(self, method, **data):
        return await self.refused("rpc", method=method, data=data)

    async def call(self, what, **args):
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._write({"id": number, "do": what, **args})
        try:
            return await asyncio.wait_for(answer, 15)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.log.name}: no answer to {what} {args} within 15 s") from None

    # --- what it tells ---

    def events(self, kind, **fields):
        return [
            event for event in self.log.seen
            if event["event"] == kind and all(event.get(k) == v for k, v in fields.items())
        ]

    async def event(self, kind, nth=1, timeout=10.0, **fields):
        """The nth event of this kind with these fields."""
        __tracebackhide__ = True

        def found(_):
            fits = self.events(kind, **fields)
            return fits[nth - 1] if len(fits) >= nth else None

        return await self.log.until(f"event {nth} of kind {kind} {fields or ''}", found, timeout)

    def publications(self, group):
        return self.events("publication", channel=f"group:{group}")

    def bodies(self, group):
        return [publication["data"].get("body") for publication in self.publications(group)]

    async def publication(self, group, nth=1, timeout=10.0):
        return await self.event("publication", nth, timeout, channel=f"group:{group}")

    async def heard(self, group, body, timeout=10.0):
        """The publication with this body."""
        __tracebackhide__ = True
        found = lambda _: next((p for p in self.publications(group) if p["data"].get("body") == body), None)
        return await self.log.until(f"{body!r} in {group}", found, timeout)

    async def told(self, group, event, nth=1, timeout=10.0):
        """The nth event of this name in a group: its publication."""
        __tracebackhide__ = True
        return await self.event("publication", nth, timeout, channel=f"group:{group}", tags={"event": event})

    async def message(self, nth=1, timeout=10.0):
        """Data of the nth message to this user alone."""
        return (await self.event("message", nth, timeout))["data"]

    def pushes(self, group, kind="pub"):
        """Pushes of a group as they were on the wire."""
        pushes = (event["reply"].get("push", {}) for event in self.events("wire"))
        return [push[kind] for push in pushes if push.get("channel") == f"group:{group}" and kind in push]

    # --- the pipe ---

    def _write(self, message):
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self):
        while line := await self._process.stdout.readline():
            message = json.loads(line)
            if "event" in message:
                self.log.add(message)
                continue
            answer = self._answers.pop(message["id"])
            if answer.done():
                continue  # nobody waits for it any more
            if "error" in message:
                answer.set_exception(Refused(message["error"].get("code"), message["error"].get("message")))
            else:
                answer.set_result(message["ok"])
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(AssertionError(f"{self.log.name}: its process ended"))
