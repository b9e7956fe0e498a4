"""Environment variables of `make up`, the tests and `make test-real`, with their descriptions."""

from collections.abc import Mapping

LOCAL: Mapping[str, str] = {
    "PROVIDER": "Parameter `Provider`.",
    "FALLBACK_PROVIDERS": "Parameter `FallbackProviders`.",
    "ALLOWED_PROVIDERS": "Parameter `AllowedProviders`.",
    "PROVIDER_OPTIONS": "Parameter `ProviderOptions`.",
    "PROVIDER_KEYS": "API keys of the providers, a JSON object by provider, as in the secret `ProviderSecretArn`.",
    "WEBHOOK_URLS": "Parameter `WebhookUrls`; `http://127.0.0.1:…` is allowed too.",
    "ALLOWED_ORIGINS": "Origins of pages that may call the API, in addition to the studio. Default: "
    "port 5173 (Vite) and 3000 (Next.js) of `127.0.0.1` and `localhost`.",
    "SIMULATED_MIN_SECONDS": "Shortest task of the provider `simulated`, in seconds. Default: 3.",
    "SIMULATED_MAX_SECONDS": "Longest task of the provider `simulated`, in seconds. Default: 8.",
    "SIMULATED_FAILURE_RATE": "Fraction of the attempts of the provider `simulated` that fail, from 0 to 1.",
    "UNKNOWN_SUBMIT": "Value of `UnknownSubmit` in [`Mappings`](#mappings).",
    "SNAP_START": "Value of `SnapStart` in [`Mappings`](#mappings).",
    "MONGODB_URI": "Connection string of a MongoDB to use instead of SecantusDB.",
    "LOCALCLOUD_STATE": "Folder of the system's data. Default: `.local`. Systems in different folders are independent.",
    "ACCOUNT_CONCURRENCY": "Number of Lambda functions that can run at a time. MiniStack reads it when it starts.",
}
"""Variables of `make up` and of all commands that start the local system. An empty variable counts as unset."""

TESTS: Mapping[str, str] = {
    "TEST_SEED": "Seed of the sample of `make test`, which the header of each run shows.",
    "TEST_LONG": "`1` runs everything that `make test` samples.",
    "FAULTS_SEED": "Seed of the random choices in `tests/faults`.",
    "CI": "If it is set, a missing tool or service fails a test that is otherwise skipped.",
    "MONGODB_TEST_ADDRESS": "Address `host:port` of a MongoDB for the tests, instead of SecantusDB.",
    "PROVIDER_SPECS": "Folder of the published OpenAPI files of the providers. Default: `.local/specs`.",
    "LOCALCLOUD_STATE": "Folder of the tests' system. Default: `.local/test`.",
    "SEED": "Seed of `make fuzz`.",
    "EXAMPLES": "Number of examples per operation of `make fuzz`.",
    "FUZZ_SECONDS": "Time limit of the fuzzing in seconds.",
    "UPGRADE_FROM": "Commit from which the upgrade tests start. Default: before the last change of the product.",
    "UPGRADE_ONLY": "`1` omits the rollback and the failing deployment from the upgrade tests.",
    "JOBS": "Number of jobs during an upgrade.",
}
"""Variables of the tests. The make targets set most of them from their own variables; see `make help`."""

VERIFICATION: Mapping[str, str] = {
    "VERIFY_STACK": "`STACK` of `make test-real`: the stack to verify.",
    "VERIFY_WRITE": "`WRITE` of `make test-real`: if it is set, tests create and remove jobs.",
    "VERIFY_TOKEN": "`TOKEN` of `make test-real`: session token of the user who creates the jobs.",
}
"""Variables of the tests on a deployed environment."""
