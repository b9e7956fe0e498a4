"""What the adapters of REST APIs share: the client, the failures' words, the download of a result."""
