"""What lies behind the words, or alone: each ground paints any turn (0–1) of a loop that ends where it began."""
