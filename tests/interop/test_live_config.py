"""Where the webhooks of live rooms go, as a manager program sets it: the callback, its words, its token."""

import asyncio
import json

import pytest

from harness.live_receiver import WORDS
from harness.shape import differences
from harness.usersig import LIBRARIES

EXISTS, MISSING, NO_TOKEN, BAD = 100300, 100301, 100302, 100002
URL = "http://www.example.com/callback"
TWO = ["Live.CallbackAfterCreateRoom", "Live.CallbackAfterDestroyRoom"]
OTHERS = [
    "Mic.CallbackAfterSeatInfoChanged", "Live.CallbackAfterCreateBattle", "Live.CallbackAfterStartBattle",
    "Live.CallbackAfterEndBattle", "Live.CallbackBeforeSendGift", "Live.CallbackBeforeCallBackNotBlock",
    "Group.CallbackBeforeSendMsg", "Group.CallbackAfterSendMsg", "Follow.CallbackAfterFollowAdd",
    "Follow.CallbackAfterFollowDelete",
]  # documented words of what happens in no room of this server, or is told elsewhere

# "Query Callback Configuration" of the cloud's documents, edition of 2024-09-24.
SAMPLE = """
{
"ErrorCode": 0,
"ErrorInfo": "",
"ActionStatus": "OK",
"RequestId": "Id-1cc8828fd3d84795ac866ced43b15b5c-O-Seq-61309",
"Response": {
"Url": "http://www.example.com/callback",
"CallbackCommandList": [
"Live.CallbackAfterCreateRoom",
"Live.CallbackAfterDestroyRoom"
]
}
}
"""


async def caller(stage, library="PyPI"):
    return await stage.tencent(await stage.app(), library)


async def configured(tencent):
    """Url and words, or None, of the answer to get_callback."""
    answer = await tencent.call("get_callback")
    if answer.code == MISSING:
        return None
    came = answer.json["Response"]
    assert list(came) == ["Url", "CallbackCommandList"], f"came {answer.text}"
    return came["Url"], came["CallbackCommandList"]


@pytest.mark.parametrize("library", LIBRARIES)
async def test_the_life_of_a_callback(stage, library):
    tencent = await caller(stage, library)
    await tencent.refused(MISSING, "get_callback")
    await tencent.refused(MISSING, "update_callback", Url=URL, CallbackCommandList=TWO)
    assert await tencent.do("set_callback", Url=URL, CallbackCommandList=TWO) is None

    answer = await tencent.call("get_callback")
    request = answer.json["RequestId"]
    expected = SAMPLE.replace("Id-1cc8828fd3d84795ac866ced43b15b5c-O-Seq-61309", request)
    assert "".join(answer.text.split()) == "".join(expected.split()), "as the document shows it, but for white space"
    assert not differences(answer.json, json.loads(expected))

    await tencent.refused(EXISTS, "set_callback", Url="http://www.example.com/other", CallbackCommandList=[])
    assert await configured(tencent) == (URL, TWO), "who was refused has changed nothing"
    assert await tencent.do("update_callback", Url="https://www.example.com/other", CallbackCommandList=TWO[1:]) is None
    assert await configured(tencent) == ("https://www.example.com/other", TWO[1:])
    for _ in range(2):
        assert await tencent.do("delete_callback") is None
    assert await configured(tencent) is None
    await tencent.refused(MISSING, "update_callback", Url=URL, CallbackCommandList=TWO)
    await tencent.do("set_callback", Url=URL, CallbackCommandList=[])
    assert await configured(tencent) == (URL, [])


async def test_each_application_has_its_own(stage):
    tencent, other = await caller(stage), await caller(stage)
    await tencent.do("set_callback", Url=URL, CallbackCommandList=TWO)
    await tencent.do("set_callback_token", Token="t", IsTokenEnable=True)
    assert await configured(other) is None
    await other.refused(NO_TOKEN, "get_callback_token")


async def test_the_documented_words_are_taken_once_each_in_the_order_given(stage):
    tencent = await caller(stage)
    words = [*OTHERS, *reversed(WORDS)]
    await tencent.do("set_callback", Url=URL, CallbackCommandList=[*words, *WORDS])
    assert await configured(tencent) == (URL, words)
    for wrong in ("", "Live.CallbackAfterCreate", "live.CallbackAfterCreateRoom", "Live.CallbackMemberStateChanged", "*"):
        message = await tencent.refused(BAD, "update_callback", Url=URL, CallbackCommandList=[*TWO, wrong])
        assert wrong in message, f"the word that is wrong is named: {message}"
    assert await configured(tencent) == (URL, words)


async def test_bad_parameters_change_nothing(stage):
    tencent = await caller(stage)
    bad = [
        {}, {"Url": URL}, {"CallbackCommandList": TWO}, {"Url": 1, "CallbackCommandList": TWO}, {"Url": None, "CallbackCommandList": TWO},
        {"Url": URL, "CallbackCommandList": "Live.CallbackAfterCreateRoom"}, {"Url": URL, "CallbackCommandList": [1]},
        {"Url": URL, "CallbackCommandList": None}, {"Url": URL, "CallbackCommandList": {}},
    ]
    bad += [{"Url": url, "CallbackCommandList": TWO} for url in (
        "", "www.example.com/callback", "ftp://www.example.com/", "http://", "http:///callback", "http://www.example.com/a b",
        "http://www.example.com/a!", "http://www.example.com/a$b", "http://www.example.com/?a=b", "http://www.example.com/a&b",
        "http://www.exa_mple.com/", f"http://{'a' * 64}.com/", "http://www.example.com:0x50/", "http://www.example.com:99999/",
        " http://www.example.com/", "http://www.example.com/\n",
    )]
    for body in bad:
        await tencent.refused(BAD, "set_callback", **body)
        assert await configured(tencent) is None, f"{body} was refused"
    await tencent.do("set_callback", Url=URL, CallbackCommandList=TWO)
    for body in bad:
        await tencent.refused(BAD, "update_callback", **body)
        assert await configured(tencent) == (URL, TWO), f"{body} was refused"


@pytest.mark.parametrize("url", [
    "https://www.example.com", "http://www.example.com:8080/a/b-c_d~e", "http://203.0.113.7:9000/callback", "http://127.0.0.1/",
    f"http://{'a' * 63}.example.com/", "http://[2001:db8::1]:9000/callback",
])
async def test_addresses_that_the_rule_allows_are_kept_as_they_are(stage, url):
    tencent = await caller(stage)
    await tencent.do("set_callback", Url=url, CallbackCommandList=TWO)
    assert await configured(tencent) == (url, TWO)


async def test_the_life_of_a_token(stage):
    tencent = await caller(stage)
    await tencent.refused(NO_TOKEN, "get_callback_token")
    for incomplete in ({}, {"Token": "xxxxyyyy"}, {"IsTokenEnable": True}):
        await tencent.refused(BAD, "set_callback_token", **incomplete)
    await tencent.refused(NO_TOKEN, "get_callback_token")

    async def is_now(**expected):
        came = await tencent.do("get_callback_token")
        assert came == expected and list(came) == ["Token", "IsTokenEnable"], f"came {came}"

    assert await tencent.do("set_callback_token", Token="xxxxyyyy", IsTokenEnable=False) is None
    await is_now(Token="xxxxyyyy", IsTokenEnable=False)
    await tencent.do("set_callback_token", IsTokenEnable=True)
    await is_now(Token="xxxxyyyy", IsTokenEnable=True)
    await tencent.do("set_callback_token", Token="z" * 128)
    await is_now(Token="z" * 128, IsTokenEnable=True)
    for bad in (
        {"Token": ""}, {"Token": "z" * 129}, {"Token": 1}, {"IsTokenEnable": "true"}, {"IsTokenEnable": 1},
        {"Token": "", "IsTokenEnable": False}, {"Token": "new", "IsTokenEnable": "no"},
    ):
        await tencent.refused(BAD, "set_callback_token", **bad)
        await is_now(Token="z" * 128, IsTokenEnable=True)
    assert await configured(tencent) is None, "a token is no callback"
    await tencent.do("delete_callback")
    await is_now(Token="z" * 128, IsTokenEnable=True)


async def test_what_is_configured_survives_a_kill(stage):
    tencent = await caller(stage)
    await tencent.do("set_callback", Url=URL, CallbackCommandList=TWO)
    await tencent.do("set_callback_token", Token="xxxxyyyy", IsTokenEnable=True)
    await stage.server.kill()
    await stage.server.start()
    assert await configured(tencent) == (URL, TWO)
    assert await tencent.do("get_callback_token") == {"Token": "xxxxyyyy", "IsTokenEnable": True}


async def test_of_many_who_create_it_at_once_one_does(stage):
    tencent = await caller(stage)
    answers = await asyncio.gather(*(
        tencent.call("set_callback", {"Url": f"{URL}/{n}", "CallbackCommandList": TWO}) for n in range(8)
    ))
    codes = sorted(answer.code for answer in answers)
    assert codes == [0] + [EXISTS] * 7, f"came {codes}"
    winner = next(n for n, answer in enumerate(answers) if answer.code == 0)
    assert await configured(tencent) == (f"{URL}/{winner}", TWO)
