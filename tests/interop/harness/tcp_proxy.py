"""A loopback TCP proxy in front of the session port that can lose connections the ways networks do."""

import asyncio
import socket
import struct

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s


class TcpProxy:
    def __init__(self, target):
        self._target = target.rsplit(":", 1)
        self._pairs = []  # (writer to the client, writer to the server, the two pumps)
        self._refusing = False

    async def start(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = "127.0.0.1:%d" % self._server.sockets[0].getsockname()[1]

    def reset(self):
        """Both ends of every connection get a TCP reset."""
        for client, server, pumps in self._take():
            for pump in pumps:
                pump.cancel()
            _reset(client)
            _reset(server)

    @property
    def ports(self):
        """From which the server is connected to."""
        return [server.get_extra_info("sockname")[1] for _, server, _ in self._pairs]

    def black_hole(self):
        """Nothing passes any more, either way, and neither end is told: no FIN, no reset."""
        for client, server, pumps in self._pairs:
            for pump in pumps:
                pump.cancel()

    def refuse(self):
        """New connections are reset at once."""
        self._refusing = True

    def accept(self):
        self._refusing = False

    def stop(self):
        self._server.close()
        self.reset()

    def _take(self):
        pairs, self._pairs = self._pairs, []
        return pairs

    async def _accept(self, client_reader, client):
        if self._refusing:
            _reset(client)
            return
        try:
            server_reader, server = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(client)
            return
        pumps = [
            asyncio.create_task(_pump(client_reader, server)),
            asyncio.create_task(_pump(server_reader, client)),
        ]
        self._pairs.append((client, server, pumps))


async def _pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


def _reset(writer):
    end = writer.get_extra_info("socket")
    if end.fileno() != -1:  # it was lost by itself
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
