"""The rim: what comes in over HTTP and SQS and what goes out, and the only place that knows their shapes."""
