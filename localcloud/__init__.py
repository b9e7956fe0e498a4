"""The whole system on one machine: a local AWS and a local MongoDB, the real template deployed to them."""
