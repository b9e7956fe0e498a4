"""`make api` on a machine without a container engine."""

from pathlib import Path

import pytest

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.sam_api import serve_api
from localcloud.stack import Stack


def test_a_missing_container_engine_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    stack = Stack("", "", None, "", "", "", "", "", queues={}, bucket="", functions={})

    with pytest.raises(LocalCloudError, match=r"`docker` is missing.\nInstall a container engine"):
        serve_api(CloudConfig(root=tmp_path, state=tmp_path), stack)
