"""What holds of every source: clips come back as they were written, and no file is lost without a word."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.config import load_config
from data_schemas.labels import load_taxonomy
from pipeline.readers import recognise
from pipeline.readers.aihub59.clip_file import read_clip
from pipeline.readers.recordings import Clip, ReaderMessage
from tests.trees import annotation, label_file, put

CONFIG, TAXONOMY = load_config(None), load_taxonomy("aihub59")

points = st.one_of(st.none(), st.fixed_dictionaries({"x": st.integers(-2000, 4000), "y": st.integers(-2000, 4000)}))
poses = st.fixed_dictionaries({str(i): points for i in range(1, 16)})


@given(
    rows=st.dictionaries(st.integers(0, 5000), poses, min_size=1, max_size=8),
    species=st.sampled_from(["CAT", "DOG"]),
    data=st.data(),
)
def test_a_label_file_comes_back_as_it_was_written(rows, species: str, data) -> None:
    label = data.draw(st.sampled_from(TAXONOMY.species[species]))
    phrase = data.draw(st.sampled_from(label.phrases))
    annotations = [annotation(n, timestamp=n * 40, keypoints=k) for n, k in rows.items()]
    written = json.dumps(label_file(species=species, action=phrase) | {"annotations": annotations}).encode()
    clip = read_clip("cat-x-1.json", written, config=CONFIG, taxonomy=TAXONOMY)
    assert isinstance(clip, Clip)
    assert clip.facts["label"] == label.name
    assert clip.frame_number.tolist() == sorted(rows)
    for number, xy in zip(clip.frame_number.tolist(), clip.xy, strict=True):
        for i, point in rows[number].items():
            told = [np.nan, np.nan] if point is None else [point["x"], point["y"]]
            np.testing.assert_array_equal(xy[int(i) - 1], told)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "annotations", "keypoints", "frame_number", "timestamp", "species", "action", "1"]),
            inner,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(data=st.one_of(st.binary(max_size=200), json_values.map(lambda v: json.dumps(v).encode())))
def test_any_bytes_are_read_or_rejected_with_a_reason(data: bytes) -> None:
    found = read_clip("a.json", data, config=CONFIG, taxonomy=TAXONOMY)
    assert isinstance(found, Clip) or (isinstance(found, ReaderMessage) and found.reason)


@settings(max_examples=150)
@given(place=st.integers(0, 10_000), junk=st.binary(min_size=1, max_size=6), cut=st.integers(0, 6))
def test_a_damaged_file_is_read_or_rejected_with_a_reason(place: int, junk: bytes, cut: int) -> None:
    whole = json.dumps(label_file(), ensure_ascii=False).encode()
    place %= len(whole)
    found = read_clip("a.json", whole[:place] + junk + whole[place + cut :], config=CONFIG, taxonomy=TAXONOMY)
    assert isinstance(found, Clip) or (isinstance(found, ReaderMessage) and found.reason)


@settings(max_examples=15)
@given(
    names=st.lists(st.sampled_from(["a", "b/c", "b/d", "e/f/g"]), unique=True, min_size=1),
    bad=st.sets(st.sampled_from(["x", "b/y"])),
)
def test_every_file_of_a_tree_is_a_clip_or_a_message(names: list[str], bad: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            put(Path(folder) / f"{name}.json", label_file())
        for name in bad:
            put(Path(folder) / f"{name}.json", b"{")
        found = recognise(Path(folder)).read(CONFIG)
    assert len(found.clips) == len(names)
    assert len(found.rejected) == len(bad)
    assert len(found.frames) == 8 * len(names)


@settings(max_examples=25)
@given(data=st.data())
def test_a_table_comes_back_as_it_was_written_from_parquet_and_csv(data) -> None:
    clips = data.draw(st.integers(1, 4))
    frames = [data.draw(st.integers(1, 6)) for _ in range(clips)]
    value = st.one_of(st.just(np.nan), st.integers(-9999, 9999).map(float))
    table = pd.DataFrame(
        {
            "clip_id": [f"clip {c}" for c, n in enumerate(frames) for _ in range(n)],
            "recording_id": [f"r{c}" for c, n in enumerate(frames) for _ in range(n)],
            "frame_number": [i for n in frames for i in range(n)],
            "timestamp_ms": [i * 33 for n in frames for i in range(n)],
            "label": [f"label {c % 2}" for c, n in enumerate(frames) for _ in range(n)],
            "nose_x": [data.draw(value) for _ in range(sum(frames))],
        }
    ).assign(nose_y=lambda t: t["nose_x"] / 2)
    with tempfile.TemporaryDirectory() as folder:
        table.to_parquet(Path(folder) / "t.parquet")
        table.to_csv(Path(folder) / "t.csv", index=False)
        results = [recognise(Path(folder) / name).read(CONFIG) for name in ("t.parquet", "t.csv")]
    for found in results:
        assert found.clips["frame_count"].tolist() == frames
        np.testing.assert_array_equal(found.frames["nose_x"], table["nose_x"].astype("float32"))
        assert found.clips["label"].tolist() == [f"label {c % 2}" for c in range(clips)]
