import hashlib
import io
import shutil

import pooch
import pytest
import requests

from microdsd.datasets import fetch, fetching
from microdsd.datasets.registry import DatasetInfo
from microdsd.errors import DataFileError, InputError

CONTENT = b"labels"


@pytest.fixture
def info(monkeypatch, tmp_path):
    """One small set, an empty cache and no mirror."""
    info = DatasetInfo(
        name="tiny",
        title="tiny",
        origin="computed",
        folder="tiny_folder",
        file="tiny.tif",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        shape=(1, 6),
        dtype="uint8",
        labels={0: "a"},
        fractions={0: 1.0},
        source="here",
        licence="none",
        url="https://example.invalid/tiny.tif",
    )
    monkeypatch.setattr(fetching, "dataset_info", lambda name: info)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache")
    monkeypatch.delenv("MICRODSD_DATA", raising=False)
    return info


def publish(monkeypatch, content):
    """Let the downloader find `content` behind every URL; return the URLs asked for."""
    asked = []

    def download(self, url, output_file, pooch, check_only=False):
        asked.append(url)
        if isinstance(content, Exception):
            raise content
        with open(output_file, "wb") as file:  # noqa: PTH123
            shutil.copyfileobj(io.BytesIO(content), file)

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    return asked


def test_mirror_is_asked_first(monkeypatch, tmp_path, info):
    asked = publish(monkeypatch, CONTENT)
    mirrored = tmp_path / "mirror" / "tiny_folder" / "tiny.tif"
    mirrored.parent.mkdir(parents=True)
    mirrored.write_bytes(CONTENT)
    monkeypatch.setenv("MICRODSD_DATA", str(tmp_path / "mirror"))
    assert fetch("tiny") == mirrored
    assert asked == []


def test_damaged_mirror_is_refused(monkeypatch, tmp_path, info):
    (tmp_path / "tiny_folder").mkdir()
    (tmp_path / "tiny_folder" / "tiny.tif").write_bytes(b"other")
    monkeypatch.setenv("MICRODSD_DATA", str(tmp_path))
    with pytest.raises(DataFileError, match=r"not the published file of tiny.*sha256"):
        fetch("tiny")


def test_download_is_kept(monkeypatch, tmp_path, info):
    asked = publish(monkeypatch, CONTENT)
    monkeypatch.setenv("MICRODSD_DATA", str(tmp_path / "empty mirror"))
    path = fetch("tiny")
    assert path == tmp_path / "cache" / "tiny_folder" / "tiny.tif"
    assert path.read_bytes() == CONTENT
    assert fetch("tiny") == path
    assert asked == [info.url]


def test_wrong_download_is_not_kept(monkeypatch, tmp_path, info):
    publish(monkeypatch, b"a page that says sorry")
    with pytest.raises(DataFileError, match=r"cannot be fetched.*MICRODSD_DATA"):
        fetch("tiny")
    assert not (tmp_path / "cache" / "tiny_folder" / "tiny.tif").exists()


def test_no_network_is_one_clear_error(monkeypatch, info):
    publish(monkeypatch, requests.ConnectionError("name not known"))
    with pytest.raises(DataFileError, match=r"example\.invalid.*name not known.*check the network"):
        fetch("tiny")


def test_packaged_set_needs_neither(monkeypatch):
    monkeypatch.delenv("MICRODSD_DATA", raising=False)
    assert fetch("synthetic_blobs").is_file()


def test_unknown_set():
    with pytest.raises(InputError, match="granite"):
        fetch("granite")
