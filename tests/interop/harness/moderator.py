"""A business's moderation URL: keeps what it is asked, checks the signature, judges as the test likes."""

import asyncio
import dataclasses
import json

from .log import Log
from .listener import read_request, signature_faults


@dataclasses.dataclass
class Question:
    content: str
    faults: list


class Moderator:
    """`verdicts` maps a content to its answer: a dict for the JSON, a number for the status, None for silence.
    All else passes."""

    def __init__(self):
        self.key = None  # the AppKey, to be filled in
        self.verdicts = {}
        self.log = Log("moderator")

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/audit?from=roomd"

    def stop(self):
        self._server.close()

    @property
    def asked(self):
        return [question.content for question in self.log.seen]

    def check(self):
        """Every question was signed and shaped as documented."""
        for question in self.log.seen:
            assert not question.faults, f"{question.faults} in the question about {question.content!r}"

    async def _serve(self, reader, writer):
        try:
            while True:
                line, headers, body = await read_request(reader)
                content, faults = self._read(line, headers, body)
                self.log.add(Question(content, faults))
                verdict = self.verdicts.get(content, {"pass": True, "reason": ""})
                if verdict is None:
                    await reader.read()  # until the server hangs up
                    return
                status, answer = (200, json.dumps(verdict)) if isinstance(verdict, dict) else (verdict, "no verdict")
                writer.write(f"HTTP/1.1 {status} Because\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the server hung up
        finally:
            writer.close()

    def _read(self, line, headers, body):
        faults = signature_faults(headers, self.key)
        if line != "POST /audit?from=roomd HTTP/1.1":
            faults.append(f"request line {line!r}")
        if not headers.get("content-type", "").startswith("application/json"):
            faults.append(f"Content-Type {headers.get('content-type')!r}")
        question = json.loads(body)
        if question.keys() != {"content"}:
            faults.append(f"expected only the content to be sent, came {question}")
        return question.get("content"), faults
