"""Local system: the real template, deployed to a local AWS and a local MongoDB on one machine."""
