"""Archives of the functions and layers, named by their content: `sam deploy` itself would zip all at each deployment.

The compression level is low because the archives stay on this machine and each worker unpacks them again.
"""

import hashlib
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same archive, which sam does not upload again
_COMPRESSION_LEVEL = 1


def zip_artifacts(build: Path, template: dict[str, Any]) -> None:
    """Zip the functions and layers of a build, and replace their folders in the parsed template by the archives.

    The archives are written next to the folder `build`. Existing archives of the same content are kept, and archives
    that the build does not use are deleted.

    Raises:
        OSError: If the folder contains no complete build, or a file can't be written.
    """
    archives = build.parent / "archives"
    archives.mkdir(exist_ok=True)
    artifacts = list(_artifacts(template))
    with ThreadPoolExecutor() as threads:  # zlib and hashlib release the interpreter's lock
        used = list(threads.map(lambda artifact: _archive(build / artifact[0][artifact[1]], archives), artifacts))
    for (properties, key), archive in zip(artifacts, used, strict=True):
        properties[key] = str(archive)
    for archive in set(archives.iterdir()) - set(used):
        archive.unlink()


def _archive(folder: Path, archives: Path) -> Path:
    archive = archives / f"{folder.name}-{_digest(folder)}.zip"
    if not archive.exists():
        _write_archive(folder, archive)
    return archive


def _artifacts(template: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        yield from ((properties, key) for key in ("CodeUri", "ContentUri") if key in properties)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _write_archive(folder: Path, archive: Path) -> None:
    draft = archive.with_suffix(".draft")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION_LEVEL) as file:
        for path in _files(folder):
            entry = zipfile.ZipInfo.from_file(path, path.relative_to(folder))
            entry.date_time = _EPOCH
            file.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, _COMPRESSION_LEVEL)
    draft.replace(archive)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
