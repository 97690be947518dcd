"""Units multiply and divide as they should, and read back as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.engine.units import BASES, ONE, Unit

units = st.dictionaries(st.sampled_from(BASES), st.integers(-3, 3)).map(Unit)


@settings(deadline=None)
@given(units)
def test_a_unit_reads_back_as_it_is_written(unit):
    assert Unit.parse(str(unit)) == unit
    assert str(Unit.parse(str(unit))) == str(unit)


@settings(deadline=None)
@given(units, units)
def test_multiplication_is_commutative(a, b):
    assert a * b == b * a
    assert hash(a * b) == hash(b * a)
    assert str(a * b) == str(b * a)


@settings(deadline=None)
@given(units, units, units)
def test_multiplication_is_associative(a, b, c):
    assert (a * b) * c == a * (b * c)


@settings(deadline=None)
@given(units, units)
def test_division_undoes_multiplication(a, b):
    assert (a * b) / b == a
    assert (a / b) * b == a


@settings(deadline=None)
@given(units)
def test_one_changes_nothing_and_what_is_divided_by_itself_is_one(unit):
    assert unit * ONE == unit
    assert unit / ONE == unit
    assert unit / unit == ONE
    assert str(unit / unit) == "1"


@settings(deadline=None)
@given(units, units)
def test_units_are_equal_exactly_if_their_texts_are(a, b):
    assert (a == b) == (str(a) == str(b))
    assert a != str(a)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("*/"), st.sampled_from(BASES)), max_size=6))
def test_a_text_means_the_product_of_its_parts_from_left_to_right(parts):
    expected = ONE
    for sign, base in parts:
        one = Unit({base: 1})
        expected = expected * one if sign == "*" else expected / one
    written = "1" + "".join(f" {sign} {base}" for sign, base in parts)
    assert Unit.parse(written) == expected
    assert Unit.parse(written.replace(" ", "")) == expected


def test_a_power_of_zero_is_no_power():
    assert Unit({"GBP": 0, "year": -1}) == Unit.parse("1/year")
    assert Unit({"GBP": 0}) == ONE


def test_a_unit_shows_how_to_make_it():
    unit = Unit.parse("GBP/patient/year")
    assert repr(unit) == "Unit.parse('GBP/patient/year')"
    assert eval(repr(unit)) == unit


@settings(deadline=None)
@given(st.sampled_from(["pound", "gbp", "GBP²", "£", "patients", "2", "month^2", "12"]))
def test_an_unknown_unit_is_named_with_those_that_are_known(word):
    with pytest.raises(ValueError, match="is not one of 1, GBP, patient") as caught:
        Unit.parse(f"GBP/{word}/year")
    assert str(caught.value).startswith(f"{word!r} in unit 'GBP/{word}/year'")
    assert all(base in str(caught.value) for base in BASES)


@pytest.mark.parametrize("text", ["", " ", "GBP/", "/", "*", "GBP//year", "GBP year"])
def test_a_unit_with_a_part_left_out_is_refused(text):
    with pytest.raises(ValueError, match="unit"):
        Unit.parse(text)
