"""`roomd dev`: what it prints works as printed, and its receiver says of each callback what it was."""

import asyncio
import os
import re
import signal
import socket

from harness.log import Log

PRINTED = re.compile(r"^(?P<command>(?P<tool>node|python3) - <<'END'\n.*?^END)$", re.MULTILINE | re.DOTALL)
FIRST_PORTS = range(21_000, 31_000, 10)


class Program:
    """A command whose lines can be waited for. Runs where the SDKs are installed."""

    def __init__(self, name):
        self.log = Log(name)
        self._process = None

    async def start(self, *command):
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=os.environ["ROOMD_INTEROP_ENV"], stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        )
        self._reading = asyncio.create_task(self._read())

    async def _read(self):
        while line := await self._process.stdout.readline():
            self.log.add(line.decode().rstrip("\n"))

    async def line(self, pattern, timeout=15.0):
        """The first line in which the pattern is found."""
        find = lambda seen: next((line for line in seen if re.search(pattern, line)), None)
        return await self.log.until(f"a line like {pattern!r}", find, timeout)

    async def ended(self, timeout=30.0):
        await asyncio.wait_for(self._reading, timeout)
        return await self._process.wait()

    async def stop(self):
        """SIGTERM to it and its children; the exit code."""
        if self._process is None:
            return None
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        return await self.ended()


def three_free_ports():
    for first in FIRST_PORTS[os.getpid() % 500:]:
        try:
            for port in range(first, first + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise AssertionError(f"no three free ports in {FIRST_PORTS}")


async def test_the_snippets_that_dev_prints_run_as_printed_and_their_callbacks_are_valid():
    dev, node, python = Program("roomd dev"), Program("node snippet"), Program("python snippet")
    await dev.start(os.environ["ROOMD_BIN"], "dev", "--port-base", str(three_free_ports()))
    try:
        await dev.log.until("both snippets", lambda seen: seen.count("END") == 2)
        printed = {found["tool"]: found["command"] for found in PRINTED.finditer("\n".join(dev.log.seen) + "\n")}
        assert printed.keys() == {"node", "python3"}, f"expected a node and a Python snippet, came {printed.keys()}"

        await node.start("bash", "-c", printed["node"])
        await node.line("alice is logged on")
        await node.line(r"#1 alice: hello")
        await python.start("bash", "-c", printed["python3"])
        assert await python.ended() == 0, f"the Python snippet failed:\n{python.log}"
        await node.line(r"#2 teacher: hello")

        await dev.line("alice logged on")
        await dev.line("alice joined lobby")
        await dev.line("signature valid")
        wrong = [line for line in dev.log.seen if "✗" in line]
        assert not wrong, f"callbacks that were not valid: {wrong}"
    finally:
        await node.stop()
        code = await dev.stop()
    assert code == 0, f"expected exit code 0 after SIGTERM, came {code}:\n{dev.log}"
