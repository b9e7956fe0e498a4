"""API server in containers with `sam local start-api`; queues, storage and database are those of the local system."""

import contextlib
import json
import shutil
import subprocess
import urllib.parse
from collections.abc import Mapping

from localcloud.aws import open_session, tool_environment
from localcloud.config import CloudConfig
from localcloud.deployment import describe_stack
from localcloud.errors import LocalCloudError
from localcloud.forwarding import forwarded
from localcloud.local_secrets import ensure_secret
from localcloud.processes import run_in_foreground
from localcloud.progress import console
from localcloud.servers import choose_port
from localcloud.stack import Stack

_CONTAINER_SECRET = "videojobs/local/mongodb-from-a-container"  # noqa: S105 - a name
_ENGINE_HOST = "host.docker.internal"
_USUAL_PORT = 3000


def serve_api(config: CloudConfig, stack: Stack) -> None:
    """Serve the API in containers with `sam local start-api` until interrupted.

    Its functions use the queues, storage and database of the running system `stack`. Their environment variables are
    written to `sam-local.json` in the state folder.

    Raises:
        LocalCloudError: If no container engine responds or sam fails.
        BotoCoreError, ClientError: If the local AWS does not respond or reports an error.
        KeyboardInterrupt: If Ctrl-C ends it.
    """
    gateway = _bridge_gateway()
    local = [url for url in (stack.aws_endpoint_url, stack.mongo_uri) if f"//{config.host}:" in url]
    ports = [port for url in local if (port := urllib.parse.urlsplit(url).port)]
    with contextlib.ExitStack() as resources:
        try:
            resources.enter_context(forwarded(gateway, ports, to=config.host))
            host = gateway
        except OSError:  # the engine's bridge is in a virtual machine, as with Docker Desktop
            host = _ENGINE_HOST
        variables = config.state / "sam-local.json"
        variables.touch(mode=0o600)
        variables.write_text(json.dumps(_function_variables(config, stack, host), indent=2))
        port = choose_port(config.host, _USUAL_PORT)
        console.print(f"\nThe API, without a stage in its paths:  http://{config.host}:{port}/api/videos/generate")
        console.print("Stop it with Ctrl-C. The functions behind queues run in the local system.\n")
        command = ["sam", "local", "start-api", "--port", str(port), "--host", config.host, "--region", config.region]
        command += ["--template", str(config.build / "template.yaml"), "--env-vars", str(variables)]
        command += ["--language-extensions", "--skip-pull-image", "--warm-containers", "LAZY"]
        status = run_in_foreground(
            [*command, "--parameter-overrides", *_overrides(config, stack)],
            environment=tool_environment(config, stack.aws_endpoint_url),
            cwd=config.root,
            state=config.state,
            role="tool",
        )
    if status != 0:
        raise LocalCloudError(f"`sam local start-api` failed with status {status}. See its messages above.")


def _overrides(config: CloudConfig, stack: Stack) -> list[str]:
    """Return the deployed parameters as arguments of `--parameter-overrides`."""
    deployed = describe_stack(config, stack.aws_endpoint_url)
    return [f"{name}={value}" for name, value in deployed.parameters.items() if value] if deployed else []


def _bridge_gateway() -> str:
    """Return the address at which containers reach this machine.

    Raises:
        LocalCloudError: If no container engine is installed or it does not respond.
    """
    if shutil.which("docker") is None:
        raise LocalCloudError(
            "`sam local start-api` runs functions in containers, but the command `docker` is missing.\n"
            "Install a container engine (on Debian: apt-get install docker.io), or use the API of the local system: "
            "`make up` prints its URL."
        )
    result = subprocess.run(
        ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"],
        check=False,
        capture_output=True,
        text=True,
    )
    if result.returncode != 0 or not result.stdout.strip():
        raise LocalCloudError(f"The container engine does not respond. Start it. `docker`: {result.stderr.strip()}")
    return result.stdout.strip()


def _function_variables(config: CloudConfig, stack: Stack, host: str) -> dict[str, Mapping[str, str]]:
    """Return each function's deployed variables by logical ID, with addresses that are valid in a container."""
    session = open_session(config)
    cloudformation = session.client("cloudformation", endpoint_url=stack.aws_endpoint_url)
    functions = session.client("lambda", endpoint_url=stack.aws_endpoint_url)
    # SecantusDB reports a replica set at an address that containers cannot reach, so clients must not discover it.
    direct = "" if config.mongodb_uri else "&directConnection=true"
    mongo_uri = _seen_from_container(stack.mongo_uri, host) + direct
    mongo_secret = ensure_secret(config, stack.aws_endpoint_url, _CONTAINER_SECRET, mongo_uri)
    resources = cloudformation.describe_stack_resources(StackName=stack.stack_name)["StackResources"]
    variables: dict[str, Mapping[str, str]] = {}
    for resource in resources:
        if resource["ResourceType"] == "AWS::Lambda::Function":
            function = functions.get_function_configuration(FunctionName=resource["PhysicalResourceId"])
            deployed = {**function["Environment"]["Variables"], "MONGODB_SECRET_ARN": mongo_secret}
            variables[resource["LogicalResourceId"]] = {
                name: _seen_from_container(value, host) for name, value in deployed.items()
            }
    return variables


def _seen_from_container(address: str, host: str) -> str:
    return address.replace("//127.0.0.1:", f"//{host}:").replace("//localhost:", f"//{host}:")
