"""A business server's callback URL: keeps what comes, checks its signature, answers as the test likes."""

import asyncio
import collections
import dataclasses
import hashlib
import json
import time

from .log import Log

STAMP_MAY_DIFFER = 5  # seconds between Ali-Live-Timestamp and this machine's clock


@dataclasses.dataclass
class Callback:
    at: float  # monotonic seconds
    headers: dict  # names in lower case
    body: bytes
    answered: int
    faults: list

    @property
    def delivery(self):
        return self.headers.get("roomd-delivery")

    @property
    def stamp(self):
        return self.headers.get("ali-live-timestamp")

    @property
    def signature(self):
        return self.headers.get("ali-live-signature")

    def __str__(self):
        return f"{self.answered} to {self.delivery} {self.body.decode(errors='replace')} {self.faults or ''}"


@dataclasses.dataclass
class Event:
    """One event out of the `eves` batches."""

    app: str
    uid: str
    sid: str
    fields: dict


class Receiver:
    def __init__(self):
        self.keys = {}  # AppId → AppKey, to be filled by whoever creates an application
        self.status = 200
        self.next_statuses = collections.deque()  # answers given before `status` is
        self.failing_users = set()  # whoever is in here, gets 500 for his events
        self.log = Log("receiver")

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/callback?from=roomd"

    def stop(self):
        self._server.close()

    @property
    def callbacks(self):
        return self.log.seen

    @property
    def events(self):
        """Every event that was accepted, once, in the order of arrival."""
        accepted, events = set(), []
        for callback in self.callbacks:
            if callback.answered != 200 or callback.delivery in accepted:
                continue
            accepted.add(callback.delivery)
            body = json.loads(callback.body)
            for user in body["eves"]:
                events += [Event(body["appid"], user["uid"], user["sid"], fields) for fields in user["events"]]
        return events

    def events_of(self, user):
        return [event for event in self.events if event.uid == user]

    async def event(self, user, nth=1, timeout=10.0, **fields):
        """The nth accepted event of a user that has these fields."""
        __tracebackhide__ = True

        def found(_):
            fits = [e for e in self.events_of(user) if all(e.fields.get(k) == v for k, v in fields.items())]
            return fits[nth - 1] if len(fits) >= nth else None

        return await self.log.until(f"event {nth} of {user} with {fields}", found, timeout)

    def check(self):
        """Every callback was signed and shaped as documented, and repeats were repeats byte by byte."""
        bodies = {}
        for callback in self.callbacks:
            assert not callback.faults, f"{callback.faults} in {callback.headers} {callback.body!r}"
            first = bodies.setdefault(callback.delivery, callback.body)
            assert callback.body == first, f"delivery {callback.delivery} changed from {first!r} to {callback.body!r}"

    async def _serve(self, reader, writer):
        try:
            while True:
                line, headers, body = await read_request(reader)
                faults = self._faults(line, headers, body)
                status = self._status(body)
                self.log.add(Callback(time.monotonic(), headers, body, status, faults))
                writer.write(f"HTTP/1.1 {status} Because\r\nContent-Length: 2\r\n\r\nok".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the server hung up
        finally:
            writer.close()

    def _status(self, body):
        if self.next_statuses:
            return self.next_statuses.popleft()
        if self.failing_users and any(user["uid"] in self.failing_users for user in json.loads(body)["eves"]):
            return 500
        return self.status

    def _faults(self, request_line, headers, body):
        """What is wrong with a callback, as sentences."""
        faults = []
        if request_line != "POST /callback?from=roomd HTTP/1.1":
            faults.append(f"request line {request_line!r}")
        if headers.get("host") != f"127.0.0.1:{self.port}":
            faults.append(f"Host {headers.get('host')!r}")
        if not headers.get("content-type", "").startswith("application/json"):
            faults.append(f"Content-Type {headers.get('content-type')!r}")
        if not headers.get("roomd-delivery"):
            faults.append("no Roomd-Delivery")
        try:
            app = json.loads(body)["appid"]
        except (ValueError, KeyError, TypeError):
            return faults + ["the body is not JSON with an appid"]
        return faults + signature_faults(headers, self.keys.get(app))


async def read_request(reader):
    """Request line, headers with their names in lower case, body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return head[0], headers, await reader.readexactly(int(headers.get("content-length", 0)))


def signature_faults(headers, key):
    """What is wrong with the signature of a call to 127.0.0.1, as sentences."""
    faults = []
    stamp, signature = headers.get("ali-live-timestamp", ""), headers.get("ali-live-signature", "")
    expected = hashlib.sha256(f"127.0.0.1|{stamp}|{key}".encode()).hexdigest()
    if signature != expected:
        faults.append(f"Ali-Live-Signature {signature!r}, expected {expected!r}")
    if not stamp.isdigit() or abs(int(stamp) - time.time()) > STAMP_MAY_DIFFER:
        faults.append(f"Ali-Live-Timestamp {stamp!r} at {time.time():.0f}")
    return faults
