"""Files that came from outside: only the expected formats and decoders, within limits, before a frame is decoded."""

import re
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from localcloud.config import ROOT
from tests.unit.media.clips import GREEN, RED, write_clip
from videojobs.domain.errors import ProviderError
from videojobs.domain.plan import Clip, Plan
from videojobs_media.assemble import assemble_video
from videojobs_media.inspect import inspect_video
from videojobs_media.media_file import VIDEO, open_media
from videojobs_media.mp4_index import MAXIMUM_SAMPLES
from videojobs_media.renderer import PyAvRenderer
from videojobs_media.stills import write_pictures

SIZE = (64, 48)
NOT_PLAYABLE = "The provider's file is not a playable video."
TOO_LARGE = "The provider's video is too large. Change the request and try again."
OTHER_FORMAT = "The provider's video has a format that is not supported. Change the request and try again."


def stills(count: int = 24, size: tuple[int, int] = SIZE) -> list[Image.Image]:
    return [Image.new("RGB", size, GREEN)] * count


def refusal(path: Path) -> ProviderError:
    """Return the error of each reader of media, which must all refuse the file with the same one."""
    plan = Plan((Clip(*SIZE, 1),), SIZE, *SIZE, 24)
    made = path.parent / "made"
    made.mkdir(exist_ok=True)
    readers: list[Callable[[], object]] = [
        lambda: PyAvRenderer().verify(path),
        lambda: inspect_video(path),
        lambda: write_pictures(path, poster=made / "poster.jpg", preview=made / "preview.webp"),
        lambda: assemble_video([path], plan, made / "video.mp4", lambda _: None),
    ]
    errors = []
    for read in readers:
        with pytest.raises(ProviderError) as caught:
            read()
        errors.append(caught.value)
    assert {(str(error.message), error.transient) for error in errors} == {(errors[0].message, errors[0].transient)}
    assert list(made.iterdir()) == []
    return errors[0]


# ---------------------------------------------------------------- formats

TEXTS = {
    "HLS playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nneighbour.mp4\n#EXT-X-ENDLIST\n",
    "HLS playlist of a URL": "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
    "concat script": "ffconcat version 1.0\nfile neighbour.mp4\n",
    "session description": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "DASH manifest": "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static'></MPD>",
    "SVG picture": "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>",
    "FFmpeg metadata": ";FFMETADATA1\ntitle=x\n",
    "filter graph": "testsrc=duration=1",
    "web page": "<html><body>Welcome to nginx!</body></html>",
    "script behind the type of an MP4": "\0\0\0\x14ftypisom\0\0\0\0isomffconcat version 1.0\nfile neighbour.mp4\n",
    "type of an MP4 alone": "\0\0\0\x14ftypisom\0\0\0\0isom",
    "nothing": "",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_that_makes_ffmpeg_open_other_files_is_refused(tmp_path: Path, kind: str) -> None:
    write_clip(tmp_path / "neighbour.mp4", stills())
    path = tmp_path / "clip.mp4"
    path.write_bytes(TEXTS[kind].encode("latin-1"))
    error = refusal(path)
    assert (error.message, error.transient) == (NOT_PLAYABLE, True)


FORMATS: dict[str, dict[str, Any]] = {
    "AVI": {"suffix": ".avi", "codec": "mpeg4"},
    "AVI, MagicYUV": {"suffix": ".avi", "codec": "magicyuv", "pixel_format": "gbrp"},
    "Matroska": {"suffix": ".mkv"},
    "Matroska, FFV1": {"suffix": ".mkv", "codec": "ffv1"},
    "FLV": {"suffix": ".flv", "codec": "flv"},
    "GIF": {"suffix": ".gif", "codec": "gif", "pixel_format": "rgb8"},
    "MPEG-TS": {"suffix": ".ts"},
    "MPEG program stream": {"suffix": ".mpg", "codec": "mpeg2video", "rate": 25},
    "NUT": {"suffix": ".nut", "codec": "huffyuv", "pixel_format": "yuv422p"},
    "YUV4MPEG": {"suffix": ".y4m", "codec": "wrapped_avframe"},
    "Ogg": {"suffix": ".ogv", "codec": "libvpx"},
}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_video_of_another_container_is_refused(tmp_path: Path, kind: str) -> None:
    options = dict(FORMATS[kind])
    path = tmp_path / "clip.mp4"
    write_clip(tmp_path / f"clip{options.pop('suffix')}", stills(6), **options).rename(path)
    assert refusal(path).message == NOT_PLAYABLE


CODECS: dict[str, dict[str, Any]] = {
    "PNG": {"codec": "png", "pixel_format": "rgb24"},
    "ProRes": {"codec": "prores_ks", "pixel_format": "yuv422p10le"},
    "Motion JPEG": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "TIFF": {"codec": "tiff", "pixel_format": "rgb24"},
    "QuickTime Animation": {"codec": "qtrle", "pixel_format": "rgb24"},
    "raw": {"codec": "rawvideo"},
    "MPEG-2": {"codec": "mpeg2video", "rate": 25},
    "ALAC sound": {"hum_seconds": 0.5, "sound_codec": "alac"},
    "AC-3 sound": {"hum_seconds": 0.5, "sound_codec": "ac3"},
    "PCM sound": {"hum_seconds": 0.5, "sound_codec": "pcm_s16le"},
}


@pytest.mark.parametrize("kind", CODECS)
def test_a_codec_that_no_provider_uses_is_refused(tmp_path: Path, kind: str) -> None:
    path = write_clip(tmp_path / "clip.mov", stills(6), **CODECS[kind])
    error = refusal(path)
    assert (error.message, error.transient) == (OTHER_FORMAT, False)


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("size", [(4112, 16), (16, 4112), (4096, 2320), (4096, 4096)])
def test_a_video_with_too_many_pixels_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    options = {"preset": "ultrafast"}
    error = refusal(write_clip(tmp_path / "clip.mp4", stills(1, size), options=options))
    assert (error.message, error.transient) == (TOO_LARGE, False)


@pytest.mark.parametrize("size", [(3840, 2160), (2160, 3840), (4096, 2160)])
def test_a_4k_video_is_accepted(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = write_clip(tmp_path / "clip.mp4", stills(1, size), options={"preset": "ultrafast"})
    assert (inspect_video(clip).width, inspect_video(clip).height) == size


def write_growing_clip(path: Path, codec: str, *sizes: tuple[int, int]) -> Path:
    """Write a WebM file whose frames change their size, although its header states the first one."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=24, options={"deadline": "realtime", "cpu-used": "8"})
        stream.width, stream.height, stream.pix_fmt = *sizes[0], "yuv420p"
        count = 0
        for size in sizes:
            encoder: Any = av.CodecContext.create(codec, "w")
            encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
            encoder.time_base, encoder.options = Fraction(1, 24), {"deadline": "realtime", "cpu-used": "8"}
            frames: list[Any] = [
                av.VideoFrame.from_image(picture) for picture in stills(12 if size < (999,) else 1, size)
            ]  # type: ignore[no-untyped-call]
            for frame in [*frames, None]:
                if frame:
                    frame.pts, count = count, count + 1
                    frame.time_base = Fraction(1, 24)
                for packet in encoder.encode(frame):
                    packet.stream = stream
                    container.mux(packet)
    return path


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_frame_that_is_larger_than_stated_is_not_decoded(tmp_path: Path, codec: str) -> None:
    path = write_growing_clip(tmp_path / "clip.webm", codec, SIZE, (4096, 4096))
    sizes: set[tuple[int, int]] = set()

    def decode() -> None:
        with open_media(path) as media:
            sizes.update((frame.width, frame.height) for frame in media.decode_pictures())

    with pytest.raises(ProviderError):
        decode()
    assert sizes == {SIZE}


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_clip_that_changes_its_size_within_the_limits_is_assembled_or_refused(tmp_path: Path, codec: str) -> None:
    path = write_growing_clip(tmp_path / "clip.webm", codec, SIZE, (128, 96), (32, 64))
    plan = Plan((Clip(*SIZE, 1.5),), SIZE, *SIZE, 36)
    assemble_video([path], plan, tmp_path / "video.mp4", lambda _: None)
    facts = inspect_video(tmp_path / "video.mp4")
    assert (facts.width, facts.height, facts.frames) == (*SIZE, 36)


def test_a_file_with_many_streams_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        streams: list[Any] = [container.add_stream("mpeg4", rate=24) for _ in range(VIDEO.maximum_streams + 1)]
        for stream in streams:
            stream.width, stream.height = SIZE
        for stream in streams:
            frame: Any = av.VideoFrame.from_image(stills(1)[0])  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = 0, Fraction(1, 24)
            container.mux(stream.encode(frame))
    assert refusal(path).message == NOT_PLAYABLE


def test_a_cover_image_beside_the_video_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    whole = write_clip(tmp_path / "whole.mp4", stills())
    with av.open(str(whole)) as source, av.open(str(path), "w") as output:
        pictures = output.add_stream_from_template(source.streams.video[0])
        cover: Any = output.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 160, 120, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = pictures
                output.mux(packet)
        output.mux(cover.encode(av.VideoFrame.from_image(Image.new("RGB", (160, 120), RED))))  # type: ignore[no-untyped-call]
        output.mux(cover.encode())
    with open_media(path) as media:
        assert len(media.container.streams) == 2
        assert {(frame.width, frame.height) for frame in media.decode_pictures()} == {SIZE}


def patched(path: Path, box: bytes, offset: int, number: bytes) -> Path:
    """Replace bytes of a box, `offset` bytes after its type."""
    content = bytearray(path.read_bytes())
    at = content.index(box) + 4 + offset
    content[at : at + len(number)] = number
    path.write_bytes(content)
    return path


def stating_milliseconds(path: Path, milliseconds: float) -> Path:
    """Replace the length that the header of a WebM file states."""
    content = path.read_bytes()
    at = content.index(b"\x44\x89") + 3  # the element Duration, a float of 8 bytes
    path.write_bytes(content[:at] + struct.pack(">d", milliseconds) + content[at + 8 :])
    return path


@pytest.mark.parametrize("seconds", [601, 10**9])
def test_a_video_that_states_a_length_beyond_the_limit_is_refused(tmp_path: Path, seconds: int) -> None:
    clip = write_clip(tmp_path / "clip.webm", stills(), codec="libvpx")
    error = refusal(stating_milliseconds(clip, seconds * 1000))
    assert (error.message, error.transient) == (TOO_LARGE, False)


def test_frames_that_last_longer_than_the_limit_are_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", stills())
    with pytest.raises(ProviderError, match=TOO_LARGE):
        PyAvRenderer().verify(patched(clip, b"stts", 12, (2**30).to_bytes(4)))


def test_packets_far_apart_are_refused_although_the_header_states_a_short_video(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "clip.webm", stills(), codec="libvpx", times=[Fraction(n, 24) for n in range(23)] + [Fraction(5000)]
    )
    stating_milliseconds(path, 1000)
    with pytest.raises(ProviderError) as caught:
        PyAvRenderer().verify(path)
    assert (caught.value.message, caught.value.transient) == (TOO_LARGE, False)


def test_a_file_that_is_larger_than_a_result_is_refused_unread(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", stills())
    with path.open("r+b") as file:
        file.truncate(VIDEO.maximum_bytes + 1)
    assert refusal(path).message == TOO_LARGE


def compress_index(content: bytes) -> bytes:
    """Return the file with a compressed index, which unpacks to 50 MB."""
    at = content.index(b"moov") - 4
    size = int.from_bytes(content[at : at + 4])
    filler = 50_000_000
    deflate = zlib.compressobj(9)
    head = content[at + 8 : at + size] + (8 + filler).to_bytes(4) + b"free"
    packed = deflate.compress((8 + len(head) + filler).to_bytes(4) + b"moov" + head)
    packed += b"".join(deflate.compress(bytes(10_000_000)) for _ in range(5)) + deflate.flush()
    boxes = (
        (12).to_bytes(4)
        + b"dcomzlib"
        + (12 + len(packed)).to_bytes(4)
        + b"cmvd"
        + (8 + len(head) + filler).to_bytes(4)
        + packed
    )
    index = (16 + len(boxes)).to_bytes(4) + b"moov" + (8 + len(boxes)).to_bytes(4) + b"cmov" + boxes
    return content[:at] + index + content[at + size :]


def state_many_samples(content: bytes) -> bytes:
    """Return the file with an index that states 20 million frames of one byte."""
    count = (20_000_000).to_bytes(4)
    sizes, chunks, times = (content.index(box) for box in (b"stsz", b"stsc", b"stts"))
    for at, value in ((sizes + 8, (1).to_bytes(4) + count), (chunks + 16, count), (times + 12, count)):
        content = content[:at] + value + content[at + len(value) :]
    return content


@pytest.mark.parametrize("bomb", [compress_index, state_many_samples])
def test_a_small_file_with_a_large_index_is_refused_in_little_memory(
    tmp_path: Path, bomb: Callable[[bytes], bytes]
) -> None:
    path = write_clip(tmp_path / "clip.mp4", stills())
    path.write_bytes(bomb(path.read_bytes()))
    assert path.stat().st_size < 2_000_000
    assert refusal(path).message == TOO_LARGE


@pytest.mark.parametrize("box", ["udta", "edts", "free", "uuid"])
def test_a_large_index_is_found_in_a_box_of_any_type(tmp_path: Path, box: str) -> None:
    table = struct.pack(">I4s4xII", 20, b"stsz", 1, MAXIMUM_SAMPLES + 1)
    path = write_clip(tmp_path / "clip.mp4", stills())
    path.write_bytes(path.read_bytes() + struct.pack(">I4s", 8 + len(table), box.encode()) + table)
    assert refusal(path).message == TOO_LARGE


def test_an_index_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", stills())
    path.write_bytes(path.read_bytes() + struct.pack(">I4s", 16_000_008, b"free") + bytes(16_000_000))
    assert refusal(path).message == TOO_LARGE


def test_more_boxes_than_the_limit_are_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", stills())
    path.write_bytes(path.read_bytes() + struct.pack(">I4s", 8, b"free") * 10_001)
    assert refusal(path).message == TOO_LARGE


@pytest.mark.parametrize("faststart", [True, False])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_video_is_refused(tmp_path: Path, faststart: bool, part: float) -> None:
    path = write_clip(tmp_path / "clip.mp4", [image.effect_spread(9) for image in stills()], faststart=faststart)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(ProviderError, match=NOT_PLAYABLE):
        PyAvRenderer().verify(path)


def test_a_damaged_header_raises_no_other_error(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mp4", stills(), hum_seconds=0.5).read_bytes()
    begin, path = whole.index(b"moov"), tmp_path / "clip.mp4"
    for at in range(begin, len(whole) - 8, 132):
        for damage in (b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff" * 8):
            path.write_bytes(whole[:at] + damage + whole[at + len(damage) :])
            with suppress(ProviderError):
                PyAvRenderer().verify(path)


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "frag_every_frame", "faststart", "write_colr"])
def test_every_layout_of_an_mp4_is_accepted(tmp_path: Path, flags: str) -> None:
    whole, path = write_clip(tmp_path / "whole.mp4", stills(), hum_seconds=0.9), tmp_path / "clip.mp4"
    with av.open(str(whole)) as source, av.open(str(path), "w", options={"movflags": flags}) as output:
        streams = {stream.index: output.add_stream_from_template(stream) for stream in source.streams.get()}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
    PyAvRenderer().verify(path)


def test_data_without_a_stated_size_at_the_end_is_accepted(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", stills())
    content = path.read_bytes()
    at = content.index(b"mdat") - 4
    path.write_bytes(content[:at] + bytes(4) + content[at + 4 :])
    PyAvRenderer().verify(path)


def test_no_other_module_of_the_layers_opens_media() -> None:
    sources = {path: path.read_text() for path in (ROOT / "layers").rglob("*.py")}
    readers = {
        path.name
        for path, text in sources.items()
        if re.search(r"\bav\.open\((?![^\n]*\"w\")|\bImage\.open\(|\ba?movie\b", text)
    }
    assert readers == {"media_file.py"}
