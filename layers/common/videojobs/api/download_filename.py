"""The file name of a downloaded video, made from its prompt and valid on all common file systems."""

import re

from videojobs.domain.job import VideoJob

MAXIMUM_BYTES = 120
"""The maximum length of the name in UTF-8 without its extension; common file systems allow 255 bytes."""
_RESERVED = re.compile(r'[\s/\\:*?"<>|]+')


def download_filename(job: VideoJob) -> str:
    """Return a name such as `A paper boat on a rainy street.mp4`, or the job ID if the prompt gives no valid name."""
    prompt = job.prompt if isinstance(job.prompt, str) else ""
    # Control characters and direction marks could disguise a name, so only printable characters remain.
    text = "".join(char for char in _RESERVED.sub(" ", prompt) if char.isprintable()).strip(" .")
    return f"{_cut(text).rstrip(' .') or job.id}.mp4"


def _cut(text: str) -> str:
    """Return as many whole words as fit, or the beginning of a single word that is too long."""
    prefix = text.encode()[:MAXIMUM_BYTES].decode(errors="ignore")
    return prefix if prefix == text else prefix.rpartition(" ")[0] or prefix
