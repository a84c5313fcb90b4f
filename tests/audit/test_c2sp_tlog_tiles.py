"""Tile paths have one spelling each; bundles are length-prefixed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.audit._c2sp_tlog_tiles import TilePath, bundle, number_path, read_path, tile_path


def test_numbers_are_written_as_the_specification_does() -> None:
    assert number_path(1234067) == "x001/x234/067"
    assert [number_path(n) for n in (0, 67, 999, 1000, 999999, 10**6)] == [
        "000", "067", "999", "x001/000", "x999/999", "x001/x000/000",
    ]  # fmt: skip
    assert tile_path(TilePath(0, 1067)) == "tile/0/x001/067"
    assert tile_path(TilePath(2, 0, 17)) == "tile/2/000.p/17"
    assert tile_path(TilePath(None, 1234067, 1)) == "tile/entries/x001/x234/067.p/1"


@given(
    st.builds(
        TilePath,
        st.one_of(st.none(), st.integers(0, 63)),
        st.integers(0, 10**18 - 1),
        st.integers(1, 256),
    )
)
def test_every_tile_has_a_path_that_reads_back(tile: TilePath) -> None:
    assert read_path(tile_path(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1000", "tile/00/000", "tile/01/000",
        "tile/64/000", "tile/100/000", "tile/-1/000", "tile/0/x000/001", "tile/0/x000/x000/001", "tile/0/X001/000", "tile/0/x001000",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/000.p/1/", "tile/0/000/",
        "tile/0//000", "tile/entries", "tile/entries/", "tile/Entries/000", "tile/0/000.p/1000", "tile/0/٠٠٠", "tile/0/000\n",
        "tile/0/../0/000", "tile/0/%30%30%30", "/tile/0/000", "tile/0/" + "x999/" * 6 + "999", "tile/0/" + "x001/" * 5000 + "001",
        "tile/٣/000", "tile/0/000.p/٣", "tile/0/+01", "tile/data/000",
    ],
)  # fmt: skip
def test_other_spellings_are_no_path(path: str) -> None:
    assert read_path(path) is None


def test_entries_carry_their_length() -> None:
    assert bundle([b"ab", b"", b"c" * 300]) == b"\x00\x02ab\x00\x00\x01\x2c" + b"c" * 300
    with pytest.raises(ValueError, match="65,535"):
        bundle([b"x" * 65_536])
