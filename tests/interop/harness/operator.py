"""The operator's door as a media server or a script uses it: plain HTTP with a bearer token."""

import json
import urllib.error
import urllib.request

PATIENCE = 30  # seconds for one call; a virtual clock may have a lot to do


class Operator:
    def __init__(self, server):
        self._server = server

    def call(self, method, path, body=None, token=None):
        """Status and answer; blocks."""
        token = (self._server.data / "operator.token").read_text().strip() if token is None else token
        request = urllib.request.Request(
            f"http://{self._server.control}/operator/v1/{path}", method=method,
            data=None if body is None else json.dumps(body).encode(), headers={"Authorization": f"Bearer {token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
