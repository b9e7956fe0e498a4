"""Base of the REST APIs' adapters: the provider class, the client, failures, and the download of a result."""
