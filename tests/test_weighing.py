"""Person-level capitation: persons to weighted lists, by hand, by law and by a naive twin."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.cli.weigh_summary import add_options
from capitation.cli.weigh_summary import weigh as weigh_command
from capitation.engine.compiling import load, text_as_kernel
from capitation.errors import InputError
from capitation.weighing.counts import AGE_BANDS, SEXES, count_persons
from capitation.weighing.kernels import (
    add_up,
    count_in_any_order,
    count_in_order,
    counted_in_any_order,
    counted_in_order,
    weighed,
)
from capitation.weighing.weighted_lists import weigh
from capitation.weighing.weights import read_person_weights

AGES, SEX, FLAGS = ("young", "old"), ("male", "female"), ("home", "new")
PRACTICES = ("A", "B", "C")


def weights_of(weight, factor=None, sets=("one",)):
    """Weights on (set, age band, sex) and factors on (set, flag)."""
    weight = np.broadcast_to(np.array(weight, float), (len(sets), 2, 2))
    found = {"weight": (("weight_set", "age_band", "sex"), weight)}
    labels = {"weight_set": list(sets), "age_band": list(AGES), "sex": list(SEX)}
    if factor is not None:
        factor = np.broadcast_to(np.array(factor, float), (len(sets), 2))
        found["factor"] = (("weight_set", "flag"), factor)
        labels["flag"] = list(FLAGS)
    return xr.Dataset(found, labels)


WEIGHTS = weights_of([[1, 2], [4, 8]], [1.5, 2])
ROWS = [
    ("B", "young", "male", False, False),  # 1
    ("A", "old", "female", True, False),  # 8 × 1.5 = 12
    ("A", "young", "female", False, True),  # 2 × 2 = 4
    ("B", "old", "male", True, True),  # 4 × 1.5 × 2 = 12
    ("A", "young", "male", False, False),  # 1
]
FRAME = pd.DataFrame(ROWS, columns=["practice", "age_band", "sex", *FLAGS])


def said(caught):
    return [str(problem) for problem in caught.value.problems]


# ------------------------------------------------------------------------------------ by hand


def test_five_persons_by_hand():
    found = weigh(FRAME, WEIGHTS, practices=PRACTICES)
    # A: 12 + 4 + 1 = 17; B: 1 + 12 = 13; five persons, who weigh 30.
    assert found["registered_list"].values.tolist() == [3, 2, 0]
    assert found["weighted_list"].values.tolist() == [[17 * (5 / 30), 13 * (5 / 30), 0]]
    assert found["normalisation"].values.tolist() == [5 / 30]
    expected = [[17 / 6 / 3, 13 / 6 / 2, 0]]
    np.testing.assert_allclose(found["need_index"].values, expected, rtol=1e-15)
    assert found["weighted_list"].attrs == {"units": "patient", "long_name": "Weighted list"}


def test_factors_of_practices_by_hand():
    factors = xr.Dataset(
        {"market_forces": ("practice", [2.0, 1.0]), "rurality": ("practice", [1.0, 3.0])},
        {"practice": ["B", "A"]},
    )
    found = weigh(FRAME, WEIGHTS, factors, normalise=False)
    assert found["weighted_list"].values.tolist() == [[17 * 3.0, 13 * 2.0]]
    assert found["normalisation"].values.tolist() == [1]
    assert found.attrs["practice_factors"] == "market_forces, rurality"
    as_frame = pd.DataFrame({"practice": ["A", "B"], "both": [3.0, 2.0]})
    assert weigh(FRAME, WEIGHTS, as_frame, normalise=False)["weighted_list"].equals(
        found["weighted_list"]
    )


def test_factors_may_differ_by_set_of_weights():
    weights = weights_of([[1, 2], [4, 8]], [1.5, 2], ("without", "with"))
    factor = xr.DataArray(
        [[3.0, 2.0], [1.0, 1.0]],
        {"weight_set": ["with", "without"], "practice": ["A", "B"]},
        ("weight_set", "practice"),
    )
    found = weigh(FRAME, weights, factor.to_dataset(name="rurality"), normalise=False)
    assert found["weighted_list"].values.tolist() == [[17, 13], [51, 26]]


def test_a_scale_may_be_held_for_the_year():
    april = weigh(FRAME, WEIGHTS)
    grown = pd.concat([FRAME, FRAME.iloc[:1]])
    july = weigh(grown, WEIGHTS, normalise=april["normalisation"])
    assert july["weighted_list"].values.tolist() == [[17 * (5 / 30), 14 * (5 / 30)]]
    assert july["normalisation"].equals(april["normalisation"])


def test_counts_say_who_there_is():
    counted = count_persons(FRAME, FLAGS, age_bands=AGES, sexes=SEX)
    assert counted["persons"].dims == ("practice", "age_band", "sex", "need")
    assert counted["need"].values.tolist() == ["none", "home", "new", "home+new"]
    assert counted["home"].values.tolist() == [False, True, False, True]
    assert counted["persons"].dtype == np.int64
    assert int(counted["persons"].sum()) == 5
    at_home = counted["persons"].where(counted["home"], 0).sum(("age_band", "sex", "need"))
    assert at_home.to_series().to_dict() == {"A": 1, "B": 1}


def test_a_flag_without_a_factor_weighs_nothing():
    counted = count_persons(FRAME, FLAGS, age_bands=AGES, sexes=SEX)
    found = weigh(counted, weights_of([[1, 2], [4, 8]]), normalise=False)
    assert found["weighted_list"].values.tolist() == [[8 + 2 + 1, 1 + 4]]


# ------------------------------------------------------------- the same, whatever persons come as


def as_texts():
    return {name: FRAME[name].tolist() for name in FRAME}


def as_places():
    columns = {name: FRAME[name].to_numpy() for name in FLAGS}
    columns["practice"] = FRAME["practice"].map(PRACTICES.index).to_numpy(np.uint16)
    columns["age_band"] = FRAME["age_band"].map(AGES.index).to_numpy(np.uint8)
    columns["sex"] = FRAME["sex"].map(SEX.index).to_numpy(np.int64)
    return columns


def as_mask():
    columns = as_places()
    columns["mask"] = columns.pop("home") + 2 * columns.pop("new")
    return columns


def as_cells():
    columns = as_mask()
    cell = (columns["age_band"] * 2 + columns["sex"]) * 4 + columns["mask"]
    return {"practice": columns["practice"], "cell": cell.astype(np.uint8)}


def as_cells_in_order():
    columns = as_cells()
    order = np.argsort(columns["practice"], kind="stable")
    return {"cell": columns["cell"][order], "practice_start": np.array([0, 3, 5, 5])}


def as_categories():
    frame = FRAME.astype({"practice": "category", "age_band": "category", "sex": "category"})
    return frame.astype({"home": float, "new": int})


def as_dataset():
    return xr.Dataset({name: ("person", FRAME[name].to_numpy()) for name in FRAME})


def as_arrow():
    return pytest.importorskip("pyarrow").Table.from_pandas(FRAME)


def as_nullable():
    frame = pd.DataFrame(as_places()).astype({"age_band": "Int64", "sex": "UInt8"})
    return frame.astype({"home": "boolean", "new": "boolean"})


def as_objects():
    columns = as_places()
    columns["age_band"] = columns["age_band"].astype(object)
    columns["home"] = ["true" if has else "False" for has in columns["home"]]
    return columns


FORMS = (
    as_texts,
    as_places,
    as_mask,
    as_cells,
    as_cells_in_order,
    as_categories,
    as_dataset,
    as_arrow,
    as_nullable,
    as_objects,
)


@pytest.mark.parametrize("form", FORMS)
def test_persons_may_come_in_any_form(form):
    found = weigh(form(), WEIGHTS, practices=PRACTICES)
    xr.testing.assert_identical(found, weigh(FRAME, WEIGHTS, practices=PRACTICES))


def test_places_without_codes_are_numbered():
    found = weigh(as_places(), WEIGHTS)
    assert found["practice"].values.tolist() == ["0", "1"]
    assert weigh(as_cells_in_order(), WEIGHTS)["practice"].values.tolist() == ["0", "1", "2"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_is_read_batch_by_batch(tmp_path, monkeypatch, ending):
    path = tmp_path / f"persons.{ending}"
    if ending == "csv":
        FRAME.to_csv(path, index=False)
    else:
        pytest.importorskip("pyarrow")
        FRAME.to_parquet(path, row_group_size=2)
    monkeypatch.setattr("capitation.weighing.batches.AT_ONCE", 2)
    found = weigh(path, WEIGHTS)
    assert found.attrs["source"] == path.name
    xr.testing.assert_equal(found, weigh(FRAME, WEIGHTS))


def test_columns_in_memory_are_taken_in_batches(monkeypatch):
    monkeypatch.setattr("capitation.weighing.batches.AT_ONCE_IN_MEMORY", 2)
    xr.testing.assert_identical(weigh(as_texts(), WEIGHTS), weigh(FRAME, WEIGHTS))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_where_labels_are_numbers_a_number_is_a_label(tmp_path, ending):
    frame = pd.DataFrame({"practice": [30, 10, 30], "age_band": [1, 2, 2], "sex": [2, 1, 1]})
    weights = xr.DataArray([[1.0, 2], [4, 8]], {"age_band": ["1", "2"], "sex": ["2", "1"]})
    path = tmp_path / f"persons.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False)
    else:
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    for persons in (frame, path):
        found = weigh(persons, weights, practices=["10", "30"], normalise=False)
        assert found["weighted_list"].values.tolist() == [[8, 1 + 8]]
    with pytest.raises(InputError, match=r"row 2 \(3\) \(one of 1, 2\)"):
        weigh(frame.assign(age_band=[1, 3, 2]), weights)


def test_practices_known_by_number_are_not_too_many():
    persons = as_places() | {"practice": np.array([0, 1, 2, 3, 100_000])}
    with pytest.raises(InputError, match="1 person of no known practice: row 5"):
        weigh(persons, WEIGHTS)


def test_the_formulas_own_bands_are_taken_if_none_are_named():
    persons = {"practice": ["A"], "age_band": ["85+"], "sex": ["female"]}
    counted = count_persons(persons)
    assert counted["age_band"].values.tolist() == list(AGE_BANDS)
    assert counted["sex"].values.tolist() == list(SEXES)
    assert counted["persons"].sel(practice="A", age_band="85+", sex="female").item() == 1


# ------------------------------------------------------------------------------------ laws


@st.composite
def tables(draw):
    """Persons as numbers from 0 to 47: practice, age band, sex and flags are what divides them."""
    persons = np.frombuffer(draw(st.binary(min_size=1, max_size=60)), np.uint8) % 48
    shapes = (("practice", 16, 3), ("age_band", 8, 2), ("sex", 4, 2), ("mask", 1, 4))
    return {name: persons // unit % end for name, unit, end in shapes}


@st.composite
def weight_sets(draw):
    count = draw(st.integers(1, 3))
    numbers = draw(st.binary(min_size=12 * count, max_size=12 * count))
    drawn = ((np.frombuffer(numbers, np.uint16) + 1) / 999).reshape(count, 6)
    sets = [f"set {n}" for n in range(count)]
    return weights_of(drawn[:, :4].reshape(count, 2, 2), drawn[:, 4:], sets)


law = settings(deadline=None, max_examples=25)


def lists(persons, weights, **options):
    return weigh(persons, weights, practices=PRACTICES, **options)["weighted_list"].values


@law
@given(tables(), weight_sets())
def test_weighted_lists_add_up_to_the_persons_there_are(persons, weights):
    found = lists(persons, weights)
    np.testing.assert_allclose(found.sum(axis=1), len(persons["sex"]), rtol=1e-12)
    assert (found >= 0).all()


@law
@given(tables(), weight_sets(), st.randoms(use_true_random=False))
def test_the_order_of_persons_changes_no_bit(persons, weights, chance):
    order = list(range(len(persons["sex"])))
    chance.shuffle(order)
    mixed = {name: column[order] for name, column in persons.items()}
    assert lists(mixed, weights).tobytes() == lists(persons, weights).tobytes()


@law
@given(tables(), weight_sets(), st.integers(-8, 8))
def test_weights_all_scaled_alike_give_the_same_lists(persons, weights, power):
    scaled = weights.assign(weight=weights["weight"] * 2.0**power)
    assert lists(persons, scaled).tobytes() == lists(persons, weights).tobytes()


@law
@given(tables(), st.integers(0, 60))
def test_counts_of_parts_add_up(persons, cut):
    labels = {"age_bands": AGES, "sexes": SEX, "practices": PRACTICES}
    parts = [
        {name: column[rows] for name, column in persons.items()}
        for rows in (slice(cut), slice(cut, None))
    ]
    whole, *counted = (
        count_persons(of, FLAGS, **labels)["persons"].values for of in (persons, *parts)
    )
    assert (sum(counted) == whole).all()


@law
@given(tables(), weight_sets())
def test_a_practice_weighs_what_its_persons_do_one_by_one(persons, weights):
    expected = np.zeros((weights.sizes["weight_set"], 3)).tolist()
    exact = [[Fraction(0)] * 3 for _ in expected]
    for number, (weight, factor) in enumerate(
        zip(weights["weight"].values, weights["factor"].values, strict=True)
    ):
        for practice, age, sex, mask in zip(*persons.values(), strict=True):
            one = weight[age, sex]
            for bit in range(2):
                one = one * factor[bit] if mask >> bit & 1 else one
            exact[number][practice] += Fraction(float(one))
    found = lists(persons, weights, normalise=False)
    np.testing.assert_allclose(found, np.array(exact, float), rtol=1e-12)


@law
@given(tables(), weight_sets())
def test_sets_weighed_together_weigh_as_each_alone(persons, weights):
    together = lists(persons, weights)
    for number in range(weights.sizes["weight_set"]):
        alone = lists(persons, weights.isel(weight_set=[number]))
        assert alone.tobytes() == together[[number]].tobytes()


@law
@given(tables(), weight_sets(), st.permutations(range(3)))
def test_the_order_of_practices_changes_no_bit(persons, weights, order):
    counted = count_persons(persons, FLAGS, age_bands=AGES, sexes=SEX, practices=PRACTICES)
    found = weigh(counted, weights)
    other = weigh(counted.isel(practice=list(order)), weights)
    assert other.identical(found.isel(practice=list(order)))


# ------------------------------------------------------------- compiled, by NumPy, and naively


def population(size=40_000, practices=50, width=200, dtype=np.uint8):
    rng = np.random.default_rng(7)
    places = np.sort(rng.integers(0, practices, size)).astype(np.int32)
    cells = rng.integers(0, width, size).astype(dtype)
    start = np.searchsorted(places, np.arange(practices + 1)).astype(np.int64)
    return cells, places, start


def by_twin(function, *arguments):
    """The same text, run as plain Python."""
    load(text_as_kernel(function), False)(*arguments)


@pytest.mark.parametrize(("width", "dtype"), [(200, np.uint8), (1000, np.uint16)])
def test_every_way_of_counting_gives_the_same_counts(width, dtype):
    cells, places, start = population(width=width, dtype=dtype)
    naive = np.zeros((50, width), np.int64)
    by_twin(count_in_order, cells, start, naive, 0, 50)
    other = np.zeros((50, width), np.int64)
    by_twin(count_in_any_order, cells, places, other, 0, len(cells))
    assert (naive == other).all()
    mixed = np.random.default_rng(8).permutation(len(cells))
    for compiled, threads in ((False, 1), (True, 1), (True, 3)):
        how = {"compiled": compiled, "threads": threads}
        assert (counted_in_order(cells, start, width, **how) == naive).all()
        found = counted_in_any_order(cells[mixed], places[mixed], 50, width, **how)
        assert (found == naive).all()
        assert found.dtype == np.int64


def test_counts_that_threads_hold_for_themselves_are_bounded(monkeypatch):
    cells, places, _ = population()
    expected = counted_in_any_order(cells, places, 50, 200, compiled=False)
    monkeypatch.setattr("capitation.weighing.kernels.MOST_PRIVATE", 1)
    found = counted_in_any_order(cells, places, 50, 200, compiled=True, threads=4)
    assert (found == expected).all()


def test_numpy_takes_persons_in_bounded_batches(monkeypatch):
    cells, places, _ = population()
    expected = counted_in_any_order(cells, places, 50, 200, compiled=False)
    monkeypatch.setattr("capitation.weighing.kernels.AT_ONCE", 999)
    assert (counted_in_any_order(cells, places, 50, 200, compiled=False) == expected).all()


@pytest.mark.parametrize("sets", [1, 5])
def test_every_way_of_weighing_gives_the_same_bits(monkeypatch, sets):
    monkeypatch.setattr("capitation.weighing.kernels.WORTH_SHARING", 0)
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 90, (40, 60))
    weights = rng.uniform(0, 9, (sets, 60))
    naive = np.zeros((40, sets))
    by_twin(add_up, counts, np.ascontiguousarray(weights.T), naive, 0, 40)
    for compiled, threads in ((False, 1), (True, 1), (True, 3)):
        found = weighed(counts, weights, compiled=compiled, threads=threads)
        assert found.tobytes() == np.ascontiguousarray(naive.T).tobytes()


@pytest.mark.parametrize("form", [as_places, as_cells_in_order])
def test_compiled_and_not_are_the_same_to_the_last_bit(form):
    slow, quick = (
        weigh(form(), WEIGHTS, practices=PRACTICES, compiled=compiled, threads=2)
        for compiled in (False, True)
    )
    assert slow.identical(quick)


def test_a_small_job_starts_no_compiler():
    code = (
        "import sys, xarray as xr\n"
        "from capitation.weighing.weighted_lists import weigh\n"
        "persons = {'practice': ['A'], 'age_band': [0], 'sex': [0]}\n"
        "weights = xr.DataArray([[1.0]], {'age_band': ['all'], 'sex': ['all']})\n"
        "weigh(persons, weights)\n"
        "print([name for name in ('numba', 'pyarrow.parquet') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------------------------ command


def run(tmp_path, *words):
    """What the command says, of persons and weights in files."""
    FRAME.to_csv(tmp_path / "persons.csv", index=False)
    (tmp_path / "weights.csv").write_text(TEXT, encoding="utf-8")
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_options(parser.add_argument)
    files = [str(tmp_path / "persons.csv"), "--weights", str(tmp_path / "weights.csv")]
    return weigh_command(parser.parse_args([*files, *words]))


def test_the_command_says_and_writes_what_is_weighed(tmp_path):
    output = tmp_path / "weighted.csv"
    text, status = run(tmp_path, "--output", str(output))
    assert status == 0
    assert text.startswith("5 persons of 2 practices: persons.csv\n\nWeights   scale  least need")
    assert text.endswith(f"2 weighted lists: {output}")
    found = weigh(FRAME, WEIGHTS)
    rows = [line.split(",") for line in output.read_text("utf-8").splitlines()]
    assert rows[0] == ["weight_set", "practice", "registered_list", "weighted_list", "need_index"]
    assert [row[:3] for row in rows[1:]] == [["one", "A", "3"], ["one", "B", "2"]]
    assert [float(row[3]) for row in rows[1:]] == found["weighted_list"].values[0].tolist()


def test_the_command_gives_json(tmp_path):
    factors = tmp_path / "factors.csv"
    factors.write_text("practice,rurality\nA,3\nB,2\n", encoding="utf-8")
    text, status = run(tmp_path, "--json", "--no-normalise", "--factors", str(factors))
    found = json.loads(text)
    assert status == 0
    assert found["persons"] == 5
    assert found["practice_factors"] == "rurality"
    assert found["weight_sets"]["one"]["weighted_list"] == {"A": 51, "B": 26}
    assert found["weight_sets"]["one"]["normalisation"] == 1
    assert found["output"] is None
    assert "Factors of practices: rurality" in run(tmp_path, "--factors", str(factors))[0]


def test_the_command_refuses_options_before_it_counts(tmp_path):
    with pytest.raises(InputError) as caught:
        run(tmp_path, "--threads", "0", "--output", str(tmp_path / "weighted.xlsx"))
    assert said(caught) == [
        f"{tmp_path / 'weighted.xlsx'}: is not the name of a table (end it in .csv)",
        "--threads: found 0 (a whole number from 1 to 1,024)",
    ]


# ------------------------------------------------------------------------------------ faults


def test_all_that_is_wrong_with_persons_is_said_at_once():
    persons = {
        "practice": ["A", None, "D", "B", "A"],
        "age_band": ["young", "old", "older", "yung", ""],
        "sex": [0, 1, 2, -1, float("nan")],
        "home": [0, 1, 2, None, 1],
        "new": [False, True, False, True, True],
    }
    with pytest.raises(InputError) as caught:
        weigh(persons, WEIGHTS, practices=PRACTICES)
    assert said(caught) == [
        "persons, age_band: 3 persons of no known age band: row 3 ('older'), row 4 ('yung'), "
        "row 5 (blank) (known: 'old', 'young')",
        "persons, sex: 3 persons of no known sex: row 3 (2.0), row 4 (-1.0), row 5 (blank) "
        "(a whole number from 0 to 1, or a label)",
        "persons, home: 2 persons neither with nor without the flag: row 3 (2.0), row 4 (blank) "
        "(0 or 1, or true or false)",
        "persons, practice: 2 persons of no known practice: row 2 (blank), row 3 ('D') "
        "(known: 'A', 'B', 'C')",
    ]


def test_faults_of_all_batches_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("capitation.weighing.batches.AT_ONCE", 10)
    path = tmp_path / "persons.csv"
    rows = [("A", "young" if n % 2 else "nobody", "male") for n in range(40)]
    pd.DataFrame(rows, columns=["practice", "age_band", "sex"]).to_csv(path, index=False)
    with pytest.raises(InputError) as caught:
        weigh(path, weights_of([[1, 2], [4, 8]]))
    (problem,) = said(caught)
    assert problem.startswith("persons.csv, age_band: 20 persons of no known age band: row 1 (")
    assert "row 9 ('nobody'), …" in problem


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("practice", [0, 1, 3, 0, 0], "persons, practice: 1 person of no known practice: row 3"),
        ("age_band", [0, 1, 7, 0, 0], "persons, age_band: 1 person of no known age band: row 3"),
        ("sex", [0, 1, 1, 0, 0.5], "persons, sex: 1 person of no known sex: row 5 (0.5)"),
        ("sex", [0, 1, 1, 0, np.inf], "persons, sex: 1 person of no known sex: row 5 (inf)"),
        ("mask", [0, 1, 4, 0, 9], "persons, mask: 2 persons with flags that there are not: row 3"),
        ("mask", [0, 1, -1, 0, 0], "persons, mask: 1 person with flags that there are not: row 3"),
    ],
)
def test_a_number_out_of_place_is_refused(column, values, found):
    with pytest.raises(InputError) as caught:
        weigh(as_mask() | {column: np.array(values)}, WEIGHTS, practices=PRACTICES)
    assert said(caught)[0].startswith(found)


def test_a_cell_that_there_is_not_is_refused_before_it_is_counted():
    persons = {"cell": np.array([0, 16], np.uint8), "practice_start": np.array([0, 2])}
    with pytest.raises(InputError, match="1 person in a cell that there is not: row 2"):
        weigh(persons, WEIGHTS, compiled=True)


@pytest.mark.parametrize(
    "start", [[0, 3, 4], [1, 3, 5], [0, 4, 3, 5], [0], [0.0, 5.0], [0, 2, 4, 5, 5]]
)
def test_beginnings_of_practices_lie_in_order(start):
    persons = {"cell": np.zeros(5, np.uint8), "practice_start": np.array(start)}
    with pytest.raises(InputError, match="persons, practice_start"):
        weigh(persons, WEIGHTS, practices=PRACTICES)


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(InputError) as caught:
        weigh(FRAME.drop(columns="sex").rename(columns={"home": "homes"}), WEIGHTS)
    assert said(caught) == [
        "persons: there is no column 'sex' (known: 'age_band', 'homes', 'new', 'practice')",
        "persons: there is no column 'home' (did you mean 'homes'?)",
    ]


def test_columns_are_of_one_length_and_one_dimension():
    with pytest.raises(InputError, match="of different lengths: practice 5, age_band 4, sex 5"):
        weigh(as_mask() | {"age_band": np.zeros(4, int)}, WEIGHTS)
    with pytest.raises(InputError, match="sex: has 2 dimensions"):
        weigh(as_mask() | {"sex": np.zeros((5, 2), int)}, WEIGHTS)


def test_practices_are_codes_or_places_and_not_both(tmp_path, monkeypatch):
    monkeypatch.setattr("capitation.weighing.batches.AT_ONCE_IN_MEMORY", 2)
    persons = as_places() | {"practice": np.array([0, 1, "A", "B", 2], dtype=object)}
    with pytest.raises(InputError, match="numbers in some rows and codes in others"):
        weigh(persons, WEIGHTS)


def test_persons_are_a_table_and_some_of_them(tmp_path):
    with pytest.raises(InputError, match="persons: found list"):
        weigh([1, 2], WEIGHTS)
    with pytest.raises(InputError, match="there is no such file"):
        weigh(tmp_path / "nowhere.csv", WEIGHTS)
    with pytest.raises(InputError, match=r"\.xlsx is not read"):
        weigh(tmp_path / "persons.xlsx", WEIGHTS)
    with pytest.raises(InputError, match="there are no persons"):
        weigh(FRAME.iloc[:0], WEIGHTS, practices=PRACTICES)
    with pytest.raises(InputError, match="there are no persons"):
        weigh(FRAME.iloc[:0], WEIGHTS)


def test_a_file_that_is_not_what_it_says_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "persons.parquet"
    path.write_bytes(b"not a table")
    with pytest.raises(InputError, match=r"persons\.parquet: is not a Parquet file"):
        weigh(path, WEIGHTS)
    empty = tmp_path / "persons.csv"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"persons\.csv: cannot be read"):
        weigh(empty, WEIGHTS)


def test_without_pyarrow_a_parquet_file_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "persons.parquet"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"capitation\[parquet\]"):
        weigh(path, WEIGHTS)


def test_practices_are_named_once_and_threads_are_some():
    with pytest.raises(InputError, match="practices: A stands twice"):
        weigh(FRAME, WEIGHTS, practices=["A", "B", "A"])
    with pytest.raises(InputError, match="threads: found 0"):
        weigh(FRAME, WEIGHTS, threads=0)


def test_labels_are_told_apart_and_not_too_many():
    with pytest.raises(InputError) as caught:
        count_persons({}, ("sex", "a", "a"), age_bands=("x", "x"), sexes=())
    assert said(caught) == [
        "age_bands: x stands twice (keep one of each)",
        "sexes: there are none (name them in order)",
        "flags: a stands twice (keep one of each)",
        "flags: sex is no flag (choose another name)",
    ]
    with pytest.raises(InputError, match="229,376 cells"):
        count_persons({}, [f"f{n}" for n in range(14)])


def test_weights_that_do_not_fit_are_refused():
    persons = as_places()
    for wrong, found in (
        (WEIGHTS.assign(weight=-WEIGHTS["weight"]), "weight: some are not numbers of 0 or more"),
        (WEIGHTS.assign(factor=WEIGHTS["factor"] * np.nan), "factor: some are not numbers"),
        (WEIGHTS.drop_vars("weight"), "weight: found Dataset"),
        ([1, 2], "weight: found list"),
        (WEIGHTS.drop_vars("age_band"), "with labels"),
        (WEIGHTS.assign_coords(sex=["male", "male"]), "sex: male stands twice"),
        (WEIGHTS.assign(weight=WEIGHTS["weight"] * 0), "all persons weigh nothing in the set one"),
    ):
        with pytest.raises(InputError, match=found):
            weigh(persons, wrong)
    counted = count_persons(FRAME, ("home",), age_bands=AGES, sexes=SEX)
    with pytest.raises(InputError, match="no flag 'new' of persons"):
        weigh(counted, WEIGHTS)
    other = count_persons(FRAME, FLAGS, age_bands=(*AGES, "oldest"), sexes=SEX)
    with pytest.raises(InputError, match="there is no weight of age band oldest"):
        weigh(other, WEIGHTS)


def test_weights_without_a_set_are_one_set():
    weights = xr.DataArray([[1.0, 2], [4, 8]], {"age_band": list(AGES), "sex": list(SEX)})
    assert weigh(FRAME, weights)["weight_set"].values.tolist() == ["weights"]
    two = xr.concat([weights, weights], "weight_set")
    assert weigh(FRAME, two)["weight_set"].values.tolist() == ["0", "1"]


def test_factors_that_do_not_fit_are_refused():
    def factors(codes, **of):
        return xr.Dataset({n: ("practice", v) for n, v in of.items()}, {"practice": codes})

    for wrong, found in (
        (factors(["A"], f=[1.0]), "factors: there are none of a practice: B"),
        (factors(["A", "B", "B"], f=[1.0, 2, 3]), "practice: B stands twice"),
        (factors(["A", "B"], f=[1.0, 0]), "factors, f, practice B: is 0"),
        (factors(["A", "B"], f=[1.0, np.nan]), "factors, f, practice B: is nan"),
        (factors(["A", "B"], f=["x", "y"]), "factors, f: is no factor of practices"),
        (xr.Dataset({"f": ((), 1.0)}, {"practice": ["A", "B"]}), "factors, f: is no factor"),
        ([1.0], "factors: found list"),
    ):
        with pytest.raises(InputError, match=found):
            weigh(FRAME, WEIGHTS, wrong)
    by_set = xr.DataArray([[1.0, 2]], {"weight_set": ["other"], "practice": ["A", "B"]})
    with pytest.raises(InputError, match="has no weight set one"):
        weigh(FRAME, WEIGHTS, by_set.to_dataset(name="f"))


@pytest.mark.parametrize("scale", [0, -1.0, float("nan"), [1.0, 2.0], [[1.0]]])
def test_a_scale_is_a_number_above_zero(scale):
    with pytest.raises(InputError, match="normalise: found"):
        weigh(FRAME, WEIGHTS, normalise=scale)


def test_counts_are_whole():
    counted = count_persons(FRAME, FLAGS, age_bands=AGES, sexes=SEX)
    as_read_back = counted.assign(persons=counted["persons"].astype(float))
    assert weigh(as_read_back, WEIGHTS).identical(weigh(counted, WEIGHTS))
    for wrong in (counted["persons"] + 0.5, -counted["persons"]):
        with pytest.raises(InputError, match="some are not whole numbers"):
            weigh(counted.assign(persons=wrong), WEIGHTS)
    with pytest.raises(InputError, match="are not counts by practice, age, sex and need"):
        weigh(counted.isel(need=[0, 1]), WEIGHTS)


# ------------------------------------------------------------------------------- files of weights

TEXT = """weight_set,age_band,sex,flag,weight
one,young,male,,1
one,young,female,,2
one,old,male,,4
one,old,female,,8
one,,,home,1.5
one,,,new,2
"""


def written(tmp_path, text):
    path = tmp_path / "weights.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_weights_are_read_from_a_file(tmp_path):
    path = written(tmp_path, TEXT)
    found = read_person_weights(path)
    xr.testing.assert_equal(found, WEIGHTS)
    assert found.attrs["source"] == "weights.csv"
    weighted = weigh(FRAME, path)
    assert weighted.attrs["weights_source"] == "weights.csv"
    xr.testing.assert_equal(weighted, weigh(FRAME, WEIGHTS))


def test_two_sets_of_weights_in_a_file(tmp_path):
    again = TEXT.partition("\n")[2].replace("one,", "two,").replace(",8", ",16")
    found = read_person_weights(written(tmp_path, TEXT + again))
    assert found["weight_set"].values.tolist() == ["one", "two"]
    assert found["weight"].sel(age_band="old", sex="female").values.tolist() == [8, 16]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("one,young,male,,1", "one,young,male,,x", "row 2.*is no weight"),
        ("one,young,male,,1", "one,young,male,,-1", "row 2.*is no weight"),
        ("one,young,male,,1", "one,young,,,1", "row 2: age band 'young', sex '', flag ''"),
        ("one,young,male,,1", "one,young,male,new,1", "row 2: age band 'young', sex 'male'"),
        ("one,young,male,,1\n", "", "there is no row of young, male in the set one"),
        ("one,,,new,2", "one,,,home,2", "row 7: stands in weights.csv, row 6 too"),
        ("one,,,new,2", ",,,new,2", "some rows are of no set"),
        ("flag,weight", "flags,weight", "unknown heading 'flags'"),
        ("flag,weight", "flag,wait", "there is no heading 'weight'"),
        ("flag,weight", "flag,flag,weight", "heading 'flag' stands 2 times"),
    ],
)
def test_a_file_of_weights_with_a_fault_is_refused(tmp_path, old, new, found):
    assert old in TEXT
    with pytest.raises(InputError, match=found):
        read_person_weights(written(tmp_path, TEXT.replace(old, new)))


def test_a_file_of_weights_without_any_is_refused(tmp_path):
    with pytest.raises(InputError, match="there are no weights by age band and sex"):
        read_person_weights(written(tmp_path, "age_band,sex,weight\n"))
    with pytest.raises(InputError, match="there are no weights by age band and sex"):
        read_person_weights(written(tmp_path, "age_band,sex,flag,weight\n,,home,2\n"))


@law
@given(weight_sets())
def test_weights_survive_a_file(tmp_path_factory, weights):
    rows = ["weight_set,age_band,sex,flag,weight"]
    for key in weights["weight_set"].values:
        of = weights.sel(weight_set=key)
        rows += [
            f"{key},{age},{sex},,{of['weight'].sel(age_band=age, sex=sex).item()!r}"
            for age in AGES
            for sex in SEX
        ]
        rows += [f"{key},,,{flag},{of['factor'].sel(flag=flag).item()!r}" for flag in FLAGS]
    path = written(tmp_path_factory.mktemp("weights"), "\n".join(rows))
    xr.testing.assert_equal(read_person_weights(path), weights)
