"""Small MP4 file in the form of a provider's result."""

import io
from functools import cache

import av
from PIL import Image, ImageChops

_SAMPLES = 48000
_PIECE = 1024


@cache
def make_video(
    width: int = 160, height: int = 96, seconds: float = 1, *, frames_per_second: int = 24, has_sound: bool = False
) -> bytes:
    """Return an MP4 file with a moving picture in H.264, and a tone if `has_sound`; cached by its arguments."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        pictures = container.add_stream("libx264", rate=frames_per_second, options={"preset": "ultrafast"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        sound = container.add_stream("aac", rate=_SAMPLES, layout="mono") if has_sound else None
        across = Image.linear_gradient("L").resize((width, height))
        down = Image.radial_gradient("L").resize((width, height))
        for number in range(round(seconds * frames_per_second)):
            moved = (ImageChops.offset(across, 0, 2 * number), ImageChops.offset(down, 3 * number, 0), down)
            container.mux(pictures.encode(av.VideoFrame.from_image(Image.merge("RGB", moved))))  # type: ignore[no-untyped-call]
        container.mux(pictures.encode())
        if sound:
            for number in range(round(seconds * _SAMPLES / _PIECE)):
                container.mux(sound.encode(_hum(number)))
            container.mux(sound.encode())
    return out.getvalue()


def _hum(number: int) -> av.AudioFrame:
    """Return the frame `number` of a sawtooth tone of 187.5 Hz."""
    piece = av.AudioFrame(format="s16", layout="mono", samples=_PIECE)
    piece.sample_rate, piece.pts = _SAMPLES, number * _PIECE
    period = b"".join((40 * level).to_bytes(2, "little", signed=True) for level in range(-128, 128))
    piece.planes[0].update(period * (_PIECE // 256))
    return piece
