"""From bytes to text: what is distinguished by what the text would say, and what is asked about."""

from __future__ import annotations

import pytest

from pipeline.readers.checks import Unreadable
from pipeline.readers.files.encodings import decode_text


def table(*names: str) -> str:
    return "clip_id,label,nose_x\n" + "".join(f"c{i},{name},1\n" for i, name in enumerate(names))


WESTERN = [
    *(["Müller"], ["créée"], ["Ärger"], ["ÄRGER"], ["GEHÖR"], ["PÂTÉ"], ["naïve été"], ["Größe"], ["señor"], ["Åsa"], ["ÉTÉ"]),
    *(["mouse’s"], ["5 µm"], ["20°C"], ["3½"], ["é"], ["yöäänet"], ["Châtaîgne"], ["toilettage à gauche"], ["¿Qué?"], ["L’été"]),
    ["Schnüffeln", "Lärm", "“rest”"],
    *(["così", "più", "où"], ["não", "põe", "São João"], ["þræll", "íþrótt", "aðgerð"], ["brûler", "goût"], ["köre på"]),
]
KOREAN = [
    *(
        ["걷기"],
        ["그루밍함"],
        ["개"],
        ["이"],
        ["dog걷기"],
        ["A형"],
        ["쥐_walk"],
        ["mouse아이"],
        ["ㅋㅋ"],
        ["앉는 동작·서기"],
        ["20℃"],
    ),
    ["걷기", "똠방각하"],
]


@pytest.mark.parametrize(("names", "encoding"), [(n, "cp1252") for n in WESTERN] + [(n, "cp949") for n in KOREAN])
def test_korean_and_western_text_are_told_apart(names: list[str], encoding: str) -> None:
    text, notes = decode_text(table(*names).encode(encoding))
    assert text == table(*names)
    assert list(notes) == [f"the file was written as {encoding.upper()}, not UTF-8: decoded"]


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["VÄÖR"], "cp1252"),
        (["ÄÖ", "walk"], "cp1252"),
        (["běh", "stání", "čištění", "skákání", "ležení"], "cp1250"),
        (["chůze", "stání"], "cp1250"),
        (["ülő", "álló"], "cp1250"),
        (["koşu", "yürüyüş"], "cp1254"),
        (["бег", "ходьба"], "cp1251"),
        (["走路", "休息"], "gbk"),
        (["歩く", "休む"], "shift_jis"),
        (["żółty"], "cp1250"),
        (["Müller", "élève"], "mac_roman"),
        (["漢字"], "cp949"),
    ],
)
def test_what_tells_nothing_is_refused_and_read_as_it_is_said_to_be(names: list[str], encoding: str) -> None:
    data = table(*names).encode(encoding)
    with pytest.raises(Unreadable, match=r"source\.encoding"):
        decode_text(data)
    assert decode_text(data, encoding)[0] == table(*names)


@pytest.mark.parametrize("said", ["auto", "cp1252", "cp949", "utf-16"])
@pytest.mark.parametrize("written", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_proves_its_encoding_needs_none_that_is_said(written: str, said: str) -> None:
    assert decode_text(table("Müller", "걷기").encode(written), said)[0] == table("Müller", "걷기")
    joined = f"\ufeff{table('Müller', '걷기')}".encode(written)
    assert decode_text(joined, said)[0] == table("Müller", "걷기")


@pytest.mark.parametrize("said", ["utf-16-le", "iso2022_kr"])
def test_an_encoding_that_writes_ascii_bytes_is_taken_at_its_word(said: str) -> None:
    assert decode_text(table("걷기").encode(said), said)[0] == table("걷기")
    assert decode_text(table("walk").encode(), "iso2022_kr")[1] == {}
    with pytest.raises(Unreadable, match="not text in ASCII"):
        decode_text(table("걷기").encode("cp949"), "ascii")


def test_a_broken_file_is_not_taken_for_a_western_one() -> None:
    for text in ("그루밍함", "crée", "Müller", "Ühr"):
        data = table(text, "걷기 행동", "été").encode()
        broken = data[:-9] + b"\xff" + data[-9:]
        with pytest.raises(Unreadable):
            decode_text(broken)
