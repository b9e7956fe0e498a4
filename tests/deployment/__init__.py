"""Deployments of a system with jobs in progress: an upgrade from an earlier commit, a rollback, and a failure."""
