# SPDX-License-Identifier: MIT OR Apache-2.0
"""A TCP proxy that makes a far peer of a near one: what it is sent it passes on later."""
import asyncio
import contextlib
import socket
import threading
import time


class DelayProxy:
    """Listens at `port` and passes on to 127.0.0.1:`to`, each way `one_way` seconds later.

    A connection takes a round trip to stand, as over a real path: what the client sends is not on
    its way before, and the peer sees the connection when it would get the last of TCP's three
    segments. `accepted` is when the last client connected, on the clock of `time.monotonic`.

    Use it in a `with`.
    """
    def __init__(self, to, one_way):
        self.to = to
        self.one_way = one_way
        self.accepted = None

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join()
        self.loop.close()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.ended = asyncio.Event()
        self.loop.run_until_complete(self._serve())
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))

    async def _serve(self):
        server = await asyncio.start_server(self._pass_on, sock=self.listener)
        async with server:
            await self.ended.wait()

    async def _pass_on(self, from_client, to_client):
        accepted = self.accepted = time.monotonic()
        connecting = asyncio.create_task(self._connect(accepted + 3 * self.one_way))

        async def answer():
            from_server, _ = await connecting
            await self._pump(from_server, to_client, accepted)

        async def server():
            return (await connecting)[1]

        with contextlib.suppress(OSError):
            await asyncio.gather(
                self._pump(from_client, server(), accepted + 2 * self.one_way), answer())
            (await connecting)[1].close()
        to_client.close()

    async def _connect(self, at):
        await asyncio.sleep(at - time.monotonic())
        return await asyncio.open_connection("127.0.0.1", self.to)

    async def _pump(self, source, sink, stands_at):
        """Each piece on its own time, without waiting for the one before. `sink` may be to come."""
        under_way = asyncio.Queue()

        async def deliver():
            to = await sink if asyncio.iscoroutine(sink) else sink
            while (piece := await under_way.get()) is not None:
                due, data = piece
                await asyncio.sleep(due - time.monotonic())
                to.write(data)
            with contextlib.suppress(OSError):
                to.write_eof()

        delivering = asyncio.create_task(deliver())
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                under_way.put_nowait((max(time.monotonic(), stands_at) + self.one_way, data))
        await asyncio.sleep(self.one_way)
        under_way.put_nowait(None)
        await delivering
