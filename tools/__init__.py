"""Generators and maintenance scripts. Nothing here is deployed."""
