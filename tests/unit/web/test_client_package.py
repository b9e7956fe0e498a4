"""Types and npm package of the JavaScript client."""

import json
import re
import subprocess
import tarfile
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from tests.node import installed
from tools.client_types import CLIENT, DECLARATIONS, STRICT, generate_types
from tools.node_packages import NPM, ROOT

WEB = CLIENT.parent
USE = """
import { VideoJobs, VideoJobsError, type VideoJob } from "videojobs-client";

const videos = new VideoJobs();
export const width = async (jobId: string): Promise<number | undefined> => (await videos.status(jobId)).output?.width;
export const price = ({ estimatedCost, actualCost }: VideoJob) => (actualCost ?? estimatedCost)?.amount.toFixed(2);
export const isSignedOut = (error: unknown) => error instanceof VideoJobsError && error.code === "TOKEN_EXPIRED";
// @ts-expect-error: there is no such style
void videos.generate({ prompt: "A kite", style: "angry", duration: 8, aspectRatio: "16:9" });
"""


@pytest.fixture(scope="module")
def modules() -> Path:
    """Return the path of `node_modules` with TypeScript and openapi-typescript."""
    return installed(NPM)


def run(*command: str | Path, folder: Path) -> str:
    """Run the command in the folder, which must succeed. Return its output."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_declarations_are_those_of_the_client(modules: Path) -> None:
    assert DECLARATIONS.read_text() == generate_types(modules), "run `make clienttypes`"


def test_each_method_of_the_client_is_described() -> None:
    lines = DECLARATIONS.read_text().splitlines()
    methods = [pair for pair in pairwise(lines) if re.match(r"    (?!constructor)\w+\(", pair[1])]
    assert len(methods) > 10
    assert [line for before, line in methods if before != "     */"] == [], "write the comment in videojobs.d.ts"


def test_types_are_those_of_the_openapi_description(modules: Path, tmp_path: Path) -> None:
    schema = tmp_path / "openapi.d.ts"
    generator = [modules / ".bin" / "openapi-typescript", ROOT / "docs" / "openapi.json"]
    run(*generator, "--default-non-nullable=false", "--output", schema, folder=tmp_path)
    compiler = {
        "strict": True,
        "skipLibCheck": True,
        "noEmit": True,
        "types": [],
        "target": "es2022",
        "lib": ["es2023", "dom"],
        "paths": {"openapi": [str(schema)], "client": [str(DECLARATIONS)]},
    }
    files = [str(Path(__file__).with_name("types.ts"))]
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": compiler, "files": files}))
    run(modules / ".bin" / "tsc", "--project", tmp_path, folder=tmp_path)


def test_modules_of_the_studio_have_no_type_errors(modules: Path) -> None:
    run(modules / ".bin" / "tsc", *STRICT, "--checkJs", "--noEmit", *sorted(WEB.glob("*.js")), folder=modules)


@pytest.fixture
def package(modules: Path, tmp_path: Path) -> Path:
    """Return the path of the packed client."""
    run("npm", "pack", "--pack-destination", tmp_path, folder=WEB)
    [archive] = tmp_path.glob("*.tgz")
    return archive


def test_package_installs_into_an_empty_project_and_has_types(modules: Path, package: Path) -> None:
    folder = package.parent
    (folder / "package.json").write_text('{"type": "module"}')
    run("npm", "install", "--offline", "--no-audit", "--no-fund", package, folder=folder)
    (folder / "use.ts").write_text(USE)
    options = [*STRICT, "--noEmit", "--module", "esnext", "--moduleResolution", "bundler"]
    run(modules / ".bin" / "tsc", *options, "use.ts", folder=folder)
    names = run(
        "node", "--eval", 'import("videojobs-client").then((it) => console.log(Object.keys(it)))', folder=folder
    )
    assert "VideoJobs" in names


def test_package_contains_the_client_and_no_dependency(package: Path) -> None:
    with tarfile.open(package) as archive:
        names = {name.removeprefix("package/") for name in archive.getnames()}
    assert names == {"package.json", "README.md", "types.d.ts", "videojobs.d.ts", "videojobs.js"}
    description = json.loads((WEB / "package.json").read_text())
    assert not [key for key in description if "ependencies" in key]


def test_package_has_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert json.loads((WEB / "package.json").read_text())["version"] == project["version"]
