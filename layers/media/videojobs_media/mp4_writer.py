"""MP4 writer for video frames and their sound: H.264 in `yuv420p` and AAC, with the index before the data."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.audio.stream import AudioStream
from av.video.frame import PictureType
from av.video.stream import VideoStream

from videojobs.domain.plan import FRAMES_PER_SECOND
from videojobs_media.filters import SAMPLES_PER_FRAME, SAMPLES_PER_SECOND

_BT_709 = 1
_LIMITED_RANGE = 1
_OPTIONS = {
    "preset": "veryfast",
    "crf": "20",
    # a key frame every 2 s makes seeking fast, and a short lookahead keeps fewer frames in memory
    "x264-params": f"keyint={2 * FRAMES_PER_SECOND}:rc-lookahead=12",
}
_SOUND_BITS_PER_SECOND = 160_000


class Mp4Writer:
    """Context manager that encodes frames of one size to an MP4 file.

    The file is playable only after the `with` block has ended without an exception.
    """

    def __init__(self, path: Path, width: int, height: int, *, has_sound: bool) -> None:
        """Configure the encoder, with an audio stream if `has_sound`. `width` and `height` are in pixels.

        The file is created when the first encoded frame is written.
        """
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
        """Append one video frame and its sound, and set their timestamps. Without `has_sound`, the sound is ignored.

        Raises:
            OSError: If the file can't be written.
        """
        picture.pts, picture.time_base = self._count, Fraction(1, FRAMES_PER_SECOND)
        picture.pict_type = PictureType.NONE  # otherwise the encoder repeats the key frames of the clip
        self._container.mux(self._pictures.encode(picture))
        if self._sounds and sound:
            sound.pts, sound.time_base = self._count * SAMPLES_PER_FRAME, Fraction(1, SAMPLES_PER_SECOND)
            self._container.mux(self._sounds.encode(sound))
        self._count += 1

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
            self._container.mux(self._pictures.encode(None))
            if self._sounds:
                self._container.mux(self._sounds.encode(None))
        self._container.close()
