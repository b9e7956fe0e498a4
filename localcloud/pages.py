"""The studio's files, and how they get to where CloudFront reads them: `make publish`, after `sam deploy`."""

import json
import mimetypes
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.errors import LocalCloudError

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client

SETTINGS = "config.json"
"""What the page has to know of where it is: made at each publication, and no file of the checkout."""
CACHE_CONTROL = "no-cache"
"""Browsers and CloudFront ask each time whether a file has changed, so that no name needs a hash and no change an
invalidation."""

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


def find_pages(folder: Path) -> dict[str, Path]:
    """The files by their path at the origin."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def media_type(name: str) -> str:
    """What a file's name says of its content."""
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed


def make_settings(live_url: str | None, sign_in_url: str | None) -> bytes:
    """`config.json`: where live connections are opened, and where people sign in."""
    return json.dumps({"liveUrl": live_url, "signInUrl": sign_in_url}).encode()


def publish(root: Path, environment: str) -> str:
    """Put the files into the bucket of an environment's stack on AWS; returns the studio's URL.

    Raises:
        LocalCloudError: there is no such environment, or its stack has no studio.
    """
    import boto3

    sections = tomllib.loads((root / "samconfig.toml").read_text())
    if environment not in sections or environment == "local":
        raise LocalCloudError(f"samconfig.toml has no environment “{environment}” to publish to: ENVIRONMENT=dev")
    session = boto3.Session()
    stack_name = sections[environment]["global"]["parameters"]["stack_name"]
    outputs = _read_outputs(session, stack_name)
    if "WebBucketName" not in outputs:
        raise LocalCloudError(f"{stack_name} has no studio: deploy it with WebDomainName (docs/deploy.md)")
    upload_pages(session.client("s3"), outputs, root / "web")
    return outputs["WebUrl"]


def upload_pages(client: "S3Client", outputs: Mapping[str, str], folder: Path) -> None:
    """Bring the bucket to hold these files and no other, `index.html` last: it names the rest."""
    bucket, pages = outputs["WebBucketName"], find_pages(folder)
    contents = {name: path.read_bytes() for name, path in pages.items()}
    contents[SETTINGS] = make_settings(outputs["WebSocketUrl"], outputs.get("SignInUrl"))
    for name in sorted(contents, key=lambda each: each == "index.html"):
        client.put_object(
            Bucket=bucket, Key=name, Body=contents[name], ContentType=media_type(name), CacheControl=CACHE_CONTROL
        )
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for key in {each["Key"] for each in page.get("Contents", [])} - contents.keys():
            client.delete_object(Bucket=bucket, Key=key)


def _read_outputs(session: "boto3.Session", stack_name: str) -> dict[str, str]:
    [stack] = session.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
