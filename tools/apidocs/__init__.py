"""Generator of the OpenAPI document from the routes, the schemas and the error table, and of parts of AsyncAPI's."""
