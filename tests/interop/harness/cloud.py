"""The cloud's own server SDKs, unmodified, pointed at roomd. All are called by the wire's names."""

import importlib
import json
import logging
import re

from alibabacloud_live20161101 import models
from alibabacloud_live20161101.client import Client as LiveClient
from alibabacloud_tea_openapi import exceptions
from alibabacloud_tea_openapi import models as open_api
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import RpcRequest
from darabonba.runtime import RuntimeOptions

from .model import assert_declared

REGION, VERSION = "cn-shanghai", "2016-11-01"
GETS = {"ListEventSub", "ListEventSubEvent", "ListLiveMessageGroupByPage"}  # all else are POSTs, in both SDKs
logging.getLogger("aliyunsdkcore").setLevel(logging.CRITICAL)  # it logs every refusal that a test expects


class CloudError(Exception):
    """A refusal, as the SDK raised it."""

    def __init__(self, status, code, message, request_id, retry_after=None):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.request_id = status, code, message, request_id
        self.retry_after = retry_after  # ms; only the new SDK reads it


class TappedClient(LiveClient):
    """Keeps the last answer as it came: the SDK's classes drop what they do not know, and fill in lists."""

    def call_api(self, params, *args):
        answer = super().call_api(params, *args)
        self.came, self.method = answer["body"], params.method
        return answer


class NewSdk:
    """pip alibabacloud-live20161101, signature V3 or (`algorithm="v2"`) 1.0."""

    wrong_secret_code = "SignatureDoesNotMatch"

    def __init__(self, control, key_id, key_secret, algorithm=None):
        self._client = TappedClient(open_api.Config(
            access_key_id=key_id, access_key_secret=key_secret, endpoint=control, protocol="http",
            region_id=REGION, signature_algorithm=algorithm,
        ))

    def call(self, action, **params):
        """Goes through the SDK's request and response classes, by which the answer is checked."""
        method = getattr(self._client, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action).lower())
        response = self._raising(method, getattr(models, f"{action}Request")().from_map(params))
        assert response.status_code == 200, f"{action}: status {response.status_code}"
        header = response.headers.get("x-acs-request-id")
        assert header == response.body.request_id, f"x-acs-request-id {header} but RequestId {response.body.request_id}"
        assert_method(action, self._client.method)
        assert_declared(action, self._client.came)
        assert response.body.to_map() == self._client.came, f"the SDK read {response.body} from {self._client.came}"
        return self._client.came

    def call_unknown(self, action):
        params = open_api.Params(
            action=action, version=VERSION, protocol="HTTPS", pathname="/", method="POST", auth_type="AK",
            style="RPC", req_body_type="formData", body_type="json",
        )
        return self._raising(self._client.call_api, params, open_api.OpenApiRequest(query={}), RuntimeOptions())

    def _raising(self, method, *args):
        try:
            return method(*args)
        except exceptions.ThrottlingException as error:
            raise CloudError(error.status_code, error.code, error.message, error.request_id, error.retry_after) from None
        except exceptions.AlibabaCloudException as error:
            raise CloudError(error.status_code, error.code, error.message, error.request_id) from None


class OldSdk:
    """pip aliyun-python-sdk-live, signature 1.0."""

    wrong_secret_code = "InvalidAccessKeySecret"  # made by the SDK: our string to sign equals its own

    def __init__(self, control, key_id, key_secret):
        self._host, port = control.rsplit(":", 1)
        self._client = AcsClient(key_id, key_secret, REGION, port=int(port))

    def call(self, action, **params):
        request = getattr(importlib.import_module(f"aliyunsdklive.request.v20161101.{action}Request"), f"{action}Request")()
        for name, value in params.items():
            setter = f"set_{name}s" if hasattr(request, f"set_{name}s") else f"set_{name}"  # a list's has one s more
            getattr(request, setter)(value)
        assert_method(action, request.get_method())
        answer = self._send(request)
        assert_declared(action, answer)  # this SDK has no classes for answers; they are the same as the other's
        return answer

    def call_unknown(self, action):
        return self._send(RpcRequest("live", VERSION, action))

    def _send(self, request):
        request.set_endpoint(self._host)
        request.set_protocol_type("http")
        try:
            return json.loads(self._client.do_action_with_exception(request))
        except ServerException as error:
            raise CloudError(
                error.get_http_status(), error.get_error_code(), error.get_error_msg(), error.get_request_id()
            ) from None


def assert_method(action, came):
    expected = "GET" if action in GETS else "POST"
    assert came == expected, f"{action}: the SDK was expected to send it as {expected}, it is a {came}"


def sdk(name, control, key_id, key_secret):
    if name == "old":
        return OldSdk(control, key_id, key_secret)
    return NewSdk(control, key_id, key_secret, algorithm="v2" if name == "v2" else None)


SDKS = ("v3", "v2", "old")
