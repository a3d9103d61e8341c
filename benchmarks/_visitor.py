"""Visitors without a browser: Streamlit's protocol on a websocket.

A visitor of the Draw page sends what the drawable canvas sends and reads what the page
would show; one of the Train page watches a training. They cost so little that one
process holds hundreds of them.
"""

import asyncio
import base64
import io
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from benchmarks import _server
from mnist_core.inking import ink_from_strokes

SIZE = 280  # pixels of the canvas
PEN = 20  # pixels
FINER = 4  # times as many pixels, from which the soft edge of a stroke comes
TOO_LATE = 30.0  # seconds to wait for an answer


class NoAnswerError(Exception):
    """A page that failed, or that did not come."""


@dataclass
class Visitor:
    """A tab.

    Attributes:
        digit: What the page shows as read, "–" for nothing.
        answered: When it said so last, on the clock `time.perf_counter`.
    """

    socket: ClientConnection
    url: str  # in the address bar
    digit: str = ""
    answered: float = 0.0
    _page: str = ""  # which page the server has shown
    _canvas: str = ""  # the canvas, among the page's widgets
    _fragment: str = ""  # the part of the page that runs again for the canvas
    _place: list[int] = field(default_factory=list)  # where the digit is shown

    async def draw(self, drawing: str) -> None:
        """Send a drawing as the canvas does; returns when the page is complete.

        Raises:
            NoAnswerError: If the page does not say what it reads.
        """
        message = self._message()
        request = message.rerun_script
        request.page_script_hash, request.fragment_id = self._page, self._fragment
        request.widget_states.widgets.add(id=self._canvas, json_value=drawing)
        before = self.answered
        await self._run(message)
        if self.answered == before:
            raise NoAnswerError("The page has run and shows no digit.")

    def _message(self) -> BackMsg:
        message = BackMsg()
        context = message.rerun_script.context_info
        context.timezone, context.locale, context.url = "UTC", "en-US", self.url
        context.color_scheme = "light"
        return message

    async def watch(self) -> None:
        """Open the page and ask for its live parts, as often as it says, for ever.

        Raises:
            NoAnswerError: If the page fails.
        """
        message = self._message()
        message.rerun_script.page_name = urlsplit(self.url).path.strip("/")
        await self.socket.send(message.SerializeToString())
        async with asyncio.TaskGroup() as group:
            live: dict[str, asyncio.Task[None]] = {}
            async for data in self.socket:
                said = ForwardMsg.FromString(bytes(data))
                if said.delta.new_element.WhichOneof("type") == "exception":
                    raise NoAnswerError(f"The page says: {said.delta.new_element}")
                if said.WhichOneof("type") == "navigation":
                    self._page = said.navigation.page_script_hash
                elif said.WhichOneof("type") == "auto_rerun":
                    part, every = said.auto_rerun.fragment_id, said.auto_rerun.interval
                    if part in live:
                        live[part].cancel()
                    live[part] = group.create_task(self._ask_for(part, every))

    async def _ask_for(self, fragment: str, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            message = self._message()
            request = message.rerun_script
            request.page_script_hash, request.fragment_id = self._page, fragment
            request.is_auto_rerun = True
            await self.socket.send(message.SerializeToString())

    async def _run(self, message: BackMsg) -> None:
        try:
            async with asyncio.timeout(TOO_LATE):
                await self.socket.send(message.SerializeToString())
                while not self._receive(await self.socket.recv(decode=False)):
                    pass
        except TimeoutError as error:
            raise NoAnswerError(f"No answer in {TOO_LATE:g} s.") from error

    def _receive(self, data: bytes) -> bool:
        """Note what the server says; whether it was the last of a page."""
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "delta":
            self._show(message.delta, list(message.metadata.delta_path))
        elif kind == "navigation":
            self._page = message.navigation.page_script_hash
        return kind == "script_finished"

    def _show(self, delta: Delta, path: list[int]) -> None:
        if delta.add_block.id.endswith("-predicted-digit"):
            self._place = path
        element = delta.new_element
        if "drawable-canvas" in element.bidi_component.component_name:
            self._canvas, self._fragment = element.bidi_component.id, delta.fragment_id
        elif element.WhichOneof("type") in ("exception", "alert"):
            raise NoAnswerError(f"The page says: {element}")
        elif element.html.body and path[:-1] == self._place:
            self.digit = re.sub("<[^>]*>", "", element.html.body).strip()
            self.answered = time.perf_counter()


@asynccontextmanager
async def visiting(url: str) -> AsyncIterator[Visitor]:
    """Open the Draw page; yields when it is complete."""
    async with _tab(f"{url}/") as visitor:
        await visitor._run(visitor._message())
        yield visitor


async def watch(url: str) -> None:
    """Open the Train page, and watch what trains there until this is cancelled."""
    async with _tab(f"{url}/train") as visitor:
        await visitor.watch()


@asynccontextmanager
async def _tab(url: str) -> AsyncIterator[Visitor]:
    address = f"ws://{urlsplit(url).netloc}/_stcore/stream"
    # A browser offers compression, and the server declines it: that is Streamlit's
    # `server.enableWebsocketCompression`.
    options = {"compression": None, "max_size": None, "open_timeout": TOO_LATE}
    async with connect(address, **options) as socket:
        yield Visitor(socket, url)


@cache
def drawing(digit: int) -> str:
    """What the canvas sends for a digit: its stroke and its pixels, as JSON."""
    points = _server.curve(digit) * SIZE
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    (x, y), *others = points.round(6).tolist()
    path = [["M", x, y], *(["Q", x, y, x + 0.5, y + 0.5] for x, y in others)]
    stroke = {
        "type": "Path", "version": "7.4.0", "originX": "center", "originY": "center",
        "left": (left + right) / 2, "top": (top + bottom) / 2,
        "width": right - left, "height": bottom - top, "fill": None,
        "stroke": "#000000", "strokeWidth": PEN, "strokeDashArray": None,
        "strokeLineCap": "round", "strokeLineJoin": "round", "strokeMiterLimit": 10,
        "scaleX": 1, "scaleY": 1, "angle": 0, "opacity": 1, "visible": True,
        "path": path,
    }  # fmt: skip
    raw = {"version": "7.4.0", "objects": [stroke], "background": "#ffffff"}
    return json.dumps({"drawing": {"raw": raw, "data": _picture(digit)}})


def _picture(digit: int) -> str:
    points = _server.curve(digit) * SIZE * FINER
    ink = Image.fromarray(ink_from_strokes([points], SIZE * FINER, PEN * FINER))
    soft = ink.resize((SIZE, SIZE), Image.Resampling.BOX)
    paper, buffer = soft.point(lambda tone: 255 - tone), io.BytesIO()
    # As quickly packed as in a browser, and so nearly as large.
    paper.convert("RGBA").save(buffer, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
