"""Writes pictures and their sound into an MP4: H.264 `yuv420p` and AAC, with the index before the data."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.audio.stream import AudioStream
from av.video.frame import PictureType
from av.video.stream import VideoStream

from videojobs.adapters.media.filters import SAMPLES_PER_FRAME, SAMPLES_PER_SECOND
from videojobs.domain.plan import FRAMES_PER_SECOND

_BT_709 = 1
_LIMITED_RANGE = 1
_OPTIONS = {
    "preset": "veryfast",
    "crf": "20",
    # a key frame each 2 s makes seeking quick; few pictures wait in the encoder
    "x264-params": f"keyint={2 * FRAMES_PER_SECOND}:rc-lookahead=12",
}
_SOUND_BITS_PER_SECOND = 160_000


class Mp4Writer:
    """A context manager that takes pictures, all of one size, and leaves a finished file."""

    def __init__(self, path: Path, width: int, height: int, *, has_sound: bool) -> None:
        """Open the file for writing."""
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._pictures: VideoStream = self._container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        self._pictures.width, self._pictures.height, self._pictures.pix_fmt = width, height, "yuv420p"
        context = self._pictures.codec_context
        context.thread_count = 1
        context.time_base = Fraction(1, FRAMES_PER_SECOND)
        context.sample_aspect_ratio = Fraction(1)
        context.options = dict(_OPTIONS)
        context.colorspace = context.color_primaries = context.color_trc = _BT_709
        context.color_range = _LIMITED_RANGE
        self._sounds: AudioStream | None = None
        if has_sound:
            self._sounds = self._container.add_stream("aac", rate=SAMPLES_PER_SECOND, layout="stereo")
            self._sounds.bit_rate = _SOUND_BITS_PER_SECOND
        self._count = 0

    def write(self, picture: av.VideoFrame, sound: av.AudioFrame | None) -> None:
        """Append one picture and its sound."""
        picture.pts, picture.time_base = self._count, Fraction(1, FRAMES_PER_SECOND)
        picture.pict_type = PictureType.NONE  # the encoder would otherwise keep the clip's key frames
        self._container.mux(self._pictures.encode(picture))
        if self._sounds and sound:
            sound.pts, sound.time_base = self._count * SAMPLES_PER_FRAME, Fraction(1, SAMPLES_PER_SECOND)
            self._container.mux(self._sounds.encode(sound))
        self._count += 1

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file; after an exception only close it."""
        if kind is None:
            self._container.mux(self._pictures.encode(None))
            if self._sounds:
                self._container.mux(self._sounds.encode(None))
        self._container.close()
