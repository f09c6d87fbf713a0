"""Runs `async def` tests, each with a stage of its own and a limit of time, and prints the sum."""

import asyncio
import contextlib
import inspect

import pytest

from harness.server import Server, StandingServer
from harness.stage import Stage

LIMIT = 90  # seconds a test


def pytest_configure(config):
    config.addinivalue_line("markers", "settings(**env): what the test's server is told by its environment")
    config.addinivalue_line("markers", "virtual_clock: the test's server runs on a clock that the test moves")


@pytest.fixture
def stage(request, tmp_path):
    settings = request.node.get_closest_marker("settings")
    kind = StandingServer if request.node.get_closest_marker("virtual_clock") else Server
    return Stage(kind(tmp_path, **settings.kwargs if settings else {}))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters}

    async def play():
        async with arguments.get("stage") or contextlib.nullcontext():
            await test(**arguments)

    asyncio.run(asyncio.wait_for(play(), LIMIT))
    return True


def pytest_unconfigure(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    count = {kind: len(reporter.stats.get(kind, ())) for kind in ("passed", "failed", "error")}
    print(f"\n{count['passed']} passed, {count['failed'] + count['error']} failed")
