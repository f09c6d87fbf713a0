"""What the command line makes while the server runs serves the SDKs at once."""

import asyncio
import base64
import json
import os

import pytest

from harness.clients import SDKS
from harness.shape import assert_shape
from harness.stage import App


async def roomd(stage, *arguments, read=json.loads):
    """A command on the running server's data; what it printed."""
    process = await asyncio.create_subprocess_exec(
        os.environ["ROOMD_BIN"], *arguments, "--data", str(stage.server.data), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 0, f"roomd {' '.join(arguments)} ended with {process.returncode}"
    return read(printed)


@pytest.mark.parametrize("sdk", SDKS)
async def test_an_app_a_key_and_a_login_from_the_command_line_work_with_the_sdks(stage, sdk):
    made = await roomd(stage, "app", "create", "--name", "by hand", "--callback-url", stage.receiver.url, "--json")
    app = App(made["app_id"], made["app_key"], made["app_sign"])
    stage.receiver.keys[app.id] = app.key
    assert_shape(made, {
        "app_id": str, "app_key": str, "app_sign": str, "name": "by hand", "sdkappid": int,
        "administrators": ["administrator"], "data_center": "cn-shanghai", "event_callback_url": stage.receiver.url,
        "audit_type": 0, "audit_url": made["audit_url"], "live_webhook_url": "", "live_webhook_words": [], "after_retry": 0,
    })
    assert made == await roomd(stage, "app", "show", "--app", app.id, "--json"), "show prints what create printed"
    assert made in await roomd(stage, "app", "list", "--json"), "list prints an array of the same"

    key = await roomd(stage, "key", "create", "--json")
    assert_shape(key, {"access_key_id": str, "access_key_secret": str})
    by_that_key = stage.sdk("v3", key["access_key_id"], key["access_key_secret"])
    described = await asyncio.to_thread(by_that_key.call, "DescribeLiveMessageApp", AppId=app.id)
    assert (described["AppKey"], described["AppName"]) == (app.key, "by hand"), f"came {described}"

    login = await roomd(stage, "token", "--app", app.id, "--user", "ann", "--role", "admin")
    assert_shape(login, {
        "app_id": app.id, "app_sign": app.sign, "app_token": str,
        "auth": {"user_id": "ann", "nonce": str, "timestamp": int, "role": "admin"},
    })
    for token in (json.dumps(login), base64.urlsafe_b64encode(json.dumps(login).encode()).decode().rstrip("=")):
        client = await stage.client(sdk, app, "ann", token=token)
        assert client.events("connected")[0]["data"]["role"] == "admin", f"came {client.events('connected')}"
    await stage.receiver.event("ann", e=1)


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_channel_token_from_the_command_line_lets_in(stage, sdk):
    app = await stage.app()
    asked = ("token", "--app", app.id, "--user", "ann", "--rtc-channel", "c1")
    made = await roomd(stage, *asked)
    assert_shape(made, {
        "appid": app.id, "channelid": "c1", "userid": "ann", "nonce": str, "timestamp": int, "token": str,
    })
    ann = stage.outside(await stage.client(sdk, app, "ann"), app, "c1")
    for token in (json.dumps(made), await roomd(stage, *asked, "--base64", read=lambda printed: printed.decode().strip())):
        await ann.join(1, token=token)
        await ann.leave()
