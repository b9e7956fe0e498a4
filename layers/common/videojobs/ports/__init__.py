"""The ports, by what they are about. `ports.VideoStore` in a docstring is the Protocol of that name in one of them."""
