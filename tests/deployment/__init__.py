"""Deployments of a system that is at work: an upgrade from an earlier commit, the way back, and one that fails."""
