"""Files of the studio, and their upload to the bucket that CloudFront serves: `make publish`, after `sam deploy`."""

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
"""Name of the file with the page's settings; generated for each environment, not part of the checkout."""
REGION = "us-east-1"
"""Region of the studio's stack, because CloudFront requires its certificate and web ACL there."""
CACHE_CONTROL = "no-cache"
"""Makes browsers and CloudFront revalidate each file, so file names need no hash and changes need no invalidation."""

_NOT_SERVED = frozenset({"OFL.txt", "README.md", "package.json", "internal.d.ts", "types.d.ts", "videojobs.d.ts"})
"""Names of files that only developers and the npm package of the client need. The fonts contain their license."""

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


def find_pages(folder: Path) -> dict[str, Path]:
    """Return the files below the folder by their path relative to it, which is also their path on the site.

    Files that only developers and the npm package of the client need are left out.
    """
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path for name, path in files.items() if path.name not in _NOT_SERVED}


def media_type(name: str) -> str:
    """Return the media type for a file name, with the UTF-8 charset for text."""
    guess = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{guess}; charset=utf-8" if guess.startswith("text/") else guess


def make_settings(live_url: str | None, sign_in_url: str | None, **session: str) -> bytes:
    """Return the content of `config.json`: the URLs of live connections and of the sign-in page; null if unset.

    `session` has the fields for a signed-in user, if the server knows them: `user`, the name, and `signOutUrl`.
    """
    return json.dumps({"liveUrl": live_url, "signInUrl": sign_in_url} | session).encode()


def publish(root: Path, environment: str) -> str:
    """Upload the studio's files to the bucket of an environment's studio on AWS, and return the studio's URL.

    `environment` is a section of samconfig.toml, such as `dev`. The name of the studio's stack is that of the
    environment's stack with the ending `-studio`. Other objects in the bucket are deleted.

    Raises:
        LocalCloudError: If the environment is not in samconfig.toml.
        BotoCoreError, ClientError: If the stack does not exist, or AWS does not respond or rejects a request. Some
            files may have been uploaded.
    """
    import boto3

    sections = tomllib.loads((root / "samconfig.toml").read_text())
    if environment not in sections or environment == "local":
        raise LocalCloudError(
            f"samconfig.toml has no environment “{environment}” on AWS. Choose one:  make publish ENVIRONMENT=dev"
        )
    session = boto3.Session(region_name=REGION)
    outputs = _read_outputs(session, f"{sections[environment]['global']['parameters']['stack_name']}-studio")
    upload_pages(session.client("s3"), outputs, root / "web")
    return outputs["WebUrl"]


def upload_pages(client: "S3Client", outputs: Mapping[str, str], folder: Path) -> None:
    """Upload the files in `folder` and a generated config.json to the bucket in `outputs`; delete all other objects.

    config.json contains the URLs of live connections and of the sign-in page, which are also in `outputs`.
    `index.html` is uploaded last, because it refers to the other files.

    Raises:
        BotoCoreError, ClientError: If S3 does not respond or rejects a request. Some files may have been uploaded.
    """
    bucket, pages = outputs["WebBucketName"], find_pages(folder)
    contents = {name: path.read_bytes() for name, path in pages.items()}
    contents[SETTINGS] = make_settings(outputs["WebSocketUrl"], outputs.get("SignInUrl"))
    for name in sorted(contents, key=lambda name: name == "index.html"):
        client.put_object(
            Bucket=bucket, Key=name, Body=contents[name], ContentType=media_type(name), CacheControl=CACHE_CONTROL
        )
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for key in {stored["Key"] for stored in page.get("Contents", [])} - contents.keys():
            client.delete_object(Bucket=bucket, Key=key)


def _read_outputs(session: "boto3.Session", stack_name: str) -> dict[str, str]:
    [stack] = session.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
