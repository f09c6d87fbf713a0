"""A business server's callback URL for messaging: what happened to its users, in the order it was told."""

import dataclasses
import json

from .listener import Listener, signature_faults


@dataclasses.dataclass
class Event:
    """One event out of the `eves` batches."""

    app: str
    uid: str
    sid: str
    fields: dict


class Receiver(Listener):
    def __init__(self):
        super().__init__()
        self.failing_users = set()  # whoever is in here, gets 500 for his events

    @property
    def events(self):
        """Every event that was accepted, once, in the order of arrival."""
        events = []
        for callback in self.accepted:
            body = json.loads(callback.body)
            for user in body["eves"]:
                events += [Event(body["appid"], user["uid"], user["sid"], fields) for fields in user["events"]]
        return events

    def events_of(self, user):
        return [event for event in self.events if event.uid == user]

    async def event(self, user, nth=1, timeout=10.0, **fields):
        """The nth accepted event of a user that has these fields."""
        __tracebackhide__ = True

        def found(_):
            fits = [e for e in self.events_of(user) if all(e.fields.get(k) == v for k, v in fields.items())]
            return fits[nth - 1] if len(fits) >= nth else None

        return await self.log.until(f"event {nth} of {user} with {fields}", found, timeout)

    def _status(self, body):
        if self.next_statuses:
            return self.next_statuses.popleft()
        if self.failing_users and any(user["uid"] in self.failing_users for user in json.loads(body)["eves"]):
            return 500
        return self.status

    def _faults(self, request_line, headers, body):
        faults = super()._faults(request_line, headers, body)
        try:
            app = json.loads(body)["appid"]
        except (ValueError, KeyError, TypeError):
            return faults + ["the body is not JSON with an appid"]
        return faults + signature_faults(headers, self.keys.get(app), clock=self.clock)
