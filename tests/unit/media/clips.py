"""Clips as providers make them, including unusual and faulty ones, encoded during the test."""

from array import array
from collections.abc import Sequence
from fractions import Fraction
from math import pi, sin
from pathlib import Path
from typing import Any

import av
from PIL import Image

RED, GREEN, BLUE, GREY = (200, 30, 30), (30, 160, 40), (40, 50, 190), (120, 120, 120)
type Colour = tuple[int, int, int]

_RATE = 48000
_PIECE = 1024


def bars(width: int, height: int, *colours: Colour) -> Image.Image:
    """Return a picture of vertical bars of equal width, from left to right."""
    row = Image.new("RGB", (len(colours), 1))
    row.putdata(list(colours))
    return row.resize((width, height), Image.Resampling.NEAREST)


def write_clip(
    path: Path,
    pictures: Sequence[Image.Image],
    *,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rate: int = 24,
    times: Sequence[Fraction] | None = None,
    hum_seconds: float = 0,
    hum_from: float = 0,
    sound_codec: str = "aac",
    sound_rate: int = _RATE,
    layout: str = "stereo",
    pixel_ratio: Fraction | None = None,
    rotation: int = 0,
    faststart: bool = True,
    options: dict[str, str] | None = None,
    colours: tuple[int, int] | None = None,
) -> Path:
    """Write the pictures as a video, with a hum of 440 Hz if `hum_seconds` is over 0; return the path.

    `times` are the times of the pictures in seconds; by default they follow each other at `rate` per second.
    """
    width, height = pictures[0].size
    container_options = {"movflags": "+faststart"} if faststart and path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=container_options) as container:
        video: Any = container.add_stream(codec, rate=rate, options=options or {})
        video.width, video.height, video.pix_fmt = width, height, pixel_format
        tick = Fraction(1, 1000) if times else Fraction(1, rate)
        video.codec_context.time_base = tick
        if pixel_ratio:
            video.codec_context.sample_aspect_ratio = pixel_ratio
        if rotation:
            video.set_display_rotation(rotation)
        if colours:
            video.codec_context.colorspace, video.codec_context.color_range = colours
        sound: Any = container.add_stream(sound_codec, rate=sound_rate, layout=layout) if hum_seconds else None
        for number, picture in enumerate(pictures):
            frame: Any = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            if colours:
                frame = frame.reformat(format=pixel_format, dst_colorspace=colours[0], dst_color_range=colours[1])
            frame.pts, frame.time_base = round(times[number] / tick) if times else number, tick
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound:
            _write_hum(container, sound, hum_seconds, hum_from, sound_rate)
    return path


def _write_hum(container: Any, sound: Any, seconds: float, begin: float, rate: int) -> None:
    channels = sound.layout.nb_channels
    for first in range(0, round(seconds * rate), _PIECE):
        piece = av.AudioFrame(format="flt", layout=sound.layout.name, samples=_PIECE)
        wave = array("f", (0.5 * sin(2 * pi * 440 * (first + place) / rate) for place in range(_PIECE)))
        piece.planes[0].update(array("f", (level for level in wave for _ in range(channels))).tobytes())
        piece.sample_rate, piece.pts, piece.time_base = rate, first + round(begin * rate), Fraction(1, rate)
        container.mux(sound.encode(piece))
    container.mux(sound.encode())


def pictures_in(path: Path) -> list[av.VideoFrame]:
    """Return all decoded frames."""
    with av.open(str(path)) as container:
        return list(container.decode(container.streams.video[0]))


def loudness_in(path: Path) -> list[float]:
    """Return the peak level of the sound (0–1) during each 24th of a second."""
    resampler = av.AudioResampler(format="flt", layout="stereo", rate=_RATE, frame_size=_RATE // 24)
    levels: list[float] = []
    with av.open(str(path)) as container:
        frames = [
            frame for piece in container.decode(container.streams.audio[0]) for frame in resampler.resample(piece)
        ]
        for frame in [*frames, *resampler.resample(None)]:
            samples = array("f", bytes(frame.planes[0])[: 2 * 4 * frame.samples])
            levels.append(max(map(abs, samples)))
    return levels


def packets_in(path: Path) -> list[tuple[int, int | None, bytes]]:
    """Return the stream index, the time and the content of each packet, ordered by stream and time."""
    with av.open(str(path)) as container:
        packets = [(packet.stream_index, packet.dts, bytes(packet)) for packet in container.demux() if packet.size]
    return sorted(packets, key=lambda packet: packet[:2])


def colour_at(frame: av.VideoFrame, across: float, down: float = 0.5) -> Colour:
    """Return the colour at that position (0–1), averaged over nine pixels."""
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    x, y = round(across * (image.width - 1)), round(down * (image.height - 1))
    red, green, blue = image.resize((1, 1), Image.Resampling.BOX, (x, y, x + 1, y + 1)).getpixel((0, 0))
    return red, green, blue
