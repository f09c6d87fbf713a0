"""The other cloud's server API, as a manager program of a business calls it: plain HTTP, signed by the cloud's libraries."""

import asyncio
import http.client
import json
import re
import secrets
from typing import NamedTuple
from urllib.parse import quote

from .shape import assert_shape
from .usersig import usersig

CONFIG = ("set_callback", "get_callback", "update_callback", "delete_callback", "set_callback_token", "get_callback_token")
ROOMS = (
    "create_room", "destroy_room", "update_room_info", "get_room_info", "get_room_list", "set_room_metadata",
    "get_room_metadata", "del_room_metadata", "modify_admin", "get_admin_list", "change_room_owner", "ban_member",
    "unban_member", "get_banned_member_list", "mute_member", "get_muted_member_list", "send_text_msg", "send_custom_msg",
)
ACCOUNTS = ("account_import", "multiaccount_import", "account_check", "account_delete", "kick")
GROUPS = (
    "create_group", "destroy_group", "get_group_info", "get_group_member_info", "modify_group_base_info",
    "modify_group_member_info", "add_group_member", "delete_group_member", "get_joined_group_list", "get_appid_group_list",
    "get_role_in_group", "change_group_owner", "forbid_send_msg", "get_group_muted_account", "get_group_shutted_uin",
    "send_group_msg", "send_group_system_notification", "group_msg_get_simple", "group_msg_recall", "ban_group_member",
    "unban_group_member", "get_group_ban_member", "get_online_member_num",
)
MESSAGES = ("sendmsg", "batchsendmsg", "query_online_status", "admin_getroammsg", "admin_msgwithdraw")
SERVICES = (
    {command: "live_config" for command in CONFIG} | {command: "live_engine_http_srv" for command in ROOMS}
    | {"kick_user_out": "room_engine_http_srv"} | {command: "im_open_login_svc" for command in ACCOUNTS}
    | {command: "group_open_http_svc" for command in GROUPS} | {command: "openim" for command in MESSAGES}
)
REQUEST_ID = re.compile(r"Id-[0-9a-f]{32}-O-Seq-[0-9]+")
PATIENCE = 30  # seconds for one call


class Answer(NamedTuple):
    status: int
    headers: dict  # names in lower case
    text: str

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def code(self):
        return self.json["ErrorCode"]


class Tencent:
    """`library` signs; `at` is the time of the signature by the server's clock. What goes wrong raises an AssertionError."""

    def __init__(self, server, app, library="PyPI", identifier="administrator", at=None):
        self._server = server
        self.app, self.library, self.identifier = app, library, identifier
        self.usersig = usersig(library, app, identifier, at=at)

    def params(self, **changes):
        """The query of a call; None takes a name out, other names than the documented go to the end."""
        params = {
            "sdkappid": self.app.sdkappid, "identifier": self.identifier, "usersig": self.usersig,
            "random": secrets.randbelow(1 << 32), "contenttype": "json",
        }
        return {name: value for name, value in (params | changes).items() if value is not None}

    async def call(self, command, body=None, **how):
        """The answer, whatever it is. `command` alone, or with its service: `live_config/get_callback`."""
        return await asyncio.to_thread(self._call, command, body, **how)

    async def do(self, command, **body):
        """A call that must succeed: its `Response`, or of the chat API the fields beside the three common ones."""
        __tracebackhide__ = True
        answer = await self.call(command, body)
        came = answer.json
        response = came.pop("Response", None)
        fields = {} if is_live(command) else {name: came.pop(name) for name in list(came) if name not in COMMON}
        assert answer.status == 200, f"{command} {body}: expected status 200, came {answer}"
        assert_shape(came, envelope(command, "OK", 0, ""), f"{command} {body}")
        return response if is_live(command) else fields

    async def refused(self, code, command, **body):
        """A call that must fail with this code, or one of these: its ErrorInfo."""
        __tracebackhide__ = True
        return self.is_refusal(code, command, await self.call(command, body), body)

    @staticmethod
    def is_refusal(code, command, answer, what=""):
        __tracebackhide__ = True
        codes = code if isinstance(code, tuple) else (code,)
        assert answer.status == 200, f"{command} {what}: expected status 200 for a failure, came {answer}"
        assert answer.code in codes, f"{command} {what}: expected {code}, came {answer.text}"
        assert_shape(answer.json, envelope(command, "FAIL", answer.code, re.compile(r".+", re.S)), f"{command} {what}")
        return answer.json["ErrorInfo"]

    def _call(self, command, body=None, params=None, method="POST", path=None, headers=(), address="127.0.0.1", quoting=quote):
        """`params` are those of the query, or the query itself; `address` is where the call comes from. Blocks."""
        query = self.params() if params is None else params
        if not isinstance(query, str):
            query = "&".join(f"{name}={quoting(str(value), safe='*')}" for name, value in query.items())
        host, port = self._server.control.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE, source_address=(address, 0))
        try:
            path = f"/v4/{in_full(command)}" if path is None else path
            body = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
            connection.request(method, f"{path}?{query}" if query else path, body, dict(headers))
            came = connection.getresponse()
            return Answer(came.status, {k.lower(): v for k, v in came.getheaders()}, came.read().decode())
        finally:
            connection.close()


COMMON = ("ActionStatus", "ErrorInfo", "ErrorCode")


def in_full(command):
    return command if "/" in command else f"{SERVICES[command]}/{command}"


def is_live(command):
    """Whether the answer has a RequestId, and its fields in a `Response` of their own."""
    return in_full(command).startswith(("live_", "room_"))


def envelope(command, status, code, info):
    common = {"ActionStatus": status, "ErrorCode": code, "ErrorInfo": info}
    return common | {"RequestId": REQUEST_ID} if is_live(command) else common
