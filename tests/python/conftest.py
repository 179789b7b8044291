"""What several modules share: handlers that forget, a stand-in for the ingestion, a folder for uploads."""

from collections.abc import Iterator

import pytest

from .sampleapp import offline
from .upload_handlers import TO_DISK
from .wire import Recorder


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    offline.runs.clear()
    offline.hooks_run.clear()


@pytest.fixture
def behaviours(monkeypatch: pytest.MonkeyPatch) -> dict:
    """Behaviours that a test may add to."""
    monkeypatch.setattr(offline, "BEHAVIOURS", dict(offline.BEHAVIOURS))
    return offline.BEHAVIOURS


@pytest.fixture
def recorder(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr("offlinesync.api.viewset.ingest", recorder)
    # What follows an ingestion.
    monkeypatch.setattr("offlinesync.api.viewset.discard", lambda owner, submission_ids: None)
    return recorder


@pytest.fixture
def uploads(settings, tmp_path):
    """The folder of temporary uploads, which every test must leave empty."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.FILE_UPLOAD_HANDLERS = [TO_DISK]
    yield tmp_path
    assert list(tmp_path.iterdir()) == []
