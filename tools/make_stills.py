"""Generator of the README's pictures of videos, drawn by the code that makes the videos.

    .venv/bin/python -m tools.make_stills

It writes an animation of the three styles next to each other, `sketch.webp`, and a still of each style,
`sketch-fun.jpg`, `sketch-calm.jpg` and `sketch-background.jpg`, to docs/images.
"""

import tempfile
from pathlib import Path

import av
from PIL import Image

from videojobs.domain.plan import FRAMES_PER_SECOND
from videojobs.domain.request import Style
from videojobs_media.stills import write_pictures
from videojobs_sketch import VideoFormat, draw_sketch

PROMPTS = {
    Style.FUN: "A paper boat sails across the city after the rain",
    Style.CALM: "Lavender fields in the summer wind",
    Style.BACKGROUND: "Deep space, distant galaxies",
}
SECONDS = 5
PANEL = 400, 225
GAP = 12
EVERY = 2
"""Step between the frames that the animation contains."""


def main() -> None:
    """Draw a video of each style, and write its poster and the animation of all three to docs/images.

    Raises:
        OSError: If a file can't be written.
    """
    images = Path(__file__).parents[1] / "docs" / "images"
    panels = []
    with tempfile.TemporaryDirectory() as folder:
        for style, prompt in PROMPTS.items():
            video = Path(folder) / f"{style}.mp4"
            moment = draw_sketch(
                prompt=prompt,
                style=style,
                seconds=SECONDS,
                video_format=VideoFormat(1280, 720, FRAMES_PER_SECOND),
                path=video,
                on_progress=lambda _: None,
            )
            write_pictures(
                video, poster=images / f"sketch-{style}.jpg", preview=video.with_suffix(".webp"), moment=moment
            )
            with av.open(str(video)) as container:
                frames = [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]
            panels.append([frame.resize(PANEL, Image.Resampling.LANCZOS) for frame in frames[::EVERY]])
    sheets = []
    for row in zip(*panels, strict=True):
        sheet = Image.new("RGB", (3 * PANEL[0] + 2 * GAP, PANEL[1]), "white")
        for number, panel in enumerate(row):
            sheet.paste(panel, (number * (PANEL[0] + GAP), 0))
        sheets.append(sheet)
    sheets[0].save(
        images / "sketch.webp",
        save_all=True,
        append_images=sheets[1:],
        duration=round(1000 * EVERY / FRAMES_PER_SECOND),
        loop=0,
        quality=84,
        method=4,
    )


if __name__ == "__main__":
    main()
