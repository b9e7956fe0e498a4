"""The OpenAPI and AsyncAPI documents, built from the routes, the schemas and the error table."""
