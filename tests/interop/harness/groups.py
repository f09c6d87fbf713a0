"""Groups of the chat and who is in them, as the tests need them."""

import secrets

from .chat_receiver import WORDS
from .clients import Refused

TOKEN = "xxxxyyyy"
KEPT = ("Private", "Public", "ChatRoom", "Community")  # types whose members stay while they are away
TYPES = (*KEPT, "AVChatRoom")
NEW_NAMES = {"Private": "Work", "ChatRoom": "Meeting"}
FOR_EVER = 4294967295
MOST_BYTES = 12_288  # of MsgBody and CloudCustomData
ELEMENTS = [
    {"MsgType": "TIMTextElem", "MsgContent": {"Text": "hello 名"}},
    {"MsgType": "TIMFaceElem", "MsgContent": {"Index": 6, "Data": "abc"}},
    {"MsgType": "TIMLocationElem", "MsgContent": {"Desc": "here", "Latitude": 29.340656774469956, "Longitude": 116.77497920478824}},
    {"MsgType": "TIMCustomElem", "MsgContent": {"Data": "d", "Desc": "e", "Ext": "f", "Sound": "g.wav"}},
    {"MsgType": "TIMFileElem", "MsgContent": {"Url": "http://f", "UUID": "u", "FileSize": 1, "FileName": "n", "Download_Flag": 2}},
]
EVERYBODY = ("olga", "ann", "bob", "carl")
FAULT, BAD, NOT_ALLOWED, GONE, NONE, REFUSED, MUTED, NOBODY = 10002, 10004, 10007, 10010, 10015, 10016, 10017, 10019
TOO_FAST, FILTERED, TOO_LONG = 10023, 80001, 80002


def group_id(kind, name="g1"):
    """One that such a group may have."""
    return f"@TGS#_{name}" if kind == "Community" else name


def members(*users):
    return [{"Member_Account": user} for user in users]


def text(said):
    return [{"MsgType": "TIMTextElem", "MsgContent": {"Text": said}}]


def custom(data, **more):
    return [{"MsgType": "TIMCustomElem", "MsgContent": {"Data": data} | more}]


async def chat(stage, *users, settings=None, **how):
    """A caller of an application in which these are imported, and nobody else."""
    tencent = await stage.tencent(await stage.live_app(**how))
    if settings:
        await stage.operator("PATCH", f"apps/{tencent.app.id}", {"chat": settings})
    await imported(tencent, *(users or EVERYBODY))
    return tencent


async def imported(tencent, *users):
    assert await tencent.do("multiaccount_import", Accounts=list(users)) == {"FailAccounts": []}


async def telling(stage, *users, words=WORDS, token=None, settings=None, **how):
    """The same, and its URL is told of what happens."""
    tencent = await chat(stage, *users, settings=settings, **how)
    await stage.listen_to_chat(tencent.app, words, token)
    return tencent


async def make(tencent, kind="Public", name="g1", owner="olga", inside=("ann", "bob"), **more):
    """A group with these in it; its id. Of AVChatRooms nobody is a member by being named."""
    group = {"Type": kind, "Name": name, "GroupId": group_id(kind, name), "Owner_Account": owner} | more
    if kind != "AVChatRoom" and inside:
        group["MemberList"] = members(*inside)
    made = await tencent.do("create_group", **group)
    assert made == {"GroupId": group["GroupId"]}, f"came {made}"
    return made["GroupId"]


async def say(tencent, group, said, sender="olga", random=None, **more):
    """MsgSeq of what is sent in somebody's name."""
    body = {"GroupId": group, "From_Account": sender, "MsgBody": text(said) if isinstance(said, str) else said}
    random = secrets.randbelow(1 << 32) if random is None else random
    return await tencent.do("send_group_msg", Random=random, **body | more)


async def described(tencent, group, **filter):
    asked = {"GroupIdList": [group]} | ({"ResponseFilter": filter} if filter else {})
    [info] = (await tencent.do("get_group_info", **asked))["GroupInfo"]
    return info


async def roster(tencent, group, **more):
    """Who is a member, by name: what is told of it."""
    came = await tencent.do("get_group_member_info", GroupId=group, **more)
    return {member["Member_Account"]: member for member in came["MemberList"]}


async def history(tencent, group, number=20, **more):
    """What was said, the newest first."""
    came = await tencent.do("group_msg_get_simple", GroupId=group, ReqMsgNumber=number, **more)
    return came["RspMsgList"]


async def attempt(client, group, body):
    """The code with which a client's message was refused; None: it was not."""
    try:
        await client.publish(group, {"body": body})
    except Refused as error:
        return error.code
