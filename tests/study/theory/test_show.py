import pytest

from fourierconv.study.theory import show

ROWS = [{"way": "direct", "size": 16, "error": 1.234e-7, "share": 0.5}]


def test_floats_have_the_common_format_and_named_columns_their_own() -> None:
    html = show.table(ROWS, ".1e", {"share": ".0%"}).data
    assert [cell in html for cell in ("<td>direct</td>", "<td>16</td>", "<td>1.2e-07</td>", "<td>50%</td>")] == [
        True
    ] * 4


def test_text_is_escaped() -> None:
    assert "|P²−P| &lt; 1" in show.table([{"|P²−P| < 1": True}]).data


def test_a_format_without_a_column_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"formats name \['eror'\], but the columns are \['way', 'size', 'error', 'share'\]"
    ):
        show.table(ROWS, ".1e", {"eror": ".2f"})
