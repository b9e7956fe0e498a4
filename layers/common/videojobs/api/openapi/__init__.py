"""The API's document, OpenAPI 3.1, made of the models, the answers and the error table that the functions run on.

`python -m videojobs.api.openapi > docs/openapi.json`; no function imports it.
"""
