"""Video Jobs: a prompt becomes a video, asynchronously; this package is everything the functions share."""
