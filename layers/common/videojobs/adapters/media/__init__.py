"""Pixels: the sketch that is drawn from a prompt, the stills taken from any video, and what a video file really is."""
