"""A client on PyPI `centrifuge-python`, driven over stdin and stdout by harness/clients.py.

It speaks the same lines as client.mjs, where they are described.
"""

import asyncio
import json
import logging
import sys

from centrifuge import Client, ClientEventHandler, StreamPosition, SubscriptionEventHandler


def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def tell(event, **fields):
    say({"event": event, **fields})


class Tap(logging.Handler):
    """The SDK hides a publication's time from its users, but logs every object it was sent."""

    def emit(self, record):
        if record.msg == "got reply %s":
            reply = record.args if isinstance(record.args, dict) else record.args[0]
            tell("wire", reply=reply)
            if message := reply.get("push", {}).get("message"):  # this SDK skips them
                tell("message", data=message["data"])
        elif record.msg == "connection closed, code: %d, reason: %s":
            tell("closed", code=record.args[0], reason=record.args[1])


class ConnectionEvents(ClientEventHandler):
    async def on_connecting(self, ctx):
        tell("connecting", code=ctx.code, reason=ctx.reason)

    async def on_connected(self, ctx):
        tell("connected", client=ctx.client, data=ctx.data)

    async def on_disconnected(self, ctx):
        tell("disconnected", code=ctx.code, reason=ctx.reason)

    async def on_error(self, ctx):
        tell("error", code=getattr(ctx.error, "code", ctx.code), message=str(ctx.error))


class ChannelEvents(SubscriptionEventHandler):
    def __init__(self, channel):
        self.channel = channel

    async def on_subscribed(self, ctx):
        position = ctx.stream_position and {"offset": ctx.stream_position.offset, "epoch": ctx.stream_position.epoch}
        tell(
            "subscribed", channel=self.channel, recoverable=ctx.recoverable, positioned=ctx.positioned,
            was_recovering=ctx.was_recovering, recovered=ctx.recovered, data=ctx.data, **(position or {}),
        )

    async def on_unsubscribed(self, ctx):
        tell("unsubscribed", channel=self.channel, code=ctx.code, reason=ctx.reason)

    async def on_error(self, ctx):
        tell("subscription_error", channel=self.channel, code=getattr(ctx.error, "code", ctx.code), message=str(ctx.error))

    async def on_publication(self, ctx):
        pub = ctx.pub
        tell("publication", channel=self.channel, data=pub.data, offset=pub.offset, info=person(pub.info), tags=pub.tags)

    async def on_join(self, ctx):
        tell("join", channel=self.channel, info=person(ctx.info))

    async def on_leave(self, ctx):
        tell("leave", channel=self.channel, info=person(ctx.info))


def person(info):
    if info is None:
        return None
    told = {"client": info.client, "user": info.user, "conn_info": info.conn_info, "chan_info": info.chan_info}
    return {name: value for name, value in told.items() if value is not None}


class Commands:
    def __init__(self, client):
        self.client = client

    async def connect(self):
        await self.client.connect()

    async def disconnect(self):
        await self.client.disconnect()

    async def subscribe(self, channel, join_leave, token=None, fresh_tokens=None, data=None):
        """With a token it is a new subscription each time, so that another token can be tried."""
        sub = self.client.get_subscription(channel)
        if sub is None or token:
            self.client.remove_subscription(sub)

            async def get_token(channel):
                tell("get_channel_token", channel=channel)
                return fresh_tokens.pop(0) if fresh_tokens else ""

            sub = self.client.new_subscription(
                channel, ChannelEvents(channel), join_leave=join_leave, token=token or "", data=data,
                get_token=None if fresh_tokens is None else get_token,
            )
        await sub.subscribe()

    async def unsubscribe(self, channel):
        await self.client.get_subscription(channel).unsubscribe()

    async def publish(self, channel, data):
        await self.client.publish(channel, data)

    async def send(self, data):
        await self.client.ready()
        await self.client._send_commands([{"send": {"data": data}}])  # this SDK has no send of its own

    async def rpc(self, method, data):
        return {"data": (await self.client.rpc(method, data)).data}

    async def presence(self, channel):
        return {key: person(info) for key, info in (await self.client.presence(channel)).clients.items()}

    async def presence_stats(self, channel):
        stats = await self.client.presence_stats(channel)
        return {"num_clients": stats.num_clients, "num_users": stats.num_users}

    async def history(self, channel, limit, since, reverse):
        result = await self.client.history(channel, limit, since and StreamPosition(**since), reverse)
        publications = [{"data": pub.data, "offset": pub.offset} for pub in result.publications]
        return {"publications": publications, "offset": result.offset, "epoch": result.epoch}


async def obey(commands, message):
    number, name = message.pop("id"), message.pop("do")
    try:
        say({"id": number, "ok": await getattr(commands, name)(**message) or {}})
    except Exception as error:
        say({"id": number, "error": {"code": getattr(error, "code", None), "message": str(error) or repr(error)}})


async def main():
    lines = asyncio.StreamReader(limit=1 << 22)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    start = json.loads(await lines.readline())

    async def get_token():
        tell("get_token")
        return start["fresh_tokens"].pop(0) if start["fresh_tokens"] else ""

    client = Client(
        start["url"], ConnectionEvents(), token=start["token"], get_token=get_token, data=start["data"],
        max_server_ping_delay=start["ping_grace_ms"] / 1000,
    )
    commands, running = Commands(client), set()
    while line := await lines.readline():
        task = asyncio.create_task(obey(commands, json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


log = logging.getLogger("centrifuge")
log.addHandler(Tap())
log.setLevel(logging.DEBUG)
log.propagate = False
asyncio.run(main())
