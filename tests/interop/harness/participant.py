"""A real client in an RTC channel."""

from .login import channel_token


class Participant:
    def __init__(self, client, app, channel):
        self.client, self.channel = client, channel
        self.user, self.name = client.user, f"rtc:{channel}"
        self._app = app

    async def join(self, role=None, **how):
        """Subscribes and waits for it; what the server says of it."""
        before = len(self.client.events("subscribed", channel=self.name))
        await self.ask_to_join(role, **how)
        return (await self.joined(before + 1))["data"]

    async def joined(self, nth=1, timeout=10.0):
        """The nth time that the SDK is subscribed."""
        return await self.client.event("subscribed", nth, timeout, channel=self.name)

    async def ask_to_join(self, role=None, token=None, fresh_tokens=None):
        token = channel_token(self._app, self.channel, self.user) if token is None else token
        await self.client.call(
            "subscribe", channel=self.name, join_leave=True, token=token, fresh_tokens=fresh_tokens,
            data=None if role is None else {"role": role},
        )

    async def join_refused(self, role=None, **how):
        """The code with which the SDK gives up."""
        before = len(self.client.events("unsubscribed", channel=self.name))
        await self.ask_to_join(role, **how)
        refused = await self.put_out(before + 1)
        assert refused["reason"], f"{self.client.log.name}: code {refused['code']} without a word"
        return refused["code"]

    async def put_out(self, nth=1):
        """The nth time that the SDK is unsubscribed: code and reason."""
        return await self.client.event("unsubscribed", nth, channel=self.name)

    async def leave(self):
        await self.client.leave(self.name)

    async def publish(self, *medias):
        return await self.client.rpc("rtc.publish", channel=self.name, medias=list(medias))

    async def unpublish(self, *medias):
        return await self.client.rpc("rtc.unpublish", channel=self.name, medias=list(medias))

    async def change_role(self, role):
        return await self.client.rpc("rtc.role", channel=self.name, role=role)

    async def heard(self, event, nth=1):
        """The nth publication of this name that came in the channel."""
        return await self.client.event("publication", nth, channel=self.name, tags={"event": event})

    def seen(self, kind, user):
        """What the pushes of this kind, join or leave, told of a user."""
        return [push["info"] for push in self.client.events(kind, channel=self.name) if push["info"]["user"] == user]

    async def saw(self, kind, user):
        """What the first of them told."""
        pushes = await self.client.log.until(f"the {kind} of {user} in {self.channel}", lambda _: self.seen(kind, user))
        return pushes[0]

    async def presence(self):
        """Users in the channel and what is told of them."""
        present = await self.client.call("presence", channel=self.name)
        wrong = [key for key, person in present.items() if person["client"] != key]
        assert not wrong, f"clients under another key: {wrong} in {present}"
        return {person["user"]: person for person in present.values()}
