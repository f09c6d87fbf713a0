"""`roomd dev`: what it prints works as printed, and its receiver says of each callback what it was."""

import asyncio
import os
import pathlib
import re
import signal
import sys

from harness.log import Log
from harness.server import three_free_ports

CALL = re.compile(r"^curl -d .*/create_room\?.*$", re.MULTILINE)
PRINTED = re.compile(r"^\S*(?P<tool>node|python) - <<'END'\n.*?^END$", re.MULTILINE | re.DOTALL)


class Program:
    """A command whose lines can be waited for."""

    def __init__(self, name, folder):
        self.log = Log(name)
        self._folder = folder
        self._process = None

    async def start(self, *command):
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=self._folder, stdout=asyncio.subprocess.PIPE,
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


def as_after_the_printed_installs(folder):
    """`npm install centrifuge ws` and a virtual environment `sdk`, by way of what is installed already."""
    (folder / "node_modules").symlink_to(pathlib.Path(os.environ["ROOMD_INTEROP_ENV"]) / "node_modules")
    (folder / "sdk/bin").mkdir(parents=True)
    (folder / "sdk/bin/python").symlink_to(sys.executable)


async def test_the_snippets_that_dev_prints_run_as_printed_and_their_callbacks_are_valid(tmp_path):
    as_after_the_printed_installs(tmp_path)
    dev, node, python, curl = (Program(name, tmp_path) for name in ("roomd dev", "node snippet", "python snippet", "curl"))
    await dev.start(os.environ["ROOMD_BIN"], "dev", "--port-base", str(three_free_ports()))
    try:
        await dev.line("Callbacks of both clouds")
        text = "\n".join(dev.log.seen)
        for install in ("npm install centrifuge ws", "install -q alibabacloud-live20161101"):
            assert install in text, f"expected to be told {install!r}, came:\n{text}"
        printed = {found["tool"]: found[0] for found in PRINTED.finditer(text + "\n")}
        assert printed.keys() == {"node", "python"}, f"expected a node and a Python snippet, came {printed.keys()}"

        await node.start("bash", "-c", printed["node"])
        await node.line("alice is logged on")
        await node.line(r"#1 alice: hello")
        await python.start("bash", "-c", printed["python"])
        assert await python.ended() == 0, f"the Python snippet failed:\n{python.log}"
        await node.line(r"#2 teacher: hello")

        await curl.start("bash", "-c", CALL.search(text)[0])
        assert await curl.ended() == 0, f"the call of Tencent's API failed:\n{curl.log}"
        await curl.line('"ActionStatus":"OK"')

        await dev.line("alice logged on")
        await dev.line("alice joined lobby")
        await dev.line("alice entered room lobby")
        await dev.line("room show-1 was made by administrator")
        await dev.line("signature valid")
        wrong = [line for line in dev.log.seen if "✗" in line]
        assert not wrong, f"callbacks that were not valid: {wrong}"
    finally:
        await node.stop()
        code = await dev.stop()
    assert code == 0, f"expected exit code 0 after SIGTERM, came {code}:\n{dev.log}"
