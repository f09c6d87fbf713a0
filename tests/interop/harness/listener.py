"""A URL of a business server: keeps what comes, answers as the test likes. What belongs into a body, its heirs know."""

import asyncio
import collections
import dataclasses
import hashlib
import time

from .log import Log

STAMP_MAY_DIFFER = 5  # seconds between the stamp of a signature and the server's clock


@dataclasses.dataclass
class Callback:
    at: float  # monotonic seconds
    headers: dict  # names in lower case
    body: bytes
    answered: int
    faults: list
    family: str  # of headers: Ali-Live or Ali-Rtc
    line: str  # the request line

    @property
    def delivery(self):
        return self.headers.get("roomd-delivery")

    @property
    def stamp(self):
        return self.headers.get(f"{self.family}-Timestamp".lower())

    @property
    def signature(self):
        return self.headers.get(f"{self.family}-Signature".lower())

    def __str__(self):
        return f"{self.answered} to {self.delivery} {self.body.decode(errors='replace')} {self.faults or ''}"


def wall():
    """The earliest and the latest time, in Unix seconds, that a server on this machine's clock may show."""
    return (time.time(),) * 2


class Listener:
    family, digest = "Ali-Live", hashlib.sha256
    path = "/callback?from=roomd"

    def __init__(self):
        self.keys = {}  # AppId → AppKey, to be filled by whoever creates an application
        self.status = 200
        self.next_statuses = collections.deque()  # answers given before `status` is
        self.answer = b"ok"
        self.delay = 0.0  # seconds until it answers
        self.clock = wall  # the server's
        self.log = Log(type(self).__name__.lower())

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{self.path}"

    def stop(self):
        self._server.close()

    @property
    def callbacks(self):
        return self.log.seen

    @property
    def accepted(self):
        """Every delivery that was answered 200, once, in the order of arrival."""
        accepted = {}
        for callback in self.callbacks:
            if callback.answered == 200:
                accepted.setdefault(callback.delivery, callback)
        return accepted.values()

    def check(self):
        """Every callback was signed and shaped as documented, and repeats were repeats byte by byte."""
        bodies = {}
        for callback in self.callbacks:
            assert not callback.faults, f"{callback.faults} in {callback.headers} {callback.body!r}"
            first = bodies.setdefault(callback.delivery or callback.line, callback.body)
            assert callback.body == first, f"delivery {callback.delivery} changed from {first!r} to {callback.body!r}"

    async def _serve(self, reader, writer):
        try:
            while True:
                line, headers, body = await read_request(reader)
                faults = self._faults(line, headers, body)
                status, answer = self._answer(body) or (0, None)
                self.log.add(Callback(time.monotonic(), headers, body, status, faults, self.family, line))
                if self.delay:
                    await asyncio.sleep(self.delay)
                if answer is None:
                    await reader.read()  # until the server hangs up
                    return
                writer.write(f"HTTP/1.1 {status} Because\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the server hung up
        finally:
            writer.close()

    def _answer(self, body):
        """Status and body; None for silence."""
        return self._status(body), self.answer

    def _status(self, body):
        return self.next_statuses.popleft() if self.next_statuses else self.status

    def _faults(self, request_line, headers, body):
        """What is wrong with a callback, as sentences."""
        faults = []
        if request_line != f"POST {self.path} HTTP/1.1":
            faults.append(f"request line {request_line!r}")
        if headers.get("host") != f"127.0.0.1:{self.port}":
            faults.append(f"Host {headers.get('host')!r}")
        if not headers.get("content-type", "").startswith("application/json"):
            faults.append(f"Content-Type {headers.get('content-type')!r}")
        if not headers.get("roomd-delivery"):
            faults.append("no Roomd-Delivery")
        return faults


async def read_request(reader):
    """Request line, headers with their names in lower case, body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return head[0], headers, await reader.readexactly(int(headers.get("content-length", 0)))


def signature_faults(headers, key, family="Ali-Live", digest=hashlib.sha256, clock=wall):
    """What is wrong with the signature of a call to 127.0.0.1, as sentences."""
    faults = []
    stamp, signature = (headers.get(f"{family}-{name}".lower(), "") for name in ("Timestamp", "Signature"))
    expected = digest(f"127.0.0.1|{stamp}|{key}".encode()).hexdigest()
    if signature != expected:
        faults.append(f"{family}-Signature {signature!r}, expected {expected!r}")
    earliest, latest = clock()
    if not stamp.isdigit() or not earliest - STAMP_MAY_DIFFER <= int(stamp) <= latest + STAMP_MAY_DIFFER:
        faults.append(f"{family}-Timestamp {stamp!r} at {latest:.0f}")
    return faults
