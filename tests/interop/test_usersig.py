"""UserSigs made by the other cloud's own libraries log users in; those of the command line are what the libraries make."""

import asyncio
import os
import time

import pytest

from harness.clients import SDKS
from harness.usersig import LIBRARIES, document, login


async def output(*command):
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 0, f"{command[0]} ended with {process.returncode}"
    return printed.decode().strip()


async def by_command_line(stage, app, user, *options):
    data = str(stage.server.data)
    return await output(os.environ["ROOMD_BIN"], "usersig", "--app", app, "--user", user, "--data", data, *options)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("sdk", SDKS)
async def test_a_usersig_of_the_cloud_s_library_logs_its_user_in(stage, sdk, library):
    app = await stage.app("g1")
    client = await stage.viewer(sdk, app, "主播-一", "g1", library=library)
    assert client.events("connected")[0]["data"]["user_id"] == "主播-一"
    await stage.receiver.event("主播-一", e=3)


@pytest.mark.parametrize("sdk", SDKS)
async def test_an_expired_usersig_is_refreshed_through_get_token(stage, sdk):
    app = await stage.app()
    old, fresh = [login(app, "ann", await stage.usersig(app, "ann", expire=expire)) for expire in (-10, 60)]
    client = await stage.client(sdk, app, "ann", token=old, fresh_tokens=[fresh])
    assert len(client.events("get_token")) == 1, "the application is asked for one fresh login"


async def test_the_command_line_makes_what_the_library_makes(stage):
    app = await stage.app()
    ours = document(await by_command_line(stage, str(app.sdkappid), 'a"b', "--ttl", "77"))
    assert abs(ours["TLS.time"] - time.time()) < 10
    assert ours == document(await stage.usersig(app, 'a"b', expire=77, at=ours["TLS.time"] + 0.5))

    token = await by_command_line(stage, app.id, "ann", "--base64")
    client = await stage.client(SDKS[0], app, "ann", token=token)
    assert client.events("connected")[0]["data"]["user_id"] == "ann"
