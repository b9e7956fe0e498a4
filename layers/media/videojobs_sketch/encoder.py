"""Frames into an MP4: H.264, `yuv420p`, the index before the data, and the same bytes from the same frames."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.video.stream import VideoStream

from videojobs_sketch.canvas import Canvas
from videojobs_sketch.video_format import VideoFormat

_BT_709 = 1
_LIMITED_RANGE = 1
_OPTIONS = {
    "preset": "ultrafast",
    "crf": "19",
    # ultrafast leaves deblocking off, and the blocks of a soft gradient show; a key frame each 2 s makes seeking quick
    "x264-params": "deblock=0,0:keyint=48",
}


class Mp4Writer:
    """A context manager that takes canvases, all of one size, and leaves a finished file.

    One thread and no creation time: the bytes depend on the frames alone.
    """

    def __init__(self, path: Path, video_format: VideoFormat) -> None:
        """Open the file for writing."""
        width, height, frames_per_second = video_format
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream: VideoStream = self._container.add_stream("libx264", rate=frames_per_second)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        context = self._stream.codec_context
        context.thread_count = 1
        context.time_base = Fraction(1, frames_per_second)
        context.options = dict(_OPTIONS)
        context.colorspace = context.color_primaries = context.color_trc = _BT_709
        context.color_range = _LIMITED_RANGE
        self._frame = av.VideoFrame(width, height, "yuv420p")
        self._frame.time_base = Fraction(1, frames_per_second)
        self._count = 0

    def write(self, canvas: Canvas) -> None:
        """Append one frame."""
        for plane, image in zip(self._frame.planes, canvas.planes(), strict=True):
            plane.update(image.tobytes("raw", "L", plane.line_size, 1))
        self._frame.pts = self._count
        self._count += 1
        self._container.mux(self._stream.encode(self._frame))

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file; after an exception only close it."""
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
