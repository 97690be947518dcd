"""Terms: what the loader refuses, what a month reads, what a backdated figure was in payment."""

from __future__ import annotations

import datetime as dt
import tomllib
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.engine.calendar import months_after
from capitation.engine.term_tables import read_sources, read_terms
from capitation.engine.terms import DatedValue, Source, Term, format_number, read_number
from capitation.engine.units import Unit
from capitation.errors import InputError, Problem

SOURCES = ("sfe-2013", "bma-2016")
HEAD = 'unit = "GBP/year"\n'
GOOD = '{ from = 2015-04-01, value = 3, source = "sfe-2013" }'


def read(text: str) -> tuple[dict[str, Term], list[Problem]]:
    """Terms of a file's text, and what is wrong with them."""
    return read_terms(tomllib.loads(text)["term"], "own.toml", SOURCES)


def problems(text: str) -> list[str]:
    """What is wrong with one term of this text; it is refused whole."""
    terms, found = read("[term.price]\n" + text)
    assert found
    assert terms == {}
    return [str(problem) for problem in found]


def term(text: str) -> Term:
    terms, found = read("[term.price]\n" + text)
    assert found == []
    return terms["price"]


def month(number: int) -> dt.date:
    """The first of a month, counted from the year 2000."""
    return dt.date(2000 + number // 12, number % 12 + 1, 1)


# ---------------------------------------------------------------------------- what is refused

VALUES = {
    "no ground": ("{ from = 2015-04-01, value = 3 }", "neither a source nor an assumption"),
    "blank ground": (
        '{ from = 2015-04-01, value = 3, source = "", assumption = "  " }',
        "neither a source nor an assumption (cite a source, or say in words what is assumed)",
    ),
    "a note is no ground": ('{ from = 2015-04-01, value = 3, note = "x" }', "neither a source"),
    "unknown source": (
        '{ from = 2015-04-01, value = 3, source = "sfe-2031" }',
        "the source 'sfe-2031' is not described (did you mean 'sfe-2013'?)",
    ),
    "unknown source with an assumption": (
        '{ from = 2015-04-01, value = 3, source = "x", assumption = "y" }',
        "the source 'x' is not described (known: 'bma-2016', 'sfe-2013')",
    ),
    "unknown key": (
        '{ from = 2015-04-01, value = 3, sorce = "sfe-2013", assumption = "x" }',
        "the key 'sorce' is not known (did you mean 'source'?)",
    ),
    "no value": ('{ from = 2015-04-01, source = "sfe-2013" }', "expected a number, found None"),
    "text": ('{ from = 2015-04-01, value = "about 3", source = "sfe-2013" }', "'about 3'"),
    "nothing": ('{ from = 2015-04-01, value = "", source = "sfe-2013" }', "found ''"),
    "pounds": ('{ from = 2015-04-01, value = "£3", source = "sfe-2013" }', "found '£3'"),
    "bad fraction": ('{ from = 2015-04-01, value = "3/x", source = "sfe-2013" }', "found '3/x'"),
    "over nothing": ('{ from = 2015-04-01, value = "3/0", source = "sfe-2013" }', "found '3/0'"),
    "yes": ("{ from = 2015-04-01, value = true, source = 'sfe-2013' }", "found True"),
    "list": ("{ from = 2015-04-01, value = [3], source = 'sfe-2013' }", "found [3]"),
    "date": ("{ from = 2015-04-01, value = 2015-04-01, source = 'sfe-2013' }", "a number, found"),
    "infinite": ("{ from = 2015-04-01, value = inf, source = 'sfe-2013' }", "a finite number"),
    "infinite text": ("{ from = 2015-04-01, value = 'inf', source = 'sfe-2013' }", "found 'inf'"),
    "not a number": ("{ from = 2015-04-01, value = nan, source = 'sfe-2013' }", "a finite number"),
    "too large a text": ("{ from = 2015-04-01, value = '1e400', source = 'sfe-2013' }", "number"),
    "too large": (f"{{ from = 2015-04-01, value = 1{'0' * 400}, source = 'sfe-2013' }}", "number"),
    "no date": (
        "{ value = 3, source = 'sfe-2013' }",
        "a value without a date (give from = 2015-04-01)",
    ),
    "text for a date": (
        "{ from = '2015-04-01', value = 3, source = 'sfe-2013' }",
        "from: expected a date such as 2015-04-01, found '2015",
    ),
    "year for a date": (
        "{ from = 2015, value = 3, source = 'sfe-2013' }",
        "from: expected a date such as 2015-04-01, found 2015",
    ),
    "date with a time": (
        "{ from = 2015-04-01T00:00:00, value = 3, source = 'sfe-2013' }",
        "expected a date such as",
    ),
    "paid from alone": (
        "{ from = 2015-04-01, value = 3, paid_from = 2015-06-01, source = 'sfe-2013' }",
        "paid_from and until_paid go together",
    ),
    "until paid alone": (
        "{ from = 2015-04-01, value = 3, until_paid = 2, source = 'sfe-2013' }",
        "paid_from and until_paid go together",
    ),
    "paid before due": (
        "{ from = 2015-04-01, value = 3, until_paid = 2, paid_from = 2015-04-01, "
        "source = 'sfe-2013' }",
        "paid_from later than from",
    ),
    "bad until paid": (
        "{ from = 2015-04-01, value = 3, until_paid = 'x', paid_from = 2015-06-01, "
        "source = 'sfe-2013' }",
        "found 'x'",
    ),
    "text for paid from": (
        "{ from = 2015-04-01, value = 3, until_paid = 2, paid_from = 'June', source = 'sfe-2013' }",
        "June",
    ),
}


@pytest.mark.parametrize(("entry", "said"), VALUES.values(), ids=VALUES)
def test_a_wrong_value_is_refused_with_file_and_key(entry, said):
    found = problems(f"{HEAD}values = [{entry}]")
    assert all(text.startswith("own.toml, term.price") for text in found)
    assert any(said in text for text in found), found


TERMS = {
    "no unit": (f"values = [{GOOD}]", "unit None (a product such as 'GBP/patient/year', or '1')"),
    "bad unit": (f"unit = 'pound'\nvalues = [{GOOD}]", "unit 'pound' (a product such as"),
    "number for a unit": (f"unit = 1.5\nvalues = [{GOOD}]", "unit 1.5 (a product such as"),
    "unknown key": (f"{HEAD}tilte = 'x'\nvalues = [{GOOD}]", "did you mean 'title'?"),
    "no values": (HEAD, "no values (give values = [{ from = …"),
    "empty values": (f"{HEAD}values = []", "expected a list of tables"),
    "values in a word": (f"{HEAD}values = 3", "expected a list of tables such as"),
    "values as numbers": (f"{HEAD}values = [3]", "expected a list of tables such as"),
    "same date twice": (f"{HEAD}values = [{GOOD}, {GOOD}]", "2015-04-01 does not come after 2015"),
    "dates turn back": (
        f"{HEAD}values = [{GOOD}, {GOOD.replace('2015', '2014')}]",
        "2014-04-01 does not come after 2015-04-01 (dates increase)",
    ),
    "schedule without start": (
        f"{HEAD}steps = [1]\nfrom = 2013-04-01\nbefore = 1\nsource = 'sfe-2013'",
        "a schedule without start (it needs from, before, start)",
    ),
    "schedule of nothing else": (f"{HEAD}steps = [1]", "a schedule without from, before, start"),
    "schedule from text": (
        f"{HEAD}steps = [1]\nfrom = 2013-04-01\nbefore = 1\nstart = 'April'\nsource = 'sfe-2013'",
        "start: expected a date such as 2015-04-01, found 'April'",
    ),
    "half a month of delay": (
        f"{HEAD}steps = [1]\nfrom = 2013-04-01\nbefore = 1\nstart = 2015-04-01\n"
        "delay_months = 1.5\nsource = 'sfe-2013'",
        "delay_months: expected a whole number, up to 1200, found 1.5",
    ),
    "schedule with no ground": (
        f"{HEAD}steps = [1]\nfrom = 2013-04-01\nbefore = 1\nstart = 2015-04-01",
        "neither a source nor an assumption",
    ),
    "bad step": (
        f"{HEAD}steps = [1, '1/0']\nfrom = 2013-04-01\nbefore = 1\nstart = 2015-04-01\n"
        "source = 'sfe-2013'",
        "from 2016-04-01: expected a number or a fraction, found '1/0'",
    ),
    "bad figure before": (
        f"{HEAD}steps = [1]\nfrom = 2013-04-01\nbefore = 'all'\nstart = 2015-04-01\n"
        "source = 'sfe-2013'",
        "from 2013-04-01: expected a number or a fraction, found 'all'",
    ),
    "text for a schedule's from": (
        f"{HEAD}steps = [1]\nfrom = 'the start'\nbefore = 1\nstart = 2015-04-01\n"
        "source = 'sfe-2013'",
        "the start",
    ),
    "steps in a word": (
        f"{HEAD}steps = 0.5\nfrom = 2013-04-01\nbefore = 1\nstart = 2015-04-01\n"
        "source = 'sfe-2013'",
        "steps",
    ),
    "values and a schedule": (
        f"{HEAD}steps = [1]\nfrom = 2013-04-01\nbefore = 1\nstart = 2015-04-01\n"
        f"source = 'sfe-2013'\nvalues = [{GOOD}]",
        "values",
    ),
}


@pytest.mark.parametrize(("text", "said"), TERMS.values(), ids=TERMS)
def test_a_wrong_term_is_refused_with_file_and_key(text, said):
    found = problems(text)
    assert all(problem.startswith("own.toml, term.price") for problem in found)
    assert any(said in problem for problem in found), found


def test_a_figure_in_the_place_of_a_term_is_refused():
    terms, found = read("[term]\nprice = 3\n")
    assert terms == {}
    assert str(found[0]).startswith("own.toml, term.price")


def test_the_date_stands_beside_the_fault_of_a_value():
    (found,) = problems(f"{HEAD}values = [{GOOD}, {{ from = 2016-04-01, value = 4 }}]")
    assert found.startswith("own.toml, term.price, from 2016-04-01: a value with neither")


def test_every_fault_of_every_term_is_said_at_once():
    terms, found = read(
        f"""
        [term.good]
        unit = "1"
        values = [{GOOD}]
        [term.one]
        unit = "pound"
        colour = "red"
        values = [
          {{ from = 2015-04-01, value = "x" }},
          {{ from = 2014-04-01, value = inf, source = "none" }},
          {{ from = 2013-04-01, value = 1, source = "sfe-2013" }},
          {{ from = 2012-04-01, value = 1, source = "sfe-2013" }},
        ]
        [term.two]
        unit = "1"
        """
    )
    assert set(terms) == {"good"}
    said = [str(problem) for problem in found]
    assert [text.partition(":")[0].removeprefix("own.toml, term.") for text in said] == [
        "one",  # unknown key
        "one",  # unit
        "one, from 2015-04-01",  # no ground
        "one, from 2015-04-01",  # no number
        "one, from 2014-04-01",  # unknown source
        "one, from 2014-04-01",  # infinite
        "one",  # dates turn back
        "two",  # no values
    ]


BOUNDED = "{ from = 2015-04-01, value = %s, source = 'sfe-2013' }"
SCHEDULE = "from = 2013-04-01\nbefore = %s\nstart = 2015-04-01\nsteps = [%s]\nsource = 'sfe-2013'"
OUTSIDE = {
    "more than the most": (
        f"least = 0\nmost = 1\nvalues = [{BOUNDED % 60}]",
        ", from 2015-04-01: found 60 (allowed: from 0 to 1)",
    ),
    "less than the least": (
        f"least = '-1/2'\nvalues = [{BOUNDED % -0.75}]",
        ", from 2015-04-01: found -0.75 (allowed: -0.5 or more)",
    ),
    "no least": (
        "most = 2\nvalues = [" + BOUNDED % "'9/4'" + "]",
        ", from 2015-04-01: found 2.25 (allowed: 2 or less)",
    ),
    "a later value": (
        f"least = 0\nvalues = [{GOOD}, {{ from = 2016-04-01, value = -1, assumption = 'x' }}]",
        ", from 2016-04-01: found -1 (allowed: 0 or more)",
    ),
    "paid until then": (
        "most = 3\nvalues = [{ from = 2015-04-01, value = 3, until_paid = 4, "
        "paid_from = 2015-06-01, assumption = 'x' }]",
        ", from 2015-04-01, until_paid: found 4 (allowed: 3 or less)",
    ),
    "before a schedule": (
        f"most = 1\n{SCHEDULE % (2, 1)}",
        ", from 2013-04-01: found 2 (allowed: 1 or less)",
    ),
    "in a schedule": (
        f"most = 1\n{SCHEDULE % (0, '1, 1.5')}",
        ", from 2016-04-01: found 1.5 (allowed: 1 or less)",
    ),
    "least above most": (
        f"least = 1\nmost = 0.5\nvalues = [{GOOD}]",
        ", least: 1 is more than the most, 0.5",
    ),
    "a bound in words": (
        f"least = 'none'\nvalues = [{GOOD}]",
        ", least: expected a number or a fraction, found 'none'",
    ),
    "an endless bound": (f"most = inf\nvalues = [{GOOD}]", ", most: expected a finite number"),
}


@pytest.mark.parametrize(("text", "said"), OUTSIDE.values(), ids=OUTSIDE)
def test_what_lies_outside_the_bounds_is_refused_with_its_date_and_what_is_allowed(text, said):
    (found,) = problems(f"{HEAD}{text}")
    assert found.startswith(f"own.toml, term.price{said}")


def test_bounds_may_be_fractions_and_are_themselves_allowed():
    found = term(f"{HEAD}least = '1/4'\nmost = 3\nvalues = [" + BOUNDED % "'1/4'" + "]")
    assert (found.least, found.most) == (0.25, 3)
    late = term(
        f"{HEAD}least = 2\nvalues = [{{ from = 2015-04-01, value = 3, until_paid = 2, "
        "paid_from = 2015-06-01, assumption = 'x' }]"
    )
    assert (late.least, late.most) == (2, None)
    for same in (late.held_at(2.5), late.in_payment()):
        assert (same.least, same.most) == (2, None)
    assert term(f"{HEAD}values = [{GOOD}]").least is None


def test_sources_need_a_title_and_known_keys():
    table = tomllib.loads("[source.a]\ntitle = 'A'\ndate = 2016-01-02\n[source.b]\nplace = 'x'\n")
    sources, found = read_sources(table, "own.toml")
    assert sources["a"] == Source("a", "A", date="2016-01-02")
    said = [str(problem) for problem in found]
    assert said[0].startswith("own.toml, source.b: the key 'place' is not known")
    assert said[1] == "own.toml, source.b: a source without a title"


# ------------------------------------------------------------------------------- what is read


@settings(deadline=None)
@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6))
def test_a_fraction_is_the_nearest_float_to_the_exact_quotient(numerator, denominator):
    found = read_number(f"{numerator}/{denominator}")
    assert found == numerator / denominator
    assert found == float(Fraction(numerator, denominator))


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_it_is_shown(value):
    assert read_number(value) == value
    assert read_number(format_number(value)) == value
    assert float(format_number(value)) == value


@settings(deadline=None)
@given(st.integers(-(2**53), 2**53))
def test_a_whole_number_is_shown_without_a_point(value):
    assert format_number(float(value)) == str(value)


@pytest.mark.parametrize(("written", "value"), [("6/7", 6 / 7), ("0.25", 0.25), ("-1/4", -0.25)])
def test_a_value_keeps_the_text_that_was_written(written, value):
    found = term(f'{HEAD}values = [{{ from = 2015-04-01, value = "{written}", assumption = "x" }}]')
    assert found.values[0].written == written
    assert found.values[0].value == value


def test_a_term_keeps_what_its_file_says():
    found = term(
        'title = "The price"\nunit = "GBP/patient/year"\ndescription = "Of a patient"\n'
        'issue = "March"\nvalues = [{ from = 2015-04-01, value = 75.770, source = "sfe-2013", '
        'assumption = "x", note = "y", until_paid = "1/4", paid_from = 2015-06-01 }]'
    )
    value = DatedValue(
        dt.date(2015, 4, 1), 75.77, "75.77", "sfe-2013", "x", "y", dt.date(2015, 6, 1), 0.25
    )
    assert found == Term(
        "price", "GBP/patient/year", (value,), "The price", "Of a patient", "March"
    )
    assert Unit.parse(found.unit) == Unit.parse("GBP/patient/year")
    assert found.place == "own.toml, term.price"


def test_a_term_without_a_title_is_called_by_its_name():
    terms, _ = read(f"[term.list_growth]\n{HEAD}values = [{GOOD}]")
    assert terms["list_growth"].title == "list growth"


# ------------------------------------------------------------------------------ what holds when

starts = st.lists(st.integers(0, 300), min_size=1, max_size=8, unique=True).map(sorted)


def dated(numbers: list[int], **more: Any) -> Term:
    values = tuple(DatedValue(month(n), float(n), str(n), "x") for n in numbers)
    return Term("price", "1", values, place="own.toml, term.price", **more)


@settings(deadline=None)
@given(starts, st.integers(-20, 330))
def test_a_value_holds_from_its_date_until_the_next(numbers, at):
    price = dated(numbers)
    begun = [n for n in numbers if n <= at]
    if begun:
        assert price.at(month(at)) == max(begun)
        assert price.value_at(month(at)).start == month(max(begun))
        return
    with pytest.raises(InputError) as caught:
        price.at(month(at))
    said = str(caught.value)
    first = month(numbers[0])
    assert said.startswith("own.toml, term.price: 'price' has no value for ")
    assert f"{month(at):%B %Y}: it begins on 1 {first:%B %Y}" in said
    assert "start later, or add an earlier value with its source" in said


def test_a_value_that_begins_within_a_month_holds_from_the_next():
    price = Term("price", "1", (DatedValue(dt.date(2015, 4, 2), 1.0, "1", "x"),))
    assert price.at(dt.date(2015, 5, 1)) == 1.0
    with pytest.raises(InputError, match="begins on 2 April 2015"):
        price.at(dt.date(2015, 4, 1))


@st.composite
def backdated_terms(draw: st.DrawFn) -> Term:
    """Terms with some figures that were paid late, each before the next is due."""
    numbers = draw(starts)
    values = []
    for start, following in zip(numbers, [*numbers[1:], numbers[-1] + 40], strict=True):
        late = draw(st.booleans()) and following - start > 1
        paid = draw(st.integers(start + 1, following - 1)) if late else None
        values.append(
            DatedValue(
                month(start),
                float(start),
                str(start),
                "x",
                paid_from=None if paid is None else month(paid),
                until_paid=None if paid is None else -float(start),
            )
        )
    return Term("price", "1", tuple(values), "Price", place="own.toml, term.price")


def paid_in(price: Term, at: dt.date) -> float:
    """What was in payment, said in the plainest way."""
    due = [value for value in price.values if value.start <= at][-1]
    if due.paid_from is not None and at < due.paid_from:
        assert due.until_paid is not None
        return due.until_paid
    return due.value


@settings(deadline=None, max_examples=300)
@given(backdated_terms(), st.integers(0, 340))
def test_in_payment_a_backdated_figure_counts_from_when_it_was_paid(price, at):
    if month(at) < price.values[0].start:
        at = (price.values[0].start.year - 2000) * 12 + price.values[0].start.month - 1
    paid = price.in_payment()
    assert paid.at(month(at)) == paid_in(price, month(at))
    assert paid.name == "price_in_payment"
    assert paid.title == "Price, as in payment"
    dates = [value.start for value in paid.values]
    assert dates == sorted(set(dates))


def test_a_figure_that_was_paid_after_the_next_was_due_is_refused_or_never_in_payment():
    text = """
        values = [
         { from = 2015-04-01, value = 3, until_paid = 2, paid_from = 2016-06-01, assumption = 'x' },
         { from = 2016-04-01, value = 5, assumption = "x" },
        ]
    """
    terms, found = read(f"[term.price]\n{HEAD}{text}")
    if found:
        assert "own.toml, term.price" in str(found[0])
        return
    paid = terms["price"].in_payment()
    assert [paid.at(dt.date(2016, m, 1)) for m in range(3, 8)] == [2, 5, 5, 5, 5]


# ---------------------------------------------------------------------------------- schedules

shares = st.lists(
    st.one_of(
        st.integers(0, 5),
        st.floats(0, 1),
        st.tuples(st.integers(0, 9), st.integers(1, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    ),
    min_size=1,
    max_size=9,
)


@settings(deadline=None, max_examples=200)
@given(shares, st.integers(-24, 60), st.integers(0, 200), st.integers(0, 200), st.integers(0, 400))
def test_a_schedule_is_one_figure_before_it_starts_and_then_one_a_year(
    steps, delay, begins, start, at
):
    entry = {
        "unit": "1",
        "from": month(begins),
        "before": 7,
        "start": month(start),
        "delay_months": delay,
        "steps": steps,
        "source": "sfe-2013",
        "assumption": "So it is assumed.",
        "note": "N",
    }
    first_step = start + delay
    terms, found = read_terms({"share": entry}, "own.toml", SOURCES)
    assert found == []
    share = terms["share"]
    assert {(v.source, v.assumption, v.note) for v in share.values} == {
        ("sfe-2013", "So it is assumed.", "N")
    }
    step = (at - first_step) // 12
    if at >= first_step:
        expected = steps[min(step, len(steps) - 1)]
        assert share.at(month(at)) == float(Fraction(expected))
    elif at >= begins:
        assert share.at(month(at)) == 7
    else:
        with pytest.raises(InputError, match="'share' has no value for"):
            share.at(month(at))


def test_a_delay_moves_every_step_and_nothing_else():
    text = (
        f'{HEAD}from = 2013-04-01\nbefore = 1\nstart = 2015-04-01\nsteps = ["3/4", "1/2", 0]\n'
        'source = "sfe-2013"\n'
    )
    on_time, late = term(text), term(f"{text}delay_months = 12\n")
    assert [(str(v.start), v.written) for v in on_time.values] == [
        ("2013-04-01", "1"),
        ("2015-04-01", "3/4"),
        ("2016-04-01", "1/2"),
        ("2017-04-01", "0"),
    ]
    assert [(str(v.start), v.written) for v in late.values] == [
        ("2013-04-01", "1"),
        ("2016-04-01", "3/4"),
        ("2017-04-01", "1/2"),
        ("2018-04-01", "0"),
    ]


@settings(deadline=None)
@given(st.dates(dt.date(1990, 1, 1), dt.date(2050, 12, 31)), st.integers(-200, 200))
def test_months_after_counts_months_and_gives_the_first_of_one(day, months):
    found = months_after(day, months)
    assert found.day == 1
    assert (found.year - day.year) * 12 + found.month - day.month == months
