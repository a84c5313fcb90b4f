"""The lines of pictures as data, read in a process of its own: what the OCR service does with a request. Processes are kept between requests, and what they read is not."""

import threading
from collections.abc import Mapping
from typing import Any

from ostiary.documents import confined, ocr
from ostiary.documents.document import Limits
from ostiary.documents.images import read_frames
from ostiary.errors import DocumentTooLarge

USES_MAX = 200
"""Requests that a process answers before another one takes its place."""


class Readers:
    """Processes that read pictures: as many as there are callers at once, kept until `close`. For any thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: list[confined.Child] = []
        self._lock = threading.Lock()

    def read(self, content: bytes) -> Mapping[str, Any]:
        """The frames of a picture, each with its size and its lines. The errors of documents; DocumentTookTooLong and the like mean that the process was ended."""
        if len(content) > self._limits.bytes_max:
            raise DocumentTooLarge
        with self._lock:
            child = self._idle.pop() if self._idle else None
        child = child or confined.Child("ostiary.documents.framing:task", self._limits, uses_max=USES_MAX)
        try:
            said, _ = child.ask(content)
        finally:
            with self._lock:
                self._idle.append(child)
        return said

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.close()


def task(limits: Limits, content: bytes) -> confined.Answer:
    """What the child process does: boxes are left, top, right, bottom in pixels."""
    frames = []
    try:
        for width, height, lines in read_frames(content, limits):
            read = [
                {
                    "text": line.text,
                    "score": line.score,
                    "box": [line.box.left, line.box.top, line.box.right, line.box.bottom],
                }
                for line in lines
            ]
            frames.append({"width": width, "height": height, "lines": read})
    finally:
        ocr.forget()
    return {"frames": frames}, b""
