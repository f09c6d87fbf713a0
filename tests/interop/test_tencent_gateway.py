"""The door of the other cloud's API: one envelope with two faces, status 200 for everything, and the order of the checks."""

import asyncio
import http.client
import re
import time
from urllib.parse import quote

import pytest

from harness.shape import assert_shape
from harness.tencent import CONFIG, REQUEST_ID, ROOMS, envelope, is_live
from harness.usersig import LIBRARIES

ROOM = {"RoomId": "r1", "RoomType": "Live"}
SOMETHING = re.compile(r".+", re.S)
NOT_SET = 100301  # the answer to get_callback of who was let in
WITHOUT_PARAMETERS = {  # the codes; of all others it is 100002
    "get_callback": (NOT_SET,), "get_callback_token": (100302,), "delete_callback": (0,),
    "get_room_list": (0, 100002),  # Next and Count may be taken for their defaults
}


async def caller(stage, library="PyPI"):
    return await stage.tencent(await stage.app(), library)


@pytest.mark.parametrize("library", LIBRARIES)
async def test_the_two_faces_of_the_envelope(stage, library):
    tencent = await caller(stage, library)
    made = await tencent.call("create_room", {"RoomInfo": ROOM})
    assert list(made.json) == ["ErrorCode", "ErrorInfo", "ActionStatus", "RequestId", "Response"], f"came {made.text}"
    assert_shape(made.json, envelope("create_room", "OK", 0, "") | {"Response": dict})
    nothing_to_say = await tencent.call("delete_callback", {})
    assert_shape(nothing_to_say.json, envelope("delete_callback", "OK", 0, ""))
    failed = await tencent.call("get_callback", {})
    assert_shape(failed.json, envelope("get_callback", "FAIL", NOT_SET, SOMETHING))

    of_chat = {"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0}
    asked = await tencent.call("get_group_info", {"GroupIdList": ["r1"]})
    assert_shape(asked.json, of_chat | {"GroupInfo": [dict]})
    await tencent.do("account_import", UserID="ann")
    kicked = await tencent.call("kick", {"UserID": "ann"})
    assert_shape(kicked.json, of_chat)
    refused = await tencent.call("kick", {})
    assert_shape(refused.json, {"ActionStatus": "FAIL", "ErrorInfo": SOMETHING, "ErrorCode": int})
    for answer in (made, nothing_to_say, failed, asked, kicked, refused):
        assert answer.status == 200 and answer.headers["content-type"].startswith("application/json"), f"came {answer}"
        assert int(answer.headers["content-length"]) == len(answer.text.encode())

    requests = [answer.json["RequestId"] for answer in (made, nothing_to_say, failed)]
    assert all(REQUEST_ID.fullmatch(request) for request in requests) and len(set(requests)) == 3, f"came {requests}"
    counts = [int(request.rsplit("-", 1)[1]) for request in requests]
    assert counts == sorted(set(counts)), f"the number at the end counts, came {counts}"


async def test_of_two_mistakes_the_first_in_the_order_of_the_checks_is_told(stage):
    app, disabled = await stage.app(), await stage.app()
    tencent, off = await stage.tencent(app), await stage.tencent(disabled)
    await stage.control("ModifyLiveMessageAppDisable", AppId=disabled.id, Disable=True)
    anns = await stage.usersig(app, "ann")
    unknown = "live_config/no_such_command"
    for expected, what, how in (
        (60002, "a GET to nowhere", {"method": "GET", "path": "/v4/nowhere"}),
        (60002, "a PUT", {"method": "PUT"}),
        (60002, "a bad escape, to nowhere", {"path": "/v4/nowhere/%zz"}),
        (60002, "a bad escape in the query", {"params": "sdkappid=%zz"}),
        (60009, "nowhere, without a number", {"path": "/v4/nowhere/at_all", "params": ""}),
        (60009, "no command", {"path": "/v4/live_config", "params": ""}),
        (60009, "more than a command", {"path": "/v4/live_config/get_callback/now", "params": ""}),
        (60009, "no command of this service", {"path": f"/v4/{unknown}", "params": ""}),
        (60009, "in capitals", {"path": "/v4/live_config/Get_callback"}),
        (60012, "nothing at all", {"params": ""}),
        (60012, "no number", {"params": tencent.params(sdkappid=None, identifier=None)}),
        (60006, "an unknown number", {"params": tencent.params(sdkappid=1, identifier=None)}),
        (60006, "no number but a word", {"params": tencent.params(sdkappid=app.id, usersig=None)}),
        (60006, "a number too large", {"params": tencent.params(sdkappid=app.sdkappid + (1 << 32), usersig=None)}),
        (60016, "a disabled application", {"params": off.params(identifier=None)}),
        (60004, "no identifier", {"params": tencent.params(identifier=None, usersig=None)}),
        (60004, "an empty identifier", {"params": tencent.params(identifier="", usersig="!!")}),
        (70002, "no usersig", {"params": tencent.params(identifier="ann", usersig=None)}),
        (70002, "an empty usersig", {"params": tencent.params(identifier="ann", usersig="")}),
        (70003, "a bad usersig of no administrator", {"params": tencent.params(identifier="ann", usersig="!!")}),
        (70013, "another's usersig, and no JSON", {"params": tencent.params(usersig=anns), "body": b"{"}),
        (60010, "no administrator, and no JSON", {"params": tencent.params(identifier="ann", usersig=anns), "body": b"{"}),
        (60003, "no JSON", {"body": b"{"}),
        (60003, "no body", {"body": b""}),
        (60003, "not UTF-8", {"body": b'{"Url":"\xff"}'}),
        (NOT_SET, "all is well", {}),
    ):
        answer = await tencent.call("get_callback", **{"body": {}} | how)
        assert (answer.status, answer.code) == (200, expected), f"{what}: expected {expected}, came {answer}"
        came = answer.json
        assert came["ActionStatus"] == "FAIL" and came["ErrorInfo"], f"{what}: came {came}"
        assert came.keys() - {"RequestId"} == {"ActionStatus", "ErrorInfo", "ErrorCode"}, f"{what}: came {came}"


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json", "application/x-www-form-urlencoded", "nonsense"])
async def test_the_content_type_does_not_matter(stage, content_type):
    tencent = await caller(stage)
    headers = {} if content_type is None else {"Content-Type": content_type}
    made = await tencent.call("create_room", {"RoomInfo": ROOM | {"RoomName": "名 & +"}}, headers=headers)
    assert made.code == 0, f"came {made}"
    assert (await tencent.do("get_room_info", RoomId="r1"))["RoomInfo"]["RoomName"] == "名 & +"


@pytest.mark.parametrize("library", LIBRARIES)
async def test_the_query_may_be_written_in_any_way_that_means_the_same(stage, library):
    tencent = await caller(stage, library)
    escaped = lambda text, safe: "".join(f"%{byte:02X}" for byte in text.encode())
    for what, how in (
        ("as it is", {}),
        ("* as %2A", {"quoting": lambda text, safe: quote(text, safe="")}),
        ("everything escaped", {"quoting": escaped}),
        ("small hex digits", {"quoting": lambda text, safe: escaped(text, safe).lower()}),
        ("nothing escaped", {"quoting": lambda text, safe: text}),
        ("backwards", {"params": dict(reversed(tencent.params().items()))}),
        ("more than is needed", {"params": {"nettype": 0} | tencent.params(apn="x%&=", empty="")}),
        ("the largest random", {"params": tencent.params(random=4294967295)}),
    ):
        answer = await tencent.call("get_callback", **how)
        assert answer.code == NOT_SET, f"{what}: came {answer.text}"
    wrong_case = {name.upper() if name == "usersig" else name: value for name, value in tencent.params().items()}
    answer = await tencent.call("get_callback", params=wrong_case)
    assert answer.code == 70002, f"names are case-sensitive, came {answer.text}"


async def test_what_is_not_there_is_said_in_the_service_s_words(stage):
    tencent = await caller(stage)
    for command, expected in (
        ("live_config/create_callback", 60009),
        ("live_config/delete_callback_token", 60009),
        ("livee_config/get_callback", 60009),  # as the document misprints it
        ("live_engine_http_srv/no_such_command", 60009),
        ("room_engine_http_srv/no_such_command", 60009),
        ("im_open_login_svc/no_such_command", 60009),
        ("openim/no_such_command", 60009),
        ("group_open_http_svc/no_such_command", 10003),
        ("no_such_service/get_callback", 60009),
    ):
        answer = await tencent.call(command)
        assert (answer.status, answer.code) == (200, expected), f"{command}: expected {expected}, came {answer}"
        assert ("RequestId" in answer.json) == is_live(command) or "no_such_service" in command or "livee" in command, (
            f"{command}: came {answer.text}"
        )


async def test_every_command_of_the_contract_is_there(stage):
    """None of them says that it is unknown, or takes no parameter for an empty one."""
    tencent = await caller(stage)
    for command in (*CONFIG, *ROOMS, "kick_user_out"):
        answer = await tencent.call(command, {})
        expected = WITHOUT_PARAMETERS.get(command, (100002,))
        assert answer.status == 200 and answer.code in expected, f"{command}: expected {expected}, came {answer}"


async def test_a_body_that_is_no_object_is_refused(stage):
    tencent = await caller(stage)
    for body in (b"[]", b"1", b'"x"', b"null", b'{"RoomId":"r1"} x', b'{"RoomId":1}', b'{"RoomId":null}', b'{"RoomId":["r1"]}'):
        answer = await tencent.call("get_room_info", body)
        assert answer.status == 200 and answer.code in (60003, 100002), f"{body}: came {answer}"


async def test_the_root_answers_those_who_only_look_whether_somebody_is_there(stage):
    host, port = stage.server.control.split(":")

    def look(method):
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        connection.request(method, "/")
        came = connection.getresponse()
        return came.status, came.read()

    assert (await stage.in_thread(look, "HEAD")) == (200, b"")
    status, _ = await stage.in_thread(look, "GET")
    assert status == 200


async def test_one_connection_serves_many_calls(stage):
    """As callers are told to do: keep-alive and a pool."""
    tencent = await caller(stage)
    host, port = stage.server.control.split(":")
    query = "&".join(f"{name}={quote(str(value), safe='*')}" for name, value in tencent.params().items())

    def talk():
        connection, came = http.client.HTTPConnection(host, int(port), timeout=10), []
        for n in range(30):
            method, path = (("POST", f"/v4/live_config/get_callback?{query}"), ("HEAD", "/"), ("GET", "/v4/x/y"))[n % 3]
            connection.request(method, path, b"{}" if method == "POST" else None)
            answer = connection.getresponse()
            came.append((answer.status, bool(answer.read())))
            sockets.add(connection.sock)
        return came

    sockets = set()
    assert await stage.in_thread(talk) == [(200, True), (200, False), (200, True)] * 10
    assert len(sockets) == 1, "it was never closed in between"


async def test_the_list_of_rooms_may_be_asked_for_10_times_a_second(stage):
    app, other = await stage.app(), await stage.app()
    tencent, elsewhere = await stage.tencent(app), await stage.tencent(other)
    began = time.monotonic()
    answers = await asyncio.gather(*(tencent.call("get_room_list", {"Next": "", "Count": 20}) for _ in range(60)))
    seconds = int(time.monotonic() - began) + 1  # that may have begun meanwhile
    let_in = [answer for answer in answers if answer.code == 0]
    assert 10 <= len(let_in) <= 10 * seconds + 10, f"within {seconds} s came {len(let_in)}"
    for answer in answers:
        if answer not in let_in:
            tencent.is_refusal(60007, "get_room_list", answer)
    for caller, command, expected in ((elsewhere, "get_room_list", 0), (tencent, "get_callback", NOT_SET)):
        answer = await caller.call(command)
        assert answer.code == expected, f"another application, another command are other matters: came {answer}"
    await asyncio.sleep(1)
    assert (await tencent.call("get_room_list")).code == 0


async def test_administrators_are_who_the_operator_says(stage):
    app = await stage.live_app(administrators=["root", "主管"])
    root, boss = await stage.tencent(app, identifier="root"), await stage.tencent(app, "npm", identifier="主管")
    nobody = await stage.tencent(app)
    for tencent, expected in ((root, NOT_SET), (boss, NOT_SET), (nobody, 60010)):
        assert (await tencent.call("get_callback")).code == expected, f"{tencent.identifier}"
    await stage.operator("PATCH", f"apps/{app.id}", {"administrators": ["administrator", "主管"]})
    for tencent, expected in ((root, 60010), (boss, NOT_SET), (nobody, NOT_SET)):
        assert (await tencent.call("get_callback")).code == expected, f"{tencent.identifier}"
    shown = await stage.operator("GET", f"apps/{app.id}")
    assert shown["administrators"] == ["administrator", "主管"], f"came {shown}"


async def test_the_command_line_makes_and_changes_an_application_for_this_cloud(stage, tmp_path):
    key = tmp_path / "key"
    key.write_text("5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e\n")
    made = await stage.roomd(
        "app", "create", "--sdkappid", "1400000000", "--app-key-file", str(key), "--administrator", "root",
        "--after-retry", "2", "--json",
    )
    assert (made["sdkappid"], made["app_key"]) == (1400000000, key.read_text().strip()), f"came {made}"
    assert (made["administrators"], made["after_retry"]) == (["root"], 2), f"came {made}"
    app = stage.known(made)
    root, boss = await stage.tencent(app, "npm", "root"), await stage.tencent(app, identifier="boss")
    assert [(await one.call("get_callback")).code for one in (root, boss)] == [NOT_SET, 60010]
    changed = await stage.roomd("app", "change", "--app", app.id, "--administrator", "boss", "--after-retry", "0", "--json")
    assert (changed["administrators"], changed["after_retry"]) == (["boss"], 0), f"came {changed}"
    assert [(await one.call("get_callback")).code for one in (root, boss)] == [60010, NOT_SET]
    assert (await stage.ask_operator("POST", "apps", {"sdkappid": 1400000000}))[0] == 409, "the number is taken"
