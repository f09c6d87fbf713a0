"""UserSigs made by the other cloud's own libraries log users in; those of the command line are what the libraries make."""

import asyncio
import base64
import json
import os
import time
import zlib
from unittest import mock

import pytest
import TLSSigAPIv2

from harness.clients import SDKS

BY_NODE = """
const { Api } = require('tls-sig-api-v2');
const [sdkappid, key, user, expire] = JSON.parse(process.argv[1]);
process.stdout.write(new Api(sdkappid, key).genUserSig(user, expire));
"""


async def output(*command):
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env=os.environ | {"NODE_PATH": f"{os.environ['ROOMD_INTEROP_ENV']}/node_modules"}
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 0, f"{command[0]} ended with {process.returncode}"
    return printed.decode().strip()


async def sdkappid_of(stage, app):
    shown = await output(os.environ["ROOMD_BIN"], "app", "show", "--app", app.id, "--json", "--data", str(stage.server.data))
    return json.loads(shown)["sdkappid"]


async def made_by(library, sdkappid, app, user, expire=3600):
    if library == "PyPI":
        return TLSSigAPIv2.TLSSigAPIv2(sdkappid, app.key).gen_sig(user, expire)
    return await output("node", "-e", BY_NODE, json.dumps([sdkappid, app.key, user, expire]))


def login(sdkappid, user, usersig):
    return base64.b64encode(json.dumps({"sdkappid": sdkappid, "identifier": user, "usersig": usersig}).encode()).decode()


def document(usersig):
    return json.loads(zlib.decompress(base64.b64decode(usersig.translate(str.maketrans("*-_", "+/=")))))


@pytest.mark.parametrize("library", ["PyPI", "npm"])
@pytest.mark.parametrize("sdk", SDKS)
async def test_a_usersig_of_the_cloud_s_library_logs_its_user_in(stage, sdk, library):
    app = await stage.app("g1")
    sdkappid = await sdkappid_of(stage, app)
    user = "主播-一"
    client = await stage.client(sdk, app, user, token=login(sdkappid, user, await made_by(library, sdkappid, app, user)))
    assert client.events("connected")[0]["data"]["user_id"] == user
    await client.join("g1")
    await stage.receiver.event(user, e=3)


@pytest.mark.parametrize("sdk", SDKS)
async def test_an_expired_usersig_is_refreshed_through_get_token(stage, sdk):
    app = await stage.app()
    sdkappid = await sdkappid_of(stage, app)
    old, fresh = [login(sdkappid, "ann", await made_by("PyPI", sdkappid, app, "ann", expire)) for expire in (-10, 60)]
    client = await stage.client(sdk, app, "ann", token=old, fresh_tokens=[fresh])
    assert len(client.events("get_token")) == 1, "the application is asked for one fresh login"


async def test_the_command_line_makes_what_the_library_makes(stage):
    app = await stage.app()
    sdkappid = await sdkappid_of(stage, app)
    ours = document(await output(
        os.environ["ROOMD_BIN"], "usersig", "--app", str(sdkappid), "--user", 'a"b', "--ttl", "77", "--data", str(stage.server.data)
    ))
    assert abs(ours["TLS.time"] - time.time()) < 10
    with mock.patch("time.time", lambda: ours["TLS.time"] + 0.5):
        theirs = document(await made_by("PyPI", sdkappid, app, 'a"b', 77))
    assert ours == theirs

    token = await output(
        os.environ["ROOMD_BIN"], "usersig", "--app", app.id, "--user", "ann", "--base64", "--data", str(stage.server.data)
    )
    client = await stage.client(SDKS[0], app, "ann", token=token)
    assert client.events("connected")[0]["data"]["user_id"] == "ann"
