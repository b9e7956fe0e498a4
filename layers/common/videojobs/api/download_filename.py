"""The name under which a browser saves a video: the prompt's own words, fit for any file system."""

import re

from videojobs.domain.job import VideoJob

MAXIMUM_BYTES = 120
"""Of UTF-8, for the words; common file systems take names of 255 bytes."""
_RESERVED = re.compile(r'[\s/\\:*?"<>|]+')


def download_filename(job: VideoJob) -> str:
    """`A paper boat on a rainy street.mp4`; of a prompt that no name can be made of, the job's id."""
    prompt = job.prompt if isinstance(job.prompt, str) else ""
    # What is not printable (control characters, marks that turn the direction of writing) can hide what a name says.
    words = "".join(char for char in _RESERVED.sub(" ", prompt) if char.isprintable()).strip(" .")
    return f"{_cut(words).rstrip(' .') or job.id}.mp4"


def _cut(words: str) -> str:
    """As many whole words as there is room for; of a single one that is too long, its beginning."""
    room = words.encode()[:MAXIMUM_BYTES].decode(errors="ignore")
    return room if room == words else room.rpartition(" ")[0] or room
