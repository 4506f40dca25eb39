"""The weights' download against a server on 127.0.0.1: progress, cancel, broken transfers, wrong files."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import threading
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from torchvision.models import VGG16_Weights

from tests.support.weights_server import Plan, serve
from vislrp_core import downloads
from vislrp_core.downloads import DownloadCancelled, DownloadError, download, download_imagenet

CONTENT = os.urandom(300_000)
DIGITS = hashlib.sha256(CONTENT).hexdigest()[:8]
NAME = f"vgg16-{DIGITS}.pth"
UNTRUSTED = Path(__file__).parents[1] / "support" / "untrusted_certificate.pem"


@pytest.fixture(autouse=True)
def near(monkeypatch):
    """No proxy stands between the tests and 127.0.0.1, and pieces are small enough to see progress."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(downloads, "CHUNK", 10_000)


def fetched(plan: Plan, folder: Path, name: str = NAME, **options) -> Path:
    with serve(plan) as address:
        return download(f"{address}/weights/{name}", folder, **options)


def left_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} - {NAME + ".lock"}


def test_the_address_is_torchvisions():
    assert VGG16_Weights.IMAGENET1K_V1.url == downloads.IMAGENET_URL


def test_a_file_arrives_with_progress(tmp_path):
    seen: list[tuple[int, int]] = []
    file = fetched(Plan(CONTENT), tmp_path / "new" / "folder", progress=lambda *numbers: seen.append(numbers))
    assert file == tmp_path / "new" / "folder" / NAME and file.read_bytes() == CONTENT
    assert left_in(file.parent) == {NAME}
    assert seen[0] == (0, len(CONTENT)) and seen[-1] == (len(CONTENT), len(CONTENT)) and len(seen) > 20
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_without_an_announced_length_progress_knows_no_total(tmp_path):
    totals = set()
    file = fetched(Plan(CONTENT, announce=False), tmp_path, progress=lambda _, total: totals.add(total))
    assert file.read_bytes() == CONTENT and totals == {0}


def test_a_file_that_is_there_is_not_transferred_again(tmp_path):
    plan = Plan(CONTENT)
    with serve(plan) as address:
        for _ in range(2):
            download(f"{address}/{NAME}", tmp_path)
    assert len(plan.asked) == 1


def test_a_broken_transfer_goes_on_where_it_stopped(tmp_path):
    plan = Plan(CONTENT, break_after=[100_000, 50_000])
    assert fetched(plan, tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in plan.asked] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_transfer_that_keeps_breaking_is_kept_for_the_next_time(tmp_path):
    plan = Plan(CONTENT, break_after=[100_000, 50_000, 50_000])
    with pytest.raises(DownloadError, match=r"broke off after 0 MB .* start it again; it continues from there"):
        fetched(plan, tmp_path)
    assert (tmp_path / f"{NAME}.part").stat().st_size == 200_000
    resumed = Plan(CONTENT)
    assert fetched(resumed, tmp_path).read_bytes() == CONTENT
    assert resumed.asked == [(f"/weights/{NAME}", "bytes=200000-")]


def test_a_server_that_falls_silent_midway_is_asked_again_for_the_rest(tmp_path):
    plan = Plan(CONTENT, stall_after=[120_000])
    try:
        assert fetched(plan, tmp_path, timeout=0.2).read_bytes() == CONTENT
    finally:
        plan.release.set()
    assert [wanted for _, wanted in plan.asked] == [None, "bytes=120000-"]


def test_no_progress_at_all_ends_at_once(tmp_path):
    plan = Plan(CONTENT, break_after=[0, 0, 0])
    with pytest.raises(DownloadError, match="broke off"):
        fetched(plan, tmp_path)
    assert len(plan.asked) == 1


def test_a_server_without_ranges_starts_cleanly_anew(tmp_path):
    plan = Plan(CONTENT, break_after=[100_000], ranges=False)
    assert fetched(plan, tmp_path).read_bytes() == CONTENT
    assert len(plan.asked) == 2


def test_a_server_that_sends_another_part_is_not_believed(tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:1000])
    with pytest.raises(DownloadError, match="a different part than was asked for"):
        fetched(Plan(CONTENT, wrong_range=True), tmp_path)
    assert left_in(tmp_path) == {f"{NAME}.part"}


def test_bytes_of_another_file_are_thrown_away_and_fetched_anew(tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(b"something else" * 100)
    plan = Plan(CONTENT)
    assert fetched(plan, tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in plan.asked] == ["bytes=1400-", None]


def test_more_left_behind_than_the_file_has_is_thrown_away(tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(bytes(len(CONTENT) + 5))
    assert fetched(Plan(CONTENT), tmp_path).read_bytes() == CONTENT


def test_a_wrong_hash_is_refused_and_nothing_stays(tmp_path):
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:\d+ sent as vgg16-.* is not that file \(its SHA-256 differs\)"):
        fetched(Plan(CONTENT[:-1] + b"?"), tmp_path)
    assert left_in(tmp_path) == set()


def test_wrong_bytes_again_and_again_are_given_up(tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(b"x")
    plan = Plan(b"y" * 50_000, break_after=[None, 20_000, None])
    with pytest.raises(DownloadError, match=r"did not arrive complete|is not that file"):
        fetched(plan, tmp_path)
    assert NAME not in left_in(tmp_path)


def test_a_name_without_a_hash_never_mixes_old_and_new_bytes(tmp_path):
    (tmp_path / "weights.pth.part").write_bytes(b"old")
    plan = Plan(CONTENT)
    assert fetched(plan, tmp_path, "weights.pth").read_bytes() == CONTENT
    assert plan.asked == [("/weights/weights.pth", None)]


def test_more_than_announced_is_cut_by_the_client(tmp_path):
    assert fetched(Plan(CONTENT, extra=b"more"), tmp_path).read_bytes() == CONTENT


def test_an_endless_answer_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_BYTES", 100_000)
    with pytest.raises(DownloadError, match="more than it announced"):
        fetched(Plan(CONTENT, announce=False), tmp_path)
    with pytest.raises(DownloadError, match="more than any VGG16"):
        fetched(Plan(CONTENT), tmp_path)


def test_cancel_keeps_what_has_arrived(tmp_path):
    done = 0

    def progress(arrived: int, _: int) -> None:
        nonlocal done
        done = arrived

    with pytest.raises(DownloadCancelled, match="kept for the next time"):
        fetched(Plan(CONTENT), tmp_path, progress=progress, cancel=lambda: done >= 50_000)
    assert (tmp_path / f"{NAME}.part").stat().st_size == done
    resumed = Plan(CONTENT)
    assert fetched(resumed, tmp_path).read_bytes() == CONTENT
    assert resumed.asked[0][1] == f"bytes={done}-"


def test_two_at_once_share_one_transfer(tmp_path):
    plan = Plan(CONTENT)
    files: list[Path] = []
    with serve(plan) as address:
        threads = [threading.Thread(target=lambda: files.append(download(f"{address}/{NAME}", tmp_path))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert files == [tmp_path / NAME] * 4 and len(plan.asked) == 1


def test_whoever_waits_for_another_programs_transfer_can_cancel(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "WAIT", 0.01)
    plan = Plan(CONTENT)
    with FileLock(tmp_path / f"{NAME}.lock"), pytest.raises(DownloadCancelled, match="another download of the same file"):
        fetched(plan, tmp_path, cancel=lambda: True)
    assert plan.asked == []


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_a_server_that_refuses_is_named(tmp_path, status):
    with pytest.raises(DownloadError, match=rf"127\.0\.0\.1:\d+ answered {status} for {NAME}: try again later"):
        fetched(Plan(CONTENT, status=status), tmp_path)


def test_nobody_there():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(DownloadError, match=rf"127\.0\.0\.1:{port} cannot be reached .*refused.*check the connection"):
        download(f"http://127.0.0.1:{port}/{NAME}", Path(os.devnull).parent)


def test_a_silent_server_counts_as_broken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/{NAME}"
        with pytest.raises(DownloadError, match=r"cannot be reached .*timed out"):
            download(address, tmp_path, timeout=0.05)


def test_an_https_server_that_nobody_vouches_for_is_refused(tmp_path):
    plan = Plan(CONTENT)
    with serve(plan, UNTRUSTED) as address, pytest.raises(DownloadError, match="CERTIFICATE_VERIFY_FAILED"):
        download(f"{address}/{NAME}", tmp_path)
    assert plan.asked == []


def test_a_redirect_within_http_is_followed(tmp_path):
    plan = Plan(CONTENT)
    with serve(plan) as address:
        plan.redirect = f"{address}/moved/{NAME}"
        assert download(f"{address}/{NAME}", tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/weights.pth", "file:///etc/hostname"])
def test_a_redirect_elsewhere_is_refused(tmp_path, target):
    with pytest.raises(DownloadError, match=r"redirects to|answered 302"):
        fetched(Plan(CONTENT, redirect=target), tmp_path)
    assert NAME not in left_in(tmp_path)


def test_a_redirect_from_https_to_http_is_refused():
    handler = downloads._Redirects()
    request = downloads.urllib.request.Request("https://host/file.pth")
    with pytest.raises(DownloadError, match=r"host redirects to http://other/file.pth, which is not encrypted"):
        handler.redirect_request(request, None, 302, "Found", {}, "http://other/file.pth")
    followed = handler.redirect_request(request, None, 302, "Found", {}, "https://other/file.pth")
    assert followed is not None and followed.full_url == "https://other/file.pth"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x-12345678.pth", "weights.pth"])
def test_other_kinds_of_addresses_are_refused(tmp_path, url):
    with pytest.raises(DownloadError, match="neither http nor https"):
        download(url, tmp_path)


def test_an_address_without_a_file_name(tmp_path):
    with pytest.raises(DownloadError, match="names no file"):
        download("http://127.0.0.1/", tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match=r"could not be written to .*file.* with TORCH_HOME"):
        fetched(Plan(CONTENT), tmp_path / "file" / "checkpoints")


def test_a_full_disk_is_told_before_the_transfer(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1000, 1000, 10))
    with pytest.raises(DownloadError, match="has no room for 0 MB"):
        fetched(Plan(CONTENT), tmp_path)


def test_torch_home_is_respected(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert downloads.weights_folder() == tmp_path / "hub" / "checkpoints"
    with serve(Plan(CONTENT)) as address:
        file = download_imagenet(url=f"{address}/{NAME}")
    assert file == tmp_path / "hub" / "checkpoints" / NAME and file.read_bytes() == CONTENT


@pytest.mark.parametrize(("value", "allowed"), [("0", False), (" 0 ", False), ("1", True), ("", True), (None, True)])
def test_downloads_can_be_switched_off(monkeypatch, value, allowed):
    if value is None:
        monkeypatch.delenv("VISLRP_ALLOW_DOWNLOAD", raising=False)
    else:
        monkeypatch.setenv("VISLRP_ALLOW_DOWNLOAD", value)
    assert downloads.download_allowed() is allowed
    if not allowed:
        with pytest.raises(DownloadError, match=r"=0\): use the embedded network, or put vgg16-397923af"):
            download_imagenet()
