"""Files of other programs, named for what they are, with the next step: none of them is a broken file of ours.

By what is in them, since names say little: a Git LFS pointer may be called anything, and a workbook is sometimes called .csv.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.readers.checks import Unreadable

HEAD_BYTES = 2**16
"""As much of a file as is needed to recognise its program."""

OTHER_PROGRAMS = (
    *(
        ".xlsx",
        ".xlsm",
        ".xls",
        ".ods",
        ".h5",
        ".hdf5",
        ".slp",
        ".mat",
        ".boris",
        ".annot",
        ".eaf",
        ".pickle",
        ".pkl",
        ".npy",
        ".npz",
    ),
    *(".7z", ".rar", ".alz", ".egg", ".txt", ".json", ".csv", ".tsv", ".parquet", ".zip", ".tar", ".gz", ".tgz"),
)
"""Endings of files that are worth a look where nothing reads them."""

_DOCS = "docs/data-formats.md, Files of other programs"
_A_TABLE = f"make a table of it with one row a frame ({_DOCS})"
_LABELS = f"write its behaviours into a column frame_label of the table of poses ({_DOCS})"
_EXPORTED = "export it as CSV from the program that wrote it, and " + _A_TABLE
_UNPACK = "unpack it, or pack it as zip or tar"


@dataclass(frozen=True)
class OtherProgram:
    """What a file is, and what to do with it."""

    what: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.what}: {self.next_step}"


class OtherProgramFile(Unreadable):
    """A file that another program wrote, which is read by none of the readers."""

    def __init__(self, found: OtherProgram) -> None:
        super().__init__("", str(found))
        self.found = found


_BEGINNINGS: tuple[tuple[bytes, OtherProgram], ...] = (
    (
        b"version https://git-lfs",
        OtherProgram("a Git LFS pointer, not the file itself", "fetch the file with `git lfs pull` in its repository"),
    ),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OtherProgram("an old Excel workbook (.xls)", "save it as CSV (UTF-8) in Excel")),
    (b"7z\xbc\xaf'\x1c", OtherProgram("a 7-Zip archive", _UNPACK)),
    (b"Rar!\x1a\x07", OtherProgram("a RAR archive", _UNPACK)),
    (b"ALZ\x01", OtherProgram("an ALZip archive", _UNPACK)),
    (b"EGGA", OtherProgram("an ALZip archive (.egg)", _UNPACK)),
    (b"Caltech Behavior Annotator", OtherProgram("an annotation file of the Caltech Behavior Annotator", _LABELS)),
    (b"Bento annotation file", OtherProgram("an annotation file of Bento", _LABELS)),
    (b"MATLAB 5.0 MAT-file", OtherProgram("a MATLAB file", _EXPORTED)),
    (b"MATLAB 7.3 MAT-file", OtherProgram("a MATLAB file", _EXPORTED)),
    (b"\x93NUMPY", OtherProgram("an array of NumPy, which names no column", _A_TABLE)),
)

_OTHERWISE_CALLED: tuple[tuple[bytes, tuple[str, ...], OtherProgram], ...] = (
    (b"PAR1", (".parquet",), OtherProgram("a Parquet table", "give it the ending .parquet")),
    (b"\x1f\x8b", (".gz", ".tgz"), OtherProgram("a file packed by gzip", "give it the ending .csv.gz or .tar.gz, or unpack it")),
)
"""What we read, but not under another ending."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_JSON: tuple[tuple[tuple[bytes, ...], OtherProgram], ...] = (
    (
        (b'"behaviors_conf"', b'"observations"'),
        OtherProgram("a project of BORIS", f"export its events in BORIS (Observations > Export events > Tabular), and {_LABELS}"),
    ),
    ((b'"labels"', b'"num_frames"'), OtherProgram("labels of JABS", _LABELS)),
    ((b'"labels"', b'"present"'), OtherProgram("labels of JABS", _LABELS)),
    ((b'"images"', b'"categories"'), OtherProgram("annotations in the COCO format", _A_TABLE)),
    ((b'"shapes"', b'"imagePath"'), OtherProgram("annotations of labelme", _A_TABLE)),
    ((b'"_via_settings"',), OtherProgram("a project of the VGG Image Annotator", _A_TABLE)),
)


def identify_file(name: str, head: bytes) -> OtherProgram | None:
    """Return what another program's file is, by its name and its first bytes (see ``HEAD_BYTES``), None where it may be ours."""
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for beginning, found in _BEGINNINGS:
        if plain.startswith(beginning):
            return found
    for beginning, endings, found in _OTHERWISE_CALLED:
        if head.startswith(beginning) and not name.lower().endswith(endings):
            return found
    if head.startswith(_HDF5) or head[512:520] == _HDF5:
        return _hdf5(name, head)
    if head.startswith(b"PK\x03\x04"):
        return _office(name, head)
    if b"<ANNOTATION_DOCUMENT" in head:
        return OtherProgram("annotations of ELAN (.eaf)", f"export them as tab-delimited text, and {_LABELS}")
    if name.lower().endswith((".pickle", ".pkl")):
        return OtherProgram("a pickle of Python", "it can run any program, so it is never opened; " + _A_TABLE)
    return labels_json(head) if plain.startswith(b"{") else None


def labels_json(head: bytes) -> OtherProgram | None:
    """Return what another program's JSON file is, by the keys in its first bytes."""
    text = head.replace(b"\0", b"")
    return next((found for keys, found in _JSON if all(key in text for key in keys)), None)


def identify_table(head: Sequence[Sequence[str]]) -> OtherProgram | None:
    """Return what another program's CSV file is, by the cells of its first rows, None where it may be ours."""
    cells = [[cell.strip() for cell in row] for row in head]
    if not cells or "frame_number" in cells[0]:
        return None
    return next((found for recognise in _TABLES if (found := recognise(cells)) is not None), None)


def _hdf5(name: str, head: bytes) -> OtherProgram:
    stem = name.rpartition("/")[2].lower()
    if stem.endswith(".slp") or b"videos_json" in head:
        return OtherProgram("a project of SLEAP (.slp)", f"export it in SLEAP (File > Export Analysis CSV), and {_A_TABLE}")
    if b"track_occupancy" in head or b"node_names" in head:
        return OtherProgram(
            "an analysis file of SLEAP (HDF5)", f"export it as CSV in SLEAP (File > Export Analysis CSV), and {_A_TABLE}"
        )
    if b"poseest" in head or re.search(r"_pose_est_v\d", stem):
        return OtherProgram("a pose file of JABS (HDF5)", _A_TABLE)
    if b"df_with_missing" in head or "dlc" in stem:
        return OtherProgram(
            "a DeepLabCut file (HDF5)", f"take the CSV that DeepLabCut writes beside it (save_as_csv), and {_A_TABLE}"
        )
    if head[:19] == b"MATLAB 7.3 MAT-file" or stem.endswith(".mat"):
        return OtherProgram("a MATLAB file", _EXPORTED)
    return OtherProgram("an HDF5 file", _EXPORTED)


def _office(name: str, head: bytes) -> OtherProgram | None:
    if b"opendocument.spreadsheet" in head or name.lower().endswith(".ods"):
        return OtherProgram("a spreadsheet of LibreOffice (.ods)", "save it as CSV in LibreOffice, in UTF-8")
    if b"xl/" in head or name.lower().endswith((".xlsx", ".xlsm")):
        return OtherProgram("an Excel workbook (.xlsx)", "in Excel, save each sheet as CSV UTF-8 (File > Save As)")
    if name.lower().endswith((".csv", ".tsv", ".parquet", ".json", ".txt")):
        return OtherProgram("a zip archive", "give it the ending .zip, or unpack it")
    return None


_Cells = Sequence[Sequence[str]]


def _deeplabcut(cells: _Cells) -> OtherProgram | None:
    first = [row[0].lower() if row else "" for row in cells[:4]]
    if "bodyparts" not in first or not {"scorer", "coords"} & set(first):
        return None
    rows = 4 if "individuals" in first else 3
    names = "scorer, individuals, bodyparts, coords" if rows == 4 else "scorer, bodyparts, coords"
    return OtherProgram(f"a DeepLabCut file (header of {rows} rows: {names})", f"it has poses only; {_A_TABLE}")


def _sleap(cells: _Cells) -> OtherProgram | None:
    header = cells[0]
    if {"frame_idx", "instance.score"} <= set(header) or ("track" in header and any(c.endswith(".score") for c in header)):
        return OtherProgram("an analysis file of SLEAP (CSV)", f"it has poses only; {_A_TABLE}")
    return None


def _boris(cells: _Cells) -> OtherProgram | None:
    header, columns = cells[0], set(cells[0])
    if (
        list(header[:1]) == ["Observation id"]
        or {"Behavior", "Start (s)", "Stop (s)"} <= columns
        or "Behavioral category" in columns
    ):
        return OtherProgram("a BORIS export of events", f"it has labels only, without poses, clip_id and frame_number; {_LABELS}")
    return None


def _ethovision(cells: _Cells) -> OtherProgram | None:
    if cells[0][0].lower().startswith("number of header lines"):
        return OtherProgram("an export of EthoVision", f"leave out its header lines, and {_A_TABLE}")
    return None


def _simba(cells: _Cells) -> OtherProgram | None:
    """Recognise three columns a keypoint, the last ending in _p, and behaviours beside them, without telling clip or frame."""
    header = cells[0]
    points = [c[:-2] for c in header if c.endswith("_p")]
    if len(points) < 2 or not all(f"{p}_x" in header and f"{p}_y" in header for p in points):
        return None
    return OtherProgram(
        "a file of SimBA (one a video, without the video's name and the frame's number)",
        f"add clip_id, frame_number and fps, and put its columns of 0 and 1 into one, frame_label ({_DOCS})",
    )


def _one_hot(cells: _Cells) -> OtherProgram | None:
    """Recognise a column a behaviour, 1 where it is shown: label files of A-SOiD and DeepEthogram, binary tables of BORIS."""
    header = cells[0]
    rows = [row for row in cells[1:] if any(row)]
    named = [i for i, name in enumerate(header) if name and name.lower() not in _CLOCKS]
    if len(rows) < 2 or not named or any(len(row) < len(header) for row in rows) or len(header) - len(named) > 2:
        return None
    if not all(row[i] in ("0", "1", "0.0", "1.0") for row in rows for i in named):
        return None
    return OtherProgram("labels with a column of 0 and 1 a behaviour (as of A-SOiD, DeepEthogram or BORIS)", _LABELS)


def _stretches(cells: _Cells) -> OtherProgram | None:
    """Recognise one row a stretch of behaviour."""
    columns = {name.lower() for name in cells[0]}
    ends = next((pair for pair in _ENDS if set(pair) <= columns), None)
    if ends is None or any(name.endswith("_x") for name in columns):
        return None
    return OtherProgram(f"labels with one row a stretch (columns {ends[0]} and {ends[1]}), without poses", _LABELS)


_ENDS = (
    *(("from", "to"), ("start", "stop"), ("start", "end"), ("onset", "offset"), ("start (s)", "stop (s)")),
    *(("start_frame", "end_frame"), ("start_frame", "stop_frame"), ("start_time", "end_time"), ("begin time", "end time")),
)

_CLOCKS = frozenset(["time", "frame", "frames", "frame_idx", "timestamp", "unnamed: 0", "index", "seconds", "time (s)"])

_TABLES: tuple[Callable[[_Cells], OtherProgram | None], ...] = (
    _deeplabcut,
    _sleap,
    _boris,
    _ethovision,
    _simba,
    _one_hot,
    _stretches,
)
