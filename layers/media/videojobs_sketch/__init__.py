"""Renderer of prompts as animated typography in MP4 files, without a key or a network. Only `render` contains it."""

from videojobs_sketch.sketch import draw_sketch
from videojobs_sketch.video_format import VideoFormat
from videojobs_sketch.words import missing_scripts

__all__ = ["VideoFormat", "draw_sketch", "missing_scripts"]
