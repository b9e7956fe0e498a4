"""Rules of video jobs, independent of storage, queues and rendering. Uses the standard library only."""
