"""Animated typography: draws a prompt as a playable MP4, without a key or a network. Only `render` ships it."""

from videojobs_sketch.sketch import draw_sketch
from videojobs_sketch.video_format import VideoFormat

__all__ = ["VideoFormat", "draw_sketch"]
