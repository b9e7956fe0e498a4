"""Boxes of MP4 and QuickTime files, read without FFmpeg: the order of index and data, and the size of the index.

The layout of boxes is defined in ISO/IEC 14496-12, section 4.2.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAXIMUM_INDEX_BYTES = 16_000_000
"""Size of the largest index that is read. The index of a minute of video has about 100 kB."""
MAXIMUM_SAMPLES = 200_000
"""Number of frames and pieces of sound that all streams together may have."""
_MAXIMUM_BOXES = 10_000

_TABLE = re.compile(b"stsz.{8}(.{4})|trun.{4}(.{4})|(cmov)", re.DOTALL)
"""Boxes whose size in memory is a number in the file, with that number."""


def index_comes_first(path: Path) -> bool:
    """Return whether an MP4's index (`moov`) comes before its data (`mdat`), so that it plays while it downloads.

    Return False if the file has neither box.

    Raises:
        OSError: If the file can't be read.
    """
    with path.open("rb") as file:
        return next((kind == b"moov" for kind, _ in _boxes(file) if kind in {b"moov", b"mdat"}), False)


def is_index_small(path: Path) -> bool:
    """Return whether FFmpeg can read the index of an MP4 or QuickTime file in little memory.

    FFmpeg reserves memory for as many frames as the index states, and unpacks a compressed index (`cmov`) of any size:
    a file of 1 MB can need 3 GB. FFmpeg finds these boxes in boxes of almost any kind, so all bytes outside the data
    are searched for them.

    Raises:
        OSError: If the file can't be read.
    """
    samples = size_bytes = 0
    with path.open("rb") as file:
        for number, (kind, length) in enumerate(_boxes(file)):
            if kind == b"mdat":
                continue
            size_bytes += length
            if size_bytes > MAXIMUM_INDEX_BYTES or number >= _MAXIMUM_BOXES:
                return False
            for sizes, run, compressed in _TABLE.findall(file.read(length)):
                samples += MAXIMUM_SAMPLES + 1 if compressed else int.from_bytes(sizes or run)
    return samples <= MAXIMUM_SAMPLES


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the type of each box and the length of its content; the file is at the start of the content.

    An impossible length ends the boxes, after a last one with the rest of the file.
    """
    end = file.seek(0, 2)
    at = file.seek(0)
    while len(header := file.read(8)) == 8:
        size, kind, length = int.from_bytes(header[:4]), header[4:], 8
        if size == 1:  # the size follows as a 64-bit number
            size, length = int.from_bytes(file.read(8)), 16
        if size < length or at + size > end:
            size = end - at
        yield kind, size - length
        at = file.seek(at + size)
