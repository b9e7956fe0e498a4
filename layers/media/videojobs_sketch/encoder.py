"""Deterministic MP4 writer for canvases: H.264 in `yuv420p`, with the index before the data."""

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
_THREADS = 2
"""While the encoder works on a frame, the next one is drawn. x264 gives the same bytes for a number of threads."""
_OPTIONS = {
    "preset": "ultrafast",
    "crf": "19",
    # The preset disables deblocking, which leaves visible blocks in soft gradients.
    # A key frame every 2 s (48 frames) makes seeking fast.
    "x264-params": "deblock=0,0:keyint=48",
}


class Mp4Writer:
    """Context manager that encodes canvases of one size to an MP4 file.

    The file is playable only after the `with` block has ended without an exception. The same canvases give the same
    bytes, because the encoder has a fixed number of threads and writes no creation time.
    """

    def __init__(self, path: Path, video_format: VideoFormat) -> None:
        """Configure the encoder. The format gives the size in pixels and the frame rate.

        The file is created when the first encoded frame is written.
        """
        width, height, frames_per_second = video_format
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream: VideoStream = self._container.add_stream("libx264", rate=frames_per_second)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        context = self._stream.codec_context
        context.thread_count = _THREADS
        context.time_base = Fraction(1, frames_per_second)
        context.options = dict(_OPTIONS)
        context.colorspace = context.color_primaries = context.color_trc = _BT_709
        context.color_range = _LIMITED_RANGE
        self._frame = av.VideoFrame(width, height, "yuv420p")
        self._frame.time_base = Fraction(1, frames_per_second)
        self._count = 0

    def write(self, canvas: Canvas) -> None:
        """Append the canvas as one frame.

        Raises:
            OSError: If the file can't be written.
        """
        for plane, image in zip(self._frame.planes, canvas.planes(), strict=True):
            plane.update(image.tobytes("raw", "L", plane.line_size, 1))
        self._frame.pts = self._count
        self._count += 1
        self._container.mux(self._stream.encode(self._frame))

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Encode the remaining frames and close the file. After an exception, only close it.

        The exception is raised to the caller.

        Raises:
            OSError: If the file can't be written.
        """
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
