"""Weighted populations and allocations as they are read, from the official files and made ones."""

import json

import numpy as np
import pytest

from capitation.errors import InputError
from capitation.sources.allocations import read_allocations
from capitation.sources.weighted_populations import read_weighted_populations

TARGETS = "gp_practice_weighted_population_2018_19.csv"
TOOL = "icb_tool_2022_23.csv"
NEEDS = (
    "general_and_acute",
    "community",
    "mental_health",
    "maternity",
    "prescribing",
    "health_inequalities",
)


@pytest.fixture(scope="module")
def targets(reference_data):
    return read_weighted_populations(reference_data / TARGETS)


@pytest.fixture(scope="module")
def tool(reference_data):
    return read_weighted_populations(reference_data / TOOL)


def test_the_file_with_targets(targets):
    assert targets.sizes == {"practice": 5_393}
    assert len(set(targets["commissioner"].values)) == 192
    assert len(set(targets["integrated_care_system"].values)) == 42
    assert (targets["primary_care_network"].values == "").sum() == 626
    assert targets.attrs["fiscal_year"] == "2018/19"
    assert json.loads(targets.attrs["notes"]) == []
    assert float(targets["registered_population"].sum()) == pytest.approx(43_357_150.8, abs=0.05)
    published = targets["published_target_allocation"]
    remote = targets["published_target_allocation_with_remoteness"]
    assert float(published.sum()) == pytest.approx(54_442.601e6, abs=500)
    assert float(remote.sum()) == pytest.approx(54_465.942e6, abs=500)
    assert ((remote - published) > 1).sum() == 194
    for index, least, most in (
        ("market_forces_factor", 0.9255, 1.1487),
        ("emergency_ambulance_index", 0.9959, 1.0071),
    ):
        assert float(targets[index].min()) == pytest.approx(least, abs=5e-5)
        assert float(targets[index].max()) == pytest.approx(most, abs=5e-5)


def test_the_allocation_tool(tool):
    assert tool.sizes == {"practice": 6_554}
    assert len(set(tool["commissioner"].values)) == 106
    assert tool.attrs["fiscal_year"] == "2022/23"
    people = float(tool["registered_population"].sum())
    assert people == pytest.approx(61_498_822, abs=1)
    assert float(tool["registered_list"].sum()) == 61_194_033
    for name in (*[f"weighted_population_{need}" for need in NEEDS], "weighted_population"):
        assert float(tool[name].sum()) == pytest.approx(people, abs=1), name
    need = tool["weighted_population"] / tool["registered_population"]
    np.testing.assert_array_equal(tool["need_index"].values, need.values)


def test_blank_maternity_of_very_small_practices_is_nothing_and_noted(tool):
    (note,) = json.loads(tool.attrs["notes"])
    assert "blank for 17 practices of 367 persons at most" in note
    at_chelsea = tool.sel(practice="E87711")
    assert float(at_chelsea["weighted_population_maternity"]) == 0
    assert float(at_chelsea["registered_population"]) == pytest.approx(280.264763)


def test_both_publications_give_the_same_names(targets, tool):
    for name in (*[f"weighted_population_{need}" for need in NEEDS], "need_index"):
        for populations in (targets, tool):
            assert populations[name].attrs["units"] in {"patient", "1"}
            assert populations[name].attrs["long_name"]
    named = {"practice_name", "commissioner", "primary_care_network", "integrated_care_system"}
    assert named <= set(targets.coords) & set(tool.coords)


# Made files ------------------------------------------------------------------------------------

HEADINGS = (
    "Practice_Code,GP_Practice_Name,CCG21,Former CCG,PCN_Code,LOC22,LOC22name,Patients,"
    "pop 2022/23,G&A WP,CS WP,MH WP,Mat WP,Health Ineq WP,Prescr WP,Final WP,"
    "Primary Medical Care WP,Final PMC WP"
)
ROW = (
    "A99999,Surgery,00X,Old CCG,U,00Y,Place,8001,8000,8100,8200,7900,7000,9000,8300,8400,8000,8150"
)


@pytest.fixture
def written(tmp_path):
    def write(*rows, name="tool.csv", headings=HEADINGS):
        path = tmp_path / name
        path.write_text("\n".join([headings, *rows]), encoding="utf-8")
        return path

    return write


def test_an_unallocated_network_is_none(written):
    populations = read_weighted_populations(written(ROW))
    assert populations["primary_care_network"].values.tolist() == [""]
    assert populations["commissioner"].values.tolist() == ["00Y"]


def test_a_later_tool_has_neither_places_nor_patients_and_its_name_says_the_year(written):
    row = ROW.replace("00Y,Place,8001", ",,")
    populations = read_weighted_populations(written(row, name="2024_2025.csv"))
    assert populations.attrs["fiscal_year"] == "2024/25"
    (note,) = json.loads(populations.attrs["notes"])
    assert note == "taken for 2024/25, while the headings say 2022/23"
    assert populations["commissioner"].values.tolist() == ["00X"]
    assert populations["commissioner_name"].values.tolist() == ["Old CCG"]
    assert "registered_list" not in populations


def test_headings_may_be_spelt_otherwise(written):
    headings = HEADINGS.replace("G&A WP", " g & a  wp").replace("Practice_Code", "PRACTICE CODE")
    populations = read_weighted_populations(written(ROW, headings=headings))
    assert float(populations["weighted_population_general_and_acute"].item()) == 8100


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((ROW, ROW), "row 3: practice A99999 is in row 2 too"),
        ((ROW.replace("A99999", "Total"), ROW), 'row 2: "TOTAL" is not a practice code'),
        ((ROW.replace("8100", "many"),), 'row 2, column "G&A WP": expected a number, found "many"'),
        ((ROW.replace("7000", ""),), 'row 2, column "Mat WP": expected a number, found ""'),
        ((ROW.replace("8300", "-1"),), 'column "Prescr WP": expected zero or more, found "-1"'),
        ((ROW + ",1",), "has 19 cells, but the row of headings has 18"),
        ((), "has headings but no practices"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(written, rows, said):
    with pytest.raises(InputError) as error:
        read_weighted_populations(written(*rows))
    assert said in str(error.value)


def test_every_fault_at_once(written):
    rows = (ROW.replace("8100", "x"), ROW.replace("9000", "y"))
    with pytest.raises(InputError) as error:
        read_weighted_populations(written(*rows))
    assert len(error.value.problems) == 3


def test_a_missing_column_is_named_with_the_nearest(written):
    with pytest.raises(InputError) as error:
        read_weighted_populations(written(ROW, headings=HEADINGS.replace("Final WP", "Finale WP")))
    assert 'the nearest heading is "Finale WP"' in str(error.value)


@pytest.mark.parametrize(
    ("headings", "name", "said"),
    [
        ("a,b", "tool.csv", "has neither the headings of weighted populations nor those"),
        (HEADINGS.replace("LOC22name", "LOC21"), "tool.csv", "have one meaning: commissioner"),
        (HEADINGS.replace("pop 2022/23", "pop 2022/24"), "tool.csv", "say one fiscal year"),
    ],
)
def test_another_file_is_refused(written, headings, name, said):
    with pytest.raises(InputError) as error:
        read_weighted_populations(written(ROW, headings=headings, name=name))
    assert said in str(error.value)


def test_a_year_that_is_none_is_refused(written):
    with pytest.raises(InputError, match="'2018' is not a year"):
        read_weighted_populations(written(ROW), "2018")


@pytest.mark.parametrize(
    ("name", "year", "notes"),
    [
        ("tool_2022_23.csv", None, 0),
        ("tool_2022_23.csv", "2022/23", 0),
        ("tool_2023_24.csv", None, 1),  # later tools keep the headings of 2022/23
        ("tool_2023_24.csv", "2023/24", 1),
        ("tool_2023_24.csv", "2022/23", 1),
        ("tool.csv", "2023/24", 1),
        ("tool.csv", "2018/19", None),
        ("tool_2022_23.csv", "2018/19", None),
        ("tool_2022_23.csv", "2023/24", None),
        ("tool_2023_24.csv", "2024/25", None),
    ],
)
def test_a_year_that_the_file_contradicts_is_noted_or_refused(written, name, year, notes):
    path = written(ROW, name=name)
    if notes is None:
        with pytest.raises(InputError, match=f"{year} is asked for, but") as error:
            read_weighted_populations(path, year)
        assert "the headings say 2022/23" in str(error.value)
        return
    populations = read_weighted_populations(path, year)
    assert populations.attrs["fiscal_year"] == year or year is None
    assert len(json.loads(populations.attrs["notes"])) == notes


# Allocations -----------------------------------------------------------------------------------

ALLOCATIONS = (
    "code,ccg,raw_population,weighted_population,allocation_2013_14_k,indicative_target_k,dft_k"
)
BOLTON = "00T,NHS Bolton CCG,296802,310589,331159,352647,-21488"


def test_the_allocations_of_2013_14(reference_data):
    found = read_allocations(reference_data / "ccg_allocation_2013_14_dft.csv")
    assert found.sizes == {"commissioner": 8}
    assert found.attrs["fiscal_year"] == "2013/14"
    assert found.attrs["source"] == "ccg_allocation_2013_14_dft.csv"
    bolton = found.sel(commissioner="00T")
    assert bolton["commissioner_name"].item() == "NHS Bolton CCG"
    assert float(bolton["target_allocation"]) == 352_647_000
    assert float(bolton["published_distance_from_target"]) == pytest.approx(-0.0609)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((BOLTON, BOLTON), "row 3: commissioner 00T is in row 2 too"),
        ((BOLTON.replace("352647", "352647x"),), 'found "352647x"'),
        ((BOLTON.replace("296802", "0"),), "expected a number above zero"),
        ((BOLTON.replace("-21488", "-21400"),), "allocation less target is -21,488, but -21,400"),
        ((BOLTON.replace("00T", ""),), "no commissioner code"),
        ((), "has headings but no commissioners"),
    ],
)
def test_wrong_allocations_are_refused(written, rows, said):
    with pytest.raises(InputError) as error:
        read_allocations(written(*rows, headings=ALLOCATIONS))
    assert said in str(error.value)


def test_allocations_of_another_year_are_refused(written):
    with pytest.raises(InputError, match="2012/13 is asked for, but the headings say 2013/14"):
        read_allocations(written(BOLTON, headings=ALLOCATIONS), "2012/13")


def test_allocations_without_a_column_are_refused(written):
    headings = ALLOCATIONS.replace("indicative_target_k", "aim")
    with pytest.raises(InputError, match="no column for: Target allocation"):
        read_allocations(written(BOLTON, headings=headings))
