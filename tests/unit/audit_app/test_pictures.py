"""Pictures: at the size of a screen, from the dataset only, and cached within bounds."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from PIL import Image

from audit_app.clip_facts import clip_facts
from audit_app.pictures import LONGEST_SIDE, DisplayPictures
from data_schemas.errors import SourceError
from pipeline.workspace.run_folder import RunFolder
from tests.generated_run import RUN

CLIP = "dog-sit-000000"


def _jpeg(size=(64, 48), kind="JPEG"):
    out = io.BytesIO()
    Image.new("RGB", size, (40, 90, 140)).save(out, kind)
    return out.getvalue()


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "clip").mkdir(parents=True)
    (folder / "clip" / "1.jpg").write_bytes(_jpeg())
    (folder / "clip" / "large.jpg").write_bytes(_jpeg((1920, 1080)))
    (folder / "clip" / "drawn.png").write_bytes(_jpeg(kind="PNG"))
    (folder / "clip" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (tmp_path / "outside.jpg").write_bytes(_jpeg())
    with zipfile.ZipFile(folder / "pack.zip", "w") as archive:
        archive.writestr("inner/2.jpg", _jpeg())
    return folder


@pytest.fixture
def pictures(source, tmp_path):
    return DisplayPictures(source, tmp_path / "cache")


def test_large_pictures_are_shrunk_and_tell_the_size_they_had(pictures):
    picture = pictures.get("clip/large.jpg")
    assert (picture.width, picture.height) == (1920, 1080)
    assert max(Image.open(io.BytesIO(picture.jpeg)).size) == LONGEST_SIDE


def test_small_ones_and_other_kinds_become_jpegs_of_the_same_size(pictures):
    for name in ("clip/1.jpg", "clip/drawn.png", "pack.zip::inner/2.jpg"):
        image = Image.open(io.BytesIO(pictures.get(name).jpeg))
        assert (image.format, image.size) == ("JPEG", (64, 48))


def test_pictures_of_a_single_table_lie_in_its_folder_and_nowhere_else(source, tmp_path):
    (source / "t.csv").write_text("clip_id")
    (source / "clip" / "t.csv").write_text("clip_id")
    assert DisplayPictures(source / "t.csv", tmp_path / "cache").get("clip/1.jpg").width == 64
    inner = DisplayPictures(source / "clip" / "t.csv", tmp_path / "cache")
    assert inner.get("1.jpg").width == 64
    for name in ("../clip/1.jpg", "../../outside.jpg", str(tmp_path / "outside.jpg"), "t.csv"):
        with pytest.raises(SourceError):
            inner.get(name)


@pytest.mark.parametrize(
    "name",
    [
        "../outside.jpg",
        "clip/../../outside.jpg",
        "/etc/passwd",
        "clip\\..\\..\\outside.jpg",
        "pack.zip::../../outside.jpg",
        "a\0b",
    ],
)
def test_every_way_out_of_the_dataset_is_refused(pictures, name):
    with pytest.raises(SourceError, match="does not lie in"):
        pictures.get(name)


def test_a_link_that_leads_out_is_refused(pictures, source, tmp_path):
    (source / "clip" / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    with pytest.raises(SourceError, match="does not lie in"):
        pictures.get("clip/link.jpg")


@pytest.mark.parametrize("name", ["clip/broken.jpg", "clip/none.jpg", "pack.zip::inner/none.jpg", "clip"])
def test_what_is_no_picture_is_told(pictures, name):
    with pytest.raises(SourceError):
        pictures.get(name)


def test_the_second_look_comes_from_the_cache_and_a_changed_file_does_not(pictures, source, tmp_path):
    first = pictures.get("clip/large.jpg")
    again = DisplayPictures(source, tmp_path / "cache")
    again._made = None
    assert again.get("clip/large.jpg") == first
    (source / "clip" / "large.jpg").write_bytes(_jpeg((1600, 900)))
    assert pictures.get("clip/large.jpg").width == 1600


def test_the_cache_keeps_its_bounds(source, tmp_path):
    for number in range(40):
        Image.effect_noise((300, 300), 90 + number).convert("RGB").save(source / "clip" / f"n{number}.png")
    pictures = DisplayPictures(source, tmp_path / "cache", memory_mb=1, disk_mb=1)
    for number in range(40):
        pictures.get(f"clip/n{number}.png")
    kept = sum(len(p.jpeg) for p in pictures._kept.values())
    on_disk = sum(p.stat().st_size for p in (tmp_path / "cache").rglob("*.jpg"))
    assert kept <= 2**20
    assert on_disk <= 1.2 * 2**20


def test_a_cache_that_cannot_be_written_does_no_harm(source, tmp_path):
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    assert DisplayPictures(source, tmp_path / "cache").get("clip/large.jpg").width == 1920


def test_the_route_gives_a_frame_of_a_clip_and_nothing_else(client, token):
    headers = {"X-Audit-Token": token}
    answer = client.get("/audit/picture", params={"clip": CLIP, "frame": "100"}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-source-size"] == "320x180"
    for params in ({"clip": CLIP, "frame": "99"}, {"clip": CLIP, "frame": "9" * 18}):
        assert client.get("/audit/picture", params=params, headers=headers).status_code == 404
    for frame in ("", "../1", "-1", "1.5", "²", "9" * 19, "9" * 5000):
        answer = client.get("/audit/picture", params={"clip": CLIP, "frame": frame}, headers=headers)
        assert answer.status_code == 400
        assert len(answer.text) < 200
    assert client.get("/audit/picture", params={"clip": "../x", "frame": "100"}, headers=headers).status_code == 403


def test_pictures_smaller_than_the_video_tell_the_size_of_the_video(client, token, workspace):
    """AI-Hub's keypoints are in pixels of the video, and the pictures may have been shrunk."""
    folder = RunFolder(workspace.resolve() / "runs" / RUN)
    folder.save_record({**folder.record(), "format": "aihub59"})
    keypoints = {str(i): {"x": 10 * i, "y": 5 * i} for i in range(1, 16)}
    told = {
        "file_video": "a.mp4",
        "metadata": {"species": "DOG", "action": "앉기", "width": 1920, "height": 1080},
        "annotations": [{"frame_number": 0, "timestamp": 0, "keypoints": keypoints}],
    }
    (workspace / "source" / f"{CLIP}.json").write_text(json.dumps(told), encoding="utf-8")
    clip_facts.cache_clear()
    answer = client.get("/audit/picture", params={"clip": CLIP, "frame": "100"}, headers={"X-Audit-Token": token})
    assert answer.headers["x-source-size"] == "1920x1080"


def test_the_route_wants_a_token_and_the_same_origin(client, token):
    params = {"clip": CLIP, "frame": "100"}
    assert client.get("/audit/picture", params=params).status_code == 403
    headers = {"X-Audit-Token": token, "Sec-Fetch-Site": "cross-site"}
    assert client.get("/audit/picture", params=params, headers=headers).status_code == 403


def test_a_table_that_names_a_file_elsewhere_gets_no_picture(client, token, workspace, monkeypatch):
    (workspace / "secret.jpg").write_bytes(_jpeg())
    facts = clip_facts(workspace.resolve() / "runs" / RUN, CLIP)
    monkeypatch.setitem(facts.images, 100, "../secret.jpg")
    answer = client.get("/audit/picture", params={"clip": CLIP, "frame": "100"}, headers={"X-Audit-Token": token})
    assert answer.status_code == 404
    assert "does not lie in" in answer.json()["error"]
