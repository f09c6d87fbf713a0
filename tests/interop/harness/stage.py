"""One server, one receiver and whatever a test adds to them. All of it is gone when the test ends."""

import asyncio
import concurrent.futures
import dataclasses
import functools
import json
import math
import os
import secrets
import time

from . import cloud
from .chat_receiver import WORDS as CHAT_WORDS
from .chat_receiver import ChatReceiver
from .clients import Client
from .live_receiver import WORDS, LiveReceiver
from .login import login_token
from .moderator import Moderator
from .operator import Operator
from .participant import Participant
from .receiver import Receiver
from .rtc_receiver import RtcReceiver
from .shape import REQUEST_ID
from .tcp_proxy import TcpProxy
from .tencent import Tencent
from .usersig import login, usersig
from .whole import assert_all_is_told

RTC_EVENTS = ("ChannelEvent", "UserEvent")
CALLS_AT_ONCE = 64  # asyncio's own threads are too few, and a reliable message holds one until it is confirmed


@dataclasses.dataclass
class App:
    id: str
    key: str
    sign: str
    sdkappid: int = 0  # where it does not matter


class Stage:
    def __init__(self, server):
        self.server = server
        self.receiver, self.rtc = Receiver(), RtcReceiver()
        self.live = LiveReceiver()  # hears only what a test subscribes it to
        self.chat = ChatReceiver()  # likewise
        self._receivers = (self.receiver, self.rtc, self.live, self.chat)
        self.rtc.keys = self.receiver.keys
        self.apps = {}  # by the text of the SDKAppID
        self.live.sdkappids = self.chat.sdkappids = self.apps.keys()
        self.channels = set()  # that anybody was in: AppId and ChannelId
        self._operator = Operator(server)
        self._clients, self._proxies, self._moderators, self._running = [], [], [], []
        self._threads = concurrent.futures.ThreadPoolExecutor(CALLS_AT_ONCE)

    async def __aenter__(self):
        for receiver in self._receivers:
            await receiver.start()
        await self.server.start()
        if self.server.virtual:
            await self.advance(0)
        return self

    async def __aexit__(self, kind, error, _):
        try:
            if kind is None and self.server.running:
                await assert_all_is_told(self)
        except BaseException:
            kind = AssertionError
            raise
        finally:
            await self._close(kind)

    async def _close(self, kind):
        if kind is not None:
            self._show()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients:
            await client.stop()
        for proxy in self._proxies:
            proxy.stop()
        try:
            if self.server.running:
                code = await self.server.stop()
                assert code == 0 or kind is not None, f"expected exit code 0 after SIGTERM, came {code}"
        finally:
            for told in (*self._receivers, *self._moderators):
                told.stop()
        if kind is None:
            for told in (*self._receivers, *self._moderators):
                told.check()

    async def control(self, action, sdk="v3", **params):
        """A call of the cloud's API through one of its SDKs, off the event loop."""
        return await self.in_thread(self.sdk(sdk).call, action, **params)

    async def in_thread(self, function, *args, **params):
        return await asyncio.get_running_loop().run_in_executor(self._threads, functools.partial(function, *args, **params))

    def meanwhile(self, doing):
        """Lets this run beside the test, and not longer; to be awaited for what came of it."""
        task = asyncio.create_task(doing)
        self._running.append(task)
        return task

    async def refused(self, status, code, action, sdk="v3", **params):
        """A call that must be refused like this; the message."""
        try:
            answer = await self.control(action, sdk, **params)
        except cloud.CloudError as error:
            assert (error.status, error.code) == (status, code), f"{action} {params}: expected {status} {code}, came {error}"
            assert REQUEST_ID.fullmatch(error.request_id), f"RequestId of the error: {error.request_id!r}"
            return error.message
        raise AssertionError(f"{action} {params}: expected {status} {code}, came {answer}")

    async def ask_operator(self, method, path, body=None, **how):
        """A call at the operator's door: status and answer."""
        return await self.in_thread(self._operator.call, method, path, body, **how)

    async def operator(self, method, path, body=None):
        status, answer = await self.ask_operator(method, path, body)
        assert status == 200, f"{method} {path} {body}: expected 200, came {status} {answer}"
        return answer

    async def roomd(self, *command):
        """What a command of the program prints as JSON about this server's data."""
        process = await asyncio.create_subprocess_exec(
            os.environ["ROOMD_BIN"], *command, "--data", str(self.server.data), stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await asyncio.wait_for(process.communicate(), 15)
        assert process.returncode == 0, f"{command} ended with {process.returncode}"
        return json.loads(printed)

    async def report(self, app, channel, *events):
        """What a media server says of a channel; an entry for each event."""
        self.channels.add((app.id, channel))
        body = events[0] if len(events) == 1 else {"events": events}
        return (await self.operator("POST", f"channels/{app.id}/{channel}/events", body))["events"]

    async def report_refused(self, app, channel, *events, body=None):
        """Status and code of a report that must be refused."""
        path, body = f"channels/{app.id}/{channel}/events", {"events": events} if body is None else body
        status, answer = await self.ask_operator("POST", path, body)
        assert status >= 400 and answer["error"]["message"], f"expected {body} to be refused, came {status} {answer}"
        return status, answer["error"]["code"]

    async def advance(self, seconds):
        """Moves the virtual clock, by which all receivers go."""
        before = self.now()
        self._set_clocks(before, before + seconds)
        now = (await self.operator("POST", "clock", {"advance_ms": round(seconds * 1000)}))["now"] / 1000
        self._set_clocks(now, now)

    async def lose(self, proxy):
        """Resets all connections through the proxy, and waits until the server has seen it: only then may time go on."""
        sockets = self.server.sockets(proxy.ports)
        proxy.reset()
        deadline = time.monotonic() + 10
        while self.server.holds(sockets):
            assert time.monotonic() < deadline, "10 s after a reset the server has not closed its end"
            await asyncio.sleep(0.001)

    async def restart(self):
        """kill -9 and a new start, with which a virtual clock begins anew at the machine's time."""
        await self.server.kill()
        if self.server.virtual:
            self._set_clocks(0, math.inf)
        await self.server.start()
        if self.server.virtual:
            now = (await self.operator("POST", "clock", {"advance_ms": 0}))["now"] / 1000
            self._set_clocks(now, now)

    def _set_clocks(self, earliest, latest):
        for receiver in self._receivers:
            receiver.clock = lambda: (earliest, latest)

    def now(self):
        """Unix seconds by the server's clock."""
        return self.rtc.clock()[1]

    def sdk(self, name, key_id=None, key_secret=None):
        server = self.server
        return cloud.sdk(name, server.control, key_id or server.key_id, key_secret or server.key_secret)

    async def app(self, *groups, sdk="v3"):
        """An application whose callbacks come to the receiver, with these groups in it."""
        made = await self.control("CreateLiveMessageApp", sdk, AppName="interop", EventCallbackUrl=self.receiver.url)
        app = self.known(await self.operator("GET", f"apps/{made['AppId']}"))
        for group in groups:
            await self.control("CreateLiveMessageGroup", sdk, AppId=app.id, GroupId=group)
        return app

    async def live_app(self, **settings):
        """An application made at the operator's door, for the other cloud; its callbacks come to the receiver as well."""
        made = await self.operator("POST", "apps", {"event_callback_url": self.receiver.url} | settings)
        return self.known(made)

    def known(self, made):
        """The application that the operator's door or the command line shows."""
        app = App(made["app_id"], made["app_key"], made["app_sign"], made["sdkappid"])
        self.receiver.keys[app.id] = app.key
        self.apps[str(app.sdkappid)] = app
        return app

    async def tencent(self, app, library="PyPI", identifier="administrator"):
        """A caller of the other cloud's API."""
        return await self.in_thread(Tencent, self.server, app, library, identifier, at=self._signed_at())

    async def listen(self, tencent, words=WORDS, token=None):
        """The receiver of live rooms is told these words of the caller's application from now on."""
        self.live.words, self.live.token = tuple(words), token
        if token:
            await tencent.do("set_callback_token", Token=token, IsTokenEnable=True)
        await tencent.do("set_callback", Url=self.live.url, CallbackCommandList=list(words))

    async def listen_to_chat(self, app, words=CHAT_WORDS, token=None):
        """The receiver of the chat is told these words of the application from now on, and asked those of hooks."""
        self.chat.words, self.chat.token = tuple(words), token
        return await self.operator("PUT", f"apps/{app.id}/webhooks", {
            "url": self.chat.url, "commands": list(words), "token": token or "", "token_enabled": bool(token),
        })

    async def usersig(self, app, user, library="PyPI", **how):
        """By the server's clock."""
        return await self.in_thread(usersig, library, app, user, **({"at": self._signed_at()} | how))

    async def viewer(self, sdk, app, user, *rooms, library="PyPI", **options):
        """A client that logs in with a UserSig, in these rooms."""
        client = await self.client(sdk, app, user, token=login(app, user, await self.usersig(app, user, library)), **options)
        await client.join(*rooms)
        return client

    def _signed_at(self):
        """Only a clock that the server does not share with the libraries has to be told to them."""
        return int(self.now()) if self.server.virtual else None

    async def subscribe(self, app, channel="*", users=(), events=RTC_EVENTS, sdk="v3", url=None, whole=True):
        """Subscribes the RTC receiver; the SubscribeId. Not `whole` where it hears less than whole sequences."""
        asked = {"AppId": app.id, "CallbackUrl": url or self.rtc.url, "Events": list(events)}
        asked |= ({"ChannelId": channel} if channel != "*" else {}) | ({"Users": list(users)} if users else {})
        made = (await self.control("CreateEventSub", sdk, **asked))["SubscribeId"]
        self.rtc.expect(made, app.id, channel, users, events, whole)
        return made

    async def participant(self, sdk, app, user, channel, role=None, **options):
        """A client in a channel."""
        participant = self.outside(await self.client(sdk, app, user, **options), app, channel)
        await participant.join(role)
        return participant

    def outside(self, client, app, channel):
        """A client that may join the channel."""
        self.channels.add((app.id, channel))
        return Participant(client, app, channel)

    async def client(
        self, sdk, app, user, device="d1", info="", role="", token=None, through=None, connect=True, **options
    ):
        """A client of this user, connected unless told otherwise."""
        client = Client(sdk, user, f"{user}.{secrets.token_hex(2)}")
        self._clients.append(client)
        token = token or login_token(app, user, role)
        await client.start(self.server.sessions_url(through), token, {"device": device, "user_info": info}, **options)
        if connect:
            await client.connect()
        return client

    async def group(self, app, group, **params):
        await self.control("CreateLiveMessageGroup", AppId=app.id, GroupId=group, **params)

    async def moderator(self, app):
        """A moderation server that is asked about this application's messages from now on."""
        moderator = Moderator()
        self._moderators.append(moderator)
        moderator.key = app.key
        await moderator.start()
        await self.control("ModifyLiveMessageAppAudit", AppId=app.id, AuditType=2, AuditUrl=moderator.url)
        return moderator

    async def proxy(self):
        proxy = TcpProxy(self.server.sessions)
        self._proxies.append(proxy)
        await proxy.start()
        return proxy

    def _show(self):
        """What the person who reads a failure needs."""
        print(f"--- last lines of the server\n{self.server.last_lines()}")
        print(f"--- callbacks\n{self.receiver.log}")
        print(f"--- callbacks of channels\n{self.rtc.log}")
        print(f"--- callbacks of live rooms\n{self.live.log}")
        print(f"--- webhooks of the chat\n{self.chat.log}")
        for moderator in self._moderators:
            print(f"--- questions\n{moderator.log}")
        for client in self._clients:
            print(f"--- {client.log.name}\n{client.log}")
