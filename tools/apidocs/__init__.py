"""The OpenAPI document, built from the routes, the schemas and the error table."""
