"""Video processing with PyAV: rendering, joining of clips, posters and previews, and inspection of video files."""
