"""Light clients and stores for tests, as `bootstrap` creates them."""

from videojobs.adapters.aws import make_boto3_client
from videojobs.adapters.aws_clients import LightSecretsManagerClient, LightSqsClient
from videojobs.adapters.s3 import S3VideoStore, bucket_url

REGION = "us-east-1"


def light_sqs(endpoint_url: str) -> LightSqsClient:
    """Return a light client of SQS for an endpoint."""
    return LightSqsClient(endpoint_url, region=REGION)


def light_secrets_manager(endpoint_url: str) -> LightSecretsManagerClient:
    """Return a light client of Secrets Manager for an endpoint."""
    return LightSecretsManagerClient(endpoint_url, region=REGION)


def s3_store(bucket: str, *, region: str = REGION, endpoint_url: str = "", url_seconds: int = 900) -> S3VideoStore:
    """Return the store of a bucket; `endpoint_url` is empty for AWS."""
    return S3VideoStore(
        bucket,
        lambda: make_boto3_client("s3", region=region, endpoint_url=endpoint_url, read_seconds=10),
        url=bucket_url(bucket, region=region, endpoint_url=endpoint_url),
        region=region,
        url_seconds=url_seconds,
    )
