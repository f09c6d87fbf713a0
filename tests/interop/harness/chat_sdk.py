"""PyPI `tencentcloud-sdk-python-im`, unmodified, pointed at roomd; and what its methods call, read from its source."""

import inspect
import re

from tencentcloud_im import tcim_client
from tencentcloud_im.tcim_client import TCIMClient

from .shape import assert_shape

REST_URL = re.compile(r'"\{\}/(\w+)/(\w+)"\.format\(self\.tecent_url\)')
__all__ = ["ChatSdk", "commands", "tcim_client"]


def commands():
    """Each public method of the client: service and command that it calls, or None where it calls nothing."""
    found = {}
    for name, method in vars(TCIMClient).items():
        if not name.startswith("_") and inspect.isfunction(method):
            urls = REST_URL.findall(inspect.getsource(method))
            assert len(urls) < 2, f"{name} calls {urls}"
            found[name] = urls[0] if urls else None
    return found


class ChatSdk:
    def __init__(self, stage, app, admin="administrator"):
        self._stage = stage
        self.client = TCIMClient(app.sdkappid, app.key, admin, tencent_url=f"http://{stage.server.control}/v4", expire_time=300)

    async def call(self, method, *args, **params):
        """The JSON of the answer, whatever it is."""
        answer = await self._stage.in_thread(getattr(self.client, method), *args, **params)
        assert answer is not None, f"{method}{args}{params}: the client gave up"
        assert answer.status_code == 200, f"{method}{args}{params}: came {answer.status_code} {answer.text}"
        return answer.json()

    async def do(self, method, *args, **params):
        """A call that must succeed: the fields beside the three common ones."""
        __tracebackhide__ = True
        came = await self.call(method, *args, **params)
        rest = {name: came.pop(name) for name in list(came) if name not in ("ActionStatus", "ErrorInfo", "ErrorCode")}
        assert_shape(came, {"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0}, f"{method}{args}{params}")
        return rest

    async def refused(self, code, method, *args, **params):
        """A call that must fail with this code: its ErrorInfo."""
        __tracebackhide__ = True
        came = await self.call(method, *args, **params)
        assert came.keys() == {"ActionStatus", "ErrorInfo", "ErrorCode"}, f"{method}{args}{params}: came {came}"
        assert (came["ActionStatus"], came["ErrorCode"]) == ("FAIL", code), f"{method}{args}{params}: expected {code}, came {came}"
        assert came["ErrorInfo"], f"{method}{args}{params}: it says why"
        return came["ErrorInfo"]
