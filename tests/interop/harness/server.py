"""The real binary: `roomd serve` on free ports with a data folder of its own."""

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import socket
from urllib.parse import urlsplit

READY_WITHIN = 15.0
STOPPED_WITHIN = 5.0
FIRST_PORTS = range(21_000, 31_000, 10)


class Server:
    """`env` holds settings beyond the defaults."""

    virtual = False

    def __init__(self, folder, **env):
        self._env = os.environ | env
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.control = "127.0.0.1:0"
        self.sessions = "127.0.0.1:0"
        self._process = None

    async def start(self):
        """Starts it; a second start takes the same data and the same ports."""
        command = [
            os.environ["ROOMD_BIN"], "serve",
            "--data", str(self.data),
            "--control", self.control,
            "--sessions", self.sessions,
            "--allow-callback", "any",
        ]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, stderr=log, env=self._env
            )
        ready = json.loads(line := await self._first_line(command))
        assert ready["ready"] is True, f"expected ready to be true, came {line!r}"
        self.control = urlsplit(ready["control"]).netloc
        self.sessions = urlsplit(ready["sessions"]).netloc
        assert urlsplit(ready["sessions"]).path == "/connection/websocket", f"session path in {line!r}"
        self._read_key()

    async def _first_line(self, command):
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), READY_WITHIN)
        except asyncio.TimeoutError:
            raise AssertionError(f"no ready line within {READY_WITHIN:g} s from: {' '.join(command)}") from None
        assert line, f"ended with {await self._process.wait()} before it was ready: {' '.join(command)}"
        return line

    def _read_key(self):
        key = json.loads((self.data / "access-key.json").read_text())
        self.key_id, self.key_secret = key["access_key_id"], key["access_key_secret"]

    def sessions_url(self, through=None):
        """Where clients connect; `through` is the host:port of a proxy in between."""
        return f"ws://{through or self.sessions}/connection/websocket"

    async def kill(self):
        """kill -9: nothing is closed or saved in an orderly way."""
        self._process.kill()
        await self._process.wait()

    async def stop(self):
        """SIGTERM; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), STOPPED_WITHIN)
        except asyncio.TimeoutError:
            await self.kill()
            raise AssertionError(f"still running {STOPPED_WITHIN:g} s after SIGTERM") from None

    @property
    def running(self):
        return self._process is not None and self._process.returncode is None

    def sockets(self, ports):
        """The names, as /proc has them, of the sockets at which clients are connected from these ports."""
        rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        port_of = lambda address: int(address.rsplit(":", 1)[1], 16)
        here = int(self.sessions.rsplit(":", 1)[1])
        return {f"socket:[{row[9]}]" for row in rows if port_of(row[1]) == here and port_of(row[2]) in ports}

    def holds(self, sockets):
        """Whether any of these is not closed yet."""
        for number in pathlib.Path(f"/proc/{self._process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                if os.readlink(number) in sockets:
                    return True
        return False

    def last_lines(self, count=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:]) if self.log.exists() else ""


class StandingServer(Server):
    """`roomd dev` with the virtual clock: time stands still but for when a test moves it."""

    virtual = True

    async def start(self):
        if not self.data.exists():
            base = three_free_ports()
            self.control, self.sessions = f"127.0.0.1:{base}", f"127.0.0.1:{base + 1}"
        base = self.control.rsplit(":", 1)[1]
        command = [os.environ["ROOMD_BIN"], "dev", "--clock", "virtual", "--data", str(self.data), "--port-base", base]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, stderr=log, env=self._env
            )
        await self._first_line(command)
        self._rest = asyncio.create_task(self._process.stdout.read())  # or it would stop when the pipe is full
        self._read_key()


def three_free_ports():
    """The first of three in a row, as `roomd dev` takes them."""
    for first in FIRST_PORTS[os.getpid() % 500:]:
        try:
            for port in range(first, first + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise AssertionError(f"no three free ports in {FIRST_PORTS}")
