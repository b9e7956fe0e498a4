"""Animated backgrounds. Each draws any position (0 to 1) of a seamless loop."""
