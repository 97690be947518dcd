"""The reader of the payments files: every layout, every fault, and the published figures."""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.errors import InputError
from capitation.sources.payments import normalise_heading, read_payments

# Layouts ------------------------------------------------------------------------------------

WORDS = {
    "region": "NHS England (Region) code",
    "region_name": "NHS England (Region) Name",
    "commissioner": "CCG Code",
    "commissioner_name": "CCG NAME",
    "practice": "Practice Code",
    "practice_name": "Practice Name",
    "address": "Practice Address",
    "opened": "Practice Open Date",
    "closed": "Practice Close Date",
    "contract_type": "Contract Type",
    "registered_list": "Number of Registered Patients (Last Known Figure)",
    "weighted_list": "Number of Weighted Patients (Last Known Figure)",
    "average": "Average payments per registered patient",
    "global_sum": "Global Sum",
    "correction_factor": "MPIG Correction factor",
    "premises": "Premises Payments",
    "seniority": "Seniority",
    "appraisal_costs": "Appraisal Costs ",
    "qof": "Total QOF Payments",
    "extended_hours_access": "GP Extended Hours Access",
    "local_schemes": "Total Local Enhanced Services",
    "information_management_and_technology": "Information Management and Technology",
    "pms_expenditure": "Balance of PMS Expenditure",
    "other_payments": "Other Payments",
    "total_payments": "Total NHS Payments to General Practice",
    "deductions": "Deductions for Pensions, Levies and Prescription Charge Income",
    "total_less_deductions": "Total NHS Payments to General Practice Minus Deductions",
}
CAMEL = {
    "region": "NHSEnglandRegionLocalOfficeCode",
    "region_name": "NHSEnglandRegionLocalOfficeName",
    "commissioner": "CCGCode",
    "commissioner_name": "CCGName",
    "practice": "PracticeCode",
    "practice_name": "PracticeName",
    "address": "PracticeAddress",
    "opened": "PracticeOpenDate",
    "closed": "PracticeCloseDate",
    "contract_type": "ContractType",
    "registered_list": "NumberofRegisteredPatientsLastKnownFigure",
    "weighted_list": "NumberofWeightedPatientsLastKnownFigure",
    "average": "AveragePaymentsPerRegisteredPatient_£",
    "global_sum": "GlobalSum_£",
    "correction_factor": "MPIGCorrectionfactor_£",
    "premises": "PremisesPayments_£",
    "seniority": "Seniority_£",
    "appraisal_costs": "AppraisalAppraiserCostsinRespectofLocums_£",
    "qof": "TotalQOFPayments_£",
    "extended_hours_access": "ExtendedHoursAccess_£",
    "local_schemes": "TotalLocalEnhancedServices_£",
    "information_management_and_technology": "InformationManagementandTechnology_£",
    "pms_expenditure": "BalanceofPMSExpenditure_£",
    "other_payments": "OtherPayments_£",
    "total_payments": "TotalNHSPaymentsToGeneralPractice_£",
    "deductions": "DeductionsForPensionsLeviesAndPrescriptionChargeIncome_£",
    "total_less_deductions": "TotalNHSPaymentsToGeneralPracticeMinusDeductions_£",
}
LIST_AVERAGES = {
    "registered_list": "Average Number of Registered Patients",
    "weighted_list": "Average Number of Weighted Patients",
    "local_schemes": "Total Local Incentive Schemes",
}
LOCAL_OFFICE = {
    "region": "NHS England (Region, local office) Code",
    "region_name": "NHS England (Region, local office) Name",
    "commissioner_name": "CCG Name",
    "extended_hours_access": "Extended Hours Access",
    "other_payments": "Other Payments1",
}
SUB_ICB = {
    "commissioner": "Sub ICB Code",
    "commissioner_name": "Sub ICB NAME",
    "appraisal_costs": "Appraisal - Appraiser Costs in Respect of Locums",
    "local_schemes": "Local Incentive Schemes",
}
LAYOUTS = {
    "2014/15": (WORDS, "utf-8-sig"),
    "2015/16": (
        CAMEL
        | {
            "region": "NHSEnglandRegionCode",
            "registered_list": "NumberOfRegisteredPatientsLastKnownFigure",
            "average": "AveragePaymentPerRegisteredPatient_£",
            "appraisal_costs": "Appraisal_AppraiserCostsInRespectOfLocums_£",
            "local_schemes": "LocalEnhancedServices_NHAIS_£|LocalEnhancedServices_ISFE_£",
        },
        "cp1252",
    ),
    "2016/17": (CAMEL, "cp1252"),
    "2017/18": (WORDS | LOCAL_OFFICE, "utf-8"),
    "2018/19": (
        WORDS
        | LOCAL_OFFICE
        | LIST_AVERAGES
        | {"region": "NHS England and NHS Improvement (Region, local office) Code"},
        "utf-8",
    ),
    "2019/20": (WORDS | LIST_AVERAGES, "utf-8"),
    "2020/21": (WORDS | {"local_schemes": "Total Local Incentive Schemes"}, "utf-16"),
    "2021/22": (WORDS | LIST_AVERAGES, "cp1252"),
    "2022/23": (WORDS | LIST_AVERAGES | SUB_ICB, "utf-8"),
}
PAID = (
    "global_sum",
    "correction_factor",
    "premises",
    "seniority",
    "appraisal_costs",
    "qof",
    "extended_hours_access",
    "local_schemes",
    "information_management_and_technology",
    "pms_expenditure",
    "other_payments",
)
ALWAYS = {
    "registered_list",
    "weighted_list",
    "global_sum",
    "correction_factor",
    "pms_expenditure",
    "seniority",
    "qof",
    "total_payments",
    "london_practice",
}


def pounds(pence: int) -> str:
    return f"{pence / 100:.2f}"


def practice(code: str = "A99001", **changed: str) -> dict[str, str]:
    """Cells of a practice that adds up, by meaning."""
    cells = {
        "region": "Q99",
        "region_name": "EXAMPLE REGION",
        "commissioner": "00X",
        "commissioner_name": "NHS EXAMPLE CCG",
        "practice": code,
        "practice_name": "EXAMPLE SURGERY",
        "address": "1 HIGH STREET, EXAMPLE",
        "opened": "01/04/1999",
        "closed": "",
        "contract_type": "GMS",
        "registered_list": "8000",
        "weighted_list": "7600.5",
        "average": "62.50",
        "total_payments": "500000.10",
        "deductions": "-50000",
        "total_less_deductions": "450000.10",
    }
    cells |= dict.fromkeys(PAID, "0")
    cells |= {"global_sum": "430000.10", "qof": "70000"}
    return cells | changed


def split(cell: str, heading: str) -> list[str]:
    """Give a cell the parts that its heading has."""
    parts = cell.split("|")
    return parts + ["0"] * (heading.count("|") + 1 - len(parts))


def write(
    folder: Path,
    rows: list[dict[str, str]],
    year: str = "2018/19",
    order: list[str] | None = None,
    headings: dict[str, str] | None = None,
    encoding: str | None = None,
    name: str | None = None,
) -> Path:
    """Write rows, by meaning, in the layout of a year."""
    layout, usual_encoding = LAYOUTS[year]
    headings = (layout if headings is None else headings) | {
        key: key for row in rows for key in row if key not in WORDS
    }
    order = [key for key in order or headings if key in headings]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([part for key in order for part in headings[key].split("|")])
    for row in rows:
        writer.writerow([part for key in order for part in split(row[key], headings[key])])
    path = folder / (name or f"nhspaymentsgp-{year[2:4]}-{year[5:]}-csv.csv")
    path.write_bytes(buffer.getvalue().encode(encoding or usual_encoding))
    return path


def without(headings: dict[str, str], *names: str) -> dict[str, str]:
    return {name: heading for name, heading in headings.items() if name not in names}


def problems(path: Path, fiscal_year: str | None = None) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_payments(path, fiscal_year)
    return [str(problem) for problem in caught.value.problems]


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, str]]:
    """Practices that add up to the penny."""
    pence = st.integers(-5_000_000, 500_000_000)
    codes = st.lists(st.from_regex(r"[A-Y][0-9]{5}", fullmatch=True), min_size=1, max_size=4)
    rows = []
    for code in draw(codes.filter(lambda found: len(set(found)) == len(found))):
        paid = {name: draw(pence) for name in PAID}
        total, deducted = sum(paid.values()), draw(st.integers(-90_000_000, 1_000_000))
        cells = practice(
            code,
            contract_type=draw(st.sampled_from(["GMS", "PMS", "APMS", "UNKNOWN"])),
            commissioner=draw(st.sampled_from(["00K", "15E", "09A"])),
            region=draw(st.sampled_from(["Q71", "Y56", "Q74"])),
            opened=draw(st.sampled_from(["01/04/1999", "36251", "-", " ", ""])),
            registered_list=str(draw(st.integers(0, 90_000))),
            weighted_list=f"{draw(st.integers(0, 90_000_000)) / 1000:.3f}",
            total_payments=pounds(total),
            deductions=pounds(deducted),
            total_less_deductions=pounds(total + deducted),
        )
        rows.append(cells | {name: pounds(amount) for name, amount in paid.items()})
    return rows


def values(payments: xr.Dataset) -> xr.Dataset:
    """Give a Dataset without what differs by layout: headings, file, and order of columns."""
    return payments[sorted(map(str, payments.data_vars))].drop_attrs()


@settings(deadline=None, max_examples=40)
@given(
    rows=tables(),
    year=st.sampled_from(sorted(LAYOUTS)),
    order=st.permutations(list(WORDS)),
    nothing=st.sampled_from(["0", "-", "", " N/A "]),
    data=st.data(),
)
def test_every_layout_reads_to_the_same_values(rows, year, order, nothing, data):
    written = [
        {key: nothing if key in PAID and cell == "0.00" else cell for key, cell in row.items()}
        for row in rows
    ]
    if year == "2015/16":
        for row, plain in zip(written, rows, strict=True):
            isfe = data.draw(st.integers(-1_000_000, 1_000_000))
            nhais = round(float(plain["local_schemes"]) * 100) - isfe
            row["local_schemes"] = f"{pounds(nhais)}|{pounds(isfe)}"
    with tempfile.TemporaryDirectory() as folder:
        read = read_payments(write(Path(folder), written, year, order))
        plain = read_payments(write(Path(folder), rows, "2014/15"))
    assert read.attrs["fiscal_year"] == year
    xr.testing.assert_allclose(values(read), values(plain), rtol=0, atol=1e-6)
    for name in set(PAID) - {"local_schemes"}:
        assert read[name].values.tolist() == [float(row[name]) for row in rows]
    assert read["london_practice"].values.tolist() == [row["region"] != "Q74" for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings(tmp_path, encoding):
    rows = [practice(practice_name="Café Surgery")]
    payments = read_payments(write(tmp_path, rows, "2016/17", encoding=encoding))
    assert payments["practice_name"].item() == "Café Surgery"
    assert payments["global_sum"].attrs["heading"] == "GlobalSum_£"


def test_unicode_text_from_a_spreadsheet_has_tabs(tmp_path):
    path = write(tmp_path, [practice(address="High Street")], headings=without(WORDS, "deductions"))
    tabbed = path.read_text(encoding="utf-8").replace(",", "\t")
    path.write_bytes(codecs.BOM_UTF16_BE + tabbed.encode("utf-16-be"))
    assert read_payments(path)["qof"].item() == 70_000


def test_what_a_dataset_says_of_itself(tmp_path):
    payments = read_payments(write(tmp_path, [practice(), practice("A99002")], "2015/16"))
    assert set(payments.data_vars) >= ALWAYS
    assert set(payments.coords) == {
        "practice",
        "practice_name",
        "commissioner",
        "commissioner_name",
        "contract_type",
        "region",
        "opened",
        "closed",
    }
    assert payments.sizes == {"practice": 2}
    assert payments.attrs["source"] == "nhspaymentsgp-15-16-csv.csv"
    assert len(payments.attrs["sha256"]) == 64
    assert payments.attrs["left_out"] == "PracticeAddress; AveragePaymentPerRegisteredPatient_£"
    assert "Open Government Licence" in payments.attrs["licence"]
    assert all(isinstance(value, str) for value in payments.attrs.values())
    for variable in payments.data_vars.values():
        assert variable.dtype == np.float64
        assert {"units", "long_name"} <= set(variable.attrs)
    assert payments["registered_list"].attrs["units"] == "patient"
    assert payments["london_practice"].attrs["units"] == "1"
    assert payments["premises"].attrs["units"] == "GBP/year"
    assert payments["information_management_and_technology"].attrs == {
        "long_name": "Information Management and Technology",
        "units": "GBP/year",
        "heading": "InformationManagementandTechnology_£",
    }
    assert payments["closed"].dtype == np.dtype("datetime64[ns]")
    assert np.isnat(payments["closed"].values).all()
    assert payments["opened"].values[0] == np.datetime64("1999-04-01")


def test_normalise_heading():
    assert normalise_heading("Total NHS Payments to General Practice²") == (
        normalise_heading("TotalNHSPaymentsToGeneralPractice_£")
    )


# The fiscal year ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("gp_payments_2014_15.csv", "2014/15"),
        ("nhspaymentsgp-15-16-csv.csv", "2015/16"),
        ("NHS Payments to General Practice 2019-20.csv", "2019/20"),
        ("nhspaymentsgp_2021_22.csv", "2021/22"),
        ("payments 2020-2021 (2).csv", "2020/21"),
        ("downloaded 2024-11-12 nhspaymentsgp-21-22-prac-csv-v2.csv", "2021/22"),
        ("payments201819.csv", "2018/19"),
        ("payments 2017–18.csv", "2017/18"),
    ],
)
def test_fiscal_year_from_the_name(tmp_path, name, year):
    assert read_payments(write(tmp_path, [practice()], name=name)).attrs["fiscal_year"] == year


@pytest.mark.parametrize("name", ["payments.csv", "payments_2021.csv", "a 14-16 b 2013.csv"])
def test_fiscal_year_must_be_known(tmp_path, name):
    (found,) = problems(write(tmp_path, [practice()], name=name))
    assert "--fiscal-year 2014/15" in found
    path = write(tmp_path, [practice()], name=name)
    assert read_payments(path, fiscal_year="2018/19").attrs["fiscal_year"] == "2018/19"


def test_fiscal_year_may_not_be_doubtful(tmp_path):
    (found,) = problems(write(tmp_path, [practice()], name="2014-15 and 2015-16.csv"))
    assert "2014/15 or 2015/16" in found


@pytest.mark.parametrize("year", ["2014-15", "2014/16", "14/15", "2014/2015", ""])
def test_fiscal_year_given_wrongly(tmp_path, year):
    (found,) = problems(write(tmp_path, [practice()]), year)
    assert repr(year) in found
    assert "as 2014/15" in found


# Headings -----------------------------------------------------------------------------------


def test_all_missing_headings_at_once(tmp_path):
    headings = without(WORDS, "commissioner", "qof") | {"global_sum": "Global Sun"}
    found = problems(write(tmp_path, [practice()], headings=headings))
    assert len(found) == 3
    assert found[0].startswith("nhspaymentsgp-18-19-csv.csv: no column for: Commissioner code")
    assert '"Sub ICB Code", "Sub ICB Location Code", "CCG Code"' in found[0]
    assert 'looked for "Global Sum" in any case and spacing' in found[1]
    assert 'the nearest heading is "Global Sun"' in found[1]
    assert "Quality and Outcomes Framework" in found[2]


@pytest.mark.parametrize("name", ["seniority", "correction_factor"])
def test_payments_that_had_ended(tmp_path, name):
    headings = without(WORDS, name)
    (found,) = problems(write(tmp_path, [practice()], headings=headings, name="2019-20.csv"))
    assert "no column for" in found
    payments = read_payments(write(tmp_path, [practice()], headings=headings, name="2020-21.csv"))
    assert payments[name].values.tolist() == [0.0]
    assert payments[name].attrs["heading"] == ""
    assert payments[name].attrs["note"] == "not in this layout"
    assert payments[name].attrs["units"] == "GBP/year"


def test_two_columns_of_one_meaning(tmp_path):
    (found,) = problems(write(tmp_path, [practice(**{"GLOBAL SUM 2": "0"})]))
    assert '"Global Sum", "GLOBAL SUM 2" have one meaning' in found
    (found,) = problems(write(tmp_path, [practice(**{"New Scheme": "0", "NewScheme_£": "0"})]))
    assert '"New Scheme", "NewScheme_£" have one meaning' in found


def test_sub_icb_is_preferred_to_ccg(tmp_path):
    rows = [practice(**{"Sub ICB NAME": "NHS EXAMPLE ICB - 00X"})]
    payments = read_payments(write(tmp_path, rows, "2021/22"))
    assert payments["commissioner_name"].item() == "NHS EXAMPLE ICB - 00X"


def test_an_unknown_payment_keeps_its_name(tmp_path):
    rows = [practice(**{"WinterFluScheme_£": "10.25"}, qof="69989.75")]
    payments = read_payments(write(tmp_path, rows))
    assert payments["winter_flu_scheme"].item() == 10.25
    assert payments["winter_flu_scheme"].attrs["heading"] == "WinterFluScheme_£"


def test_a_known_payment_that_nobody_had_is_zero(tmp_path):
    payments = read_payments(write(tmp_path, [practice(appraisal_costs="-")]))
    assert payments["appraisal_costs"].values.tolist() == [0.0]


def test_unknown_text_is_left_out(tmp_path):
    rows = [practice(Notes="see letter"), practice("A99002", Notes="")]
    assert read_payments(write(tmp_path, rows)).attrs["left_out"].endswith("; Notes")


def test_numbers_without_a_heading(tmp_path):
    rows = [practice(**{"2": "7", "z": "0"})]
    (found,) = problems(write(tmp_path, rows))
    assert found.startswith("nhspaymentsgp-18-19-csv.csv, column 28: has numbers but no heading")


def test_a_name_that_is_taken(tmp_path):
    (found,) = problems(write(tmp_path, [practice(Weighted_List="3")]))
    assert 'column "Weighted_List" would be named as weighted_list' in found


def test_totals_with_covid_and_networks(tmp_path):
    extra = {
        "PCN Participation": "100",
        "PCN Workforce": "2000",
        "Covid Immunisation": "300",
        "Total NHS Payments including covid vaccination and covid support": "500300.10",
        "Total NHS Payments including PCN Workforce, Leadership and Support": "502000.10",
        "Total NHS Payments to General Practice including Covid and PCN payments": "502300.10",
        "Total NHS Payments to General Practice including Covid and PCN payments "
        "minus deductions": "452300.10",
        "Average payments per weighted patient including PCN Workforce": "9",
        "PCN Code": "U00001",
    }
    payments = read_payments(write(tmp_path, [practice(qof="69900", **extra)], "2021/22"))
    assert payments["total_payments"].item() == 500_000.10
    assert payments["pcn_participation"].item() == 100
    assert payments["total_including_covid"].item() == 500_300.10
    assert payments["total_including_pcn"].item() == 502_000.10
    assert payments["total_including_covid_and_pcn"].item() == 502_300.10
    assert payments["total_including_covid_and_pcn_less_deductions"].item() == 452_300.10
    assert payments["covid_immunisation"].item() == 300


def test_local_total_beside_its_parts_is_counted_once(tmp_path):
    parts = practice(local_schemes="1000|500.25", qof="68499.75")
    total = parts | {"TotalLocalEnhancedServices_£": "1500.25"}
    payments = read_payments(write(tmp_path, [total], "2015/16"))
    assert payments["local_schemes"].item() == 1500.25
    assert payments["local_schemes"].attrs["heading"] == (
        "LocalEnhancedServices_NHAIS_£ + LocalEnhancedServices_ISFE_£"
    )
    assert not [name for name in payments if "nhais" in str(name) or "enhanced" in str(name)]
    xr.testing.assert_equal(
        values(payments), values(read_payments(write(tmp_path, [parts], "2015/16")))
    )
    total["TotalLocalEnhancedServices_£"] = "1600"
    (found,) = problems(write(tmp_path, [total], "2015/16"))
    assert "parts of the local schemes add up to £1,500.25" in found


def test_london(tmp_path):
    regions = [("Q71", "x"), ("Y56", "x"), ("Q99", "NHS England London"), ("Q72", "North")]
    rows = [practice(f"A9900{i}", region=a, region_name=b) for i, (a, b) in enumerate(regions)]
    payments = read_payments(write(tmp_path, rows))
    assert payments["london_practice"].values.tolist() == [1, 1, 1, 0]
    payments = read_payments(
        write(tmp_path, rows, headings=without(WORDS, "region", "region_name"))
    )
    assert payments["london_practice"].values.tolist() == [0, 0, 0, 0]
    assert "no region" in payments["london_practice"].attrs["note"]


# Cells --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["12k", "abc", "nan", "inf", "-inf", "1,23", "1_000", "#REF!", "."])
def test_a_payment_that_is_not_a_number(tmp_path, bad):
    (found,) = problems(write(tmp_path, [practice(), practice("A99002", global_sum=bad)]))
    assert found == (
        'nhspaymentsgp-18-19-csv.csv, row 3, column "Global Sum": '
        f'expected a number, found "{bad}" (write digits, as 1234.56)'
    )


@pytest.mark.parametrize("cell", ["430,000.10", "£430,000.10", "£ 430000.10", " 430000.1 "])
def test_a_payment_as_people_write_it(tmp_path, cell):
    payments = read_payments(write(tmp_path, [practice(global_sum=cell)]))
    assert payments["global_sum"].item() == 430_000.10


@pytest.mark.parametrize("cell", ["-1,250.50", "-£1250.50", "£-1,250.50"])
def test_a_negative_payment(tmp_path, cell):
    rows = [practice(premises=cell, qof="71250.50")]
    assert read_payments(write(tmp_path, rows))["premises"].item() == -1250.50


@pytest.mark.parametrize("nothing", ["", " ", "-", "N/A", "n/a"])
def test_a_list_may_be_blank_where_there_is_no_list(tmp_path, nothing):
    none = read_payments(
        write(tmp_path, [practice(registered_list=nothing, weighted_list="0", seniority=nothing)])
    )
    assert none["registered_list"].item() == none["seniority"].item() == 0
    (found,) = problems(write(tmp_path, [practice(weighted_list=nothing)]))
    assert 'column "Average Number of Weighted Patients": expected a number of patients' in found
    assert "only a practice with no list at all may have a blank here" in found


@pytest.mark.parametrize("cell", ["abc", "inf", "NO KNOWN PATIENTS"])
def test_a_list_that_is_not_a_number(tmp_path, cell):
    (found,) = problems(write(tmp_path, [practice(registered_list=cell, weighted_list="0")]))
    assert f'found "{cell}"' in found


def test_a_negative_list(tmp_path):
    (found,) = problems(write(tmp_path, [practice(weighted_list="-120")]))
    assert 'a list cannot be negative, found "-120"' in found


def test_a_practice_twice(tmp_path):
    rows = [practice(), practice("A99002"), practice(" a99 001")]
    (found,) = problems(write(tmp_path, rows))
    assert "row 4: practice A99001 is in row 2 too" in found


@pytest.mark.parametrize("code", ["", "-"])
def test_a_row_without_a_code(tmp_path, code):
    (found,) = problems(write(tmp_path, [practice(), practice(code)]))
    assert "row 3: no practice code" in found


@pytest.mark.parametrize("code", ["TOTAL", "England", "See note 1", "A810011"])
def test_a_row_that_is_no_practice(tmp_path, code):
    (found,) = problems(write(tmp_path, [practice(), practice(code)]))
    assert f'row 3: "{code.upper().replace(" ", "")}" is not a practice code' in found


def test_a_practice_without_a_commissioner(tmp_path):
    (found,) = problems(write(tmp_path, [practice(commissioner=" ")]))
    assert "practice A99001 has no commissioner code" in found


def test_blank_rows_are_passed_over_but_counted(tmp_path):
    blank = dict.fromkeys(WORDS, "")
    path = write(tmp_path, [practice(), blank, practice("A99002", qof="x")])
    path.write_bytes(b"\r\n" + path.read_bytes() + b",,,\r\n\r\n")
    (found,) = problems(path)
    assert "row 5" in found


def test_contract_types(tmp_path):
    types = ["gms ", "UNKNOWN", "", "-", "Spms"]
    rows = [practice(f"A9900{i}", contract_type=cell) for i, cell in enumerate(types)]
    payments = read_payments(write(tmp_path, rows))
    assert payments["contract_type"].values.tolist() == ["GMS", *["unknown"] * 3, "SPMS"]


def test_dates(tmp_path):
    cells = ["01/04/1999", "36251", "1999-04-01", "-", " ", "N/A"]
    rows = [practice(f"A9900{i}", closed=cell) for i, cell in enumerate(cells)]
    closed = read_payments(write(tmp_path, rows))["closed"].values
    assert (closed[:3] == np.datetime64("1999-04-01")).all()
    assert np.isnat(closed[3:]).all()


@pytest.mark.parametrize("cell", ["31/02/2015", "April", "-5", "250000.5", "01/04/0199"])
def test_a_wrong_date(tmp_path, cell):
    (found,) = problems(write(tmp_path, [practice(opened=cell)]))
    assert f'column "Practice Open Date": expected a date, found "{cell}"' in found


def test_every_fault_is_told_at_once(tmp_path):
    rows = [
        practice(global_sum="12k", registered_list="-1"),
        practice(opened="soon"),
        practice("", qof="?"),
    ]
    assert len(problems(write(tmp_path, rows))) == 6


# Sums ---------------------------------------------------------------------------------------


def test_payments_that_do_not_add_up(tmp_path):
    rows = [practice(f"A9{n:04d}", qof="70000.06") for n in range(23)] + [practice()]
    found = problems(write(tmp_path, rows))
    assert len(found) == 21
    assert found[0] == (
        "nhspaymentsgp-18-19-csv.csv, row 2, practice A90000: the payments add up to £500,000.16, "
        "but the file's own sum is £500,000.10"
    )
    assert found[20] == "nhspaymentsgp-18-19-csv.csv: and 3 more problems like these"


def test_pence_of_rounding_are_allowed(tmp_path):
    assert read_payments(write(tmp_path, [practice(qof="70000.05")])).sizes["practice"] == 1


def test_pounds_of_rounding_are_allowed_in_whole_pounds(tmp_path):
    whole = {"global_sum": "430000", "total_payments": "500005", "total_less_deductions": "450004"}
    assert read_payments(write(tmp_path, [practice(**whole)])).sizes["practice"] == 1
    assert len(problems(write(tmp_path, [practice(**whole | {"total_payments": "500006"})]))) == 2


def test_deductions_that_do_not_add_up(tmp_path):
    (found,) = problems(write(tmp_path, [practice(total_less_deductions="550000.10")]))
    assert "the total and the deductions add up to £450,000.10" in found


def test_a_column_that_is_perhaps_not_a_payment_is_named(tmp_path):
    (found,) = problems(write(tmp_path, [practice(**{"Number of Doctors": "4"})]))
    assert "counted as payments, but not known to be: number_of_doctors" in found


# Files --------------------------------------------------------------------------------------


def test_files_that_are_not_there(tmp_path):
    (found,) = problems(tmp_path / "payments-14-15.csv")
    assert "there is no such file" in found
    (found,) = problems(tmp_path)
    assert "is a folder" in found
    (found,) = problems(tmp_path / "a\0b.csv")
    assert "cannot be read" in found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\r\n , ,\r\n", "is empty"),
        (b"PK\x03\x04 and the rest of a workbook", "is a workbook"),
        (b"\xd0\xcf\x11\xe0 and the rest of an old one", "is a workbook"),
        (b"\x00\x01\x02", "is not text"),
        (b"\x81\x8d", "is not text"),
        (b"\xff\xfea", "is not text"),
        (b'a,"' + b"b" * 200_000, "is not a table"),
    ],
)
def test_files_of_another_kind(tmp_path, content, said):
    path = tmp_path / "payments-14-15.csv"
    path.write_bytes(content)
    (found,) = problems(path)
    assert found.startswith("payments-14-15.csv")
    assert said in found


def test_another_table(tmp_path):
    path = tmp_path / "gdp.csv"
    path.write_text("financial_year,percent_change\n1956,1.02\n", encoding="utf-8")
    found = problems(path)
    assert "does not say the fiscal year" in found[0]
    assert len(found) == 13
    assert all("no column for" in problem for problem in found[1:])


def test_rows_of_another_length(tmp_path):
    path = write(tmp_path, [practice(), practice("A99002")])
    path.write_bytes(path.read_bytes().replace(b'"1 HIGH STREET, EXAMPLE"', b"1 HIGH STREET, X", 1))
    path.write_bytes(path.read_bytes() + b"A99003,GMS\r\n")
    longer, shorter = problems(path)
    assert "row 2: has 28 cells, but the row of headings has 27" in longer
    assert "row 4: has 2 cells" in shorter


def test_another_file_with_rows_of_any_length(tmp_path):
    path = tmp_path / "payments-14-15.csv"
    path.write_text("Dear reader\n\nGlobal Sum, Seniority and QOF\n", encoding="utf-8")
    assert all("no column for" in problem for problem in problems(path))


def test_headings_alone(tmp_path):
    (found,) = problems(write(tmp_path, []))
    assert "no practices" in found


# The published files: the checks of the reference data's README -------------------------------

YEARS = ("2014/15", "2015/16", "2016/17", "2018/19")


@pytest.fixture(scope="session")
def published(reference_data: Path) -> dict[str, xr.Dataset]:
    """Each published file, read once."""
    names = {year: f"gp_payments_{year.replace('/', '_')}.csv" for year in YEARS}
    return {year: read_payments(reference_data / name) for year, name in names.items()}


def london_by_code(payments: xr.Dataset) -> xr.DataArray:
    """Commissioners usually taken for London's, four of them wrongly."""
    code = payments["commissioner"].astype(str)
    return code.str.startswith("07") | code.str.startswith("08") | (code == "09A")


def paid_by_global_sum(payments: xr.Dataset) -> xr.DataArray:
    large = payments["weighted_list"] > 1000
    return (payments["contract_type"] == "GMS") & large & (payments["global_sum"] > 0)


def price_paid(payments: xr.Dataset, which: xr.DataArray) -> np.ndarray:
    return (payments["global_sum"] / payments["weighted_list"]).values[which.values]


@pytest.mark.parametrize(
    ("year", "practices", "total", "types"),
    [
        ("2014/15", 7959, 799_032_422_600, (4480, 3190, 289, 0)),
        ("2015/16", 7841, 818_256_183_804, (4892, 2653, 296, 0)),
        ("2016/17", 7763, 888_378_032_772, (5301, 2127, 279, 56)),
        ("2018/19", 7279, 926_139_148_985, (5079, 1918, 181, 101)),
    ],
)
def test_c1_rows_totals_and_contract_types(published, year, practices, total, types):
    payments = published[year]
    assert payments.attrs["fiscal_year"] == year
    assert payments.sizes == {"practice": practices}
    pence = np.rint(payments["total_payments"].values * 100).astype(np.int64)
    assert pence.sum() == total
    found = payments["contract_type"].to_series().value_counts()
    assert tuple(found.get(name, 0) for name in ("GMS", "PMS", "APMS", "unknown")) == types
    assert found.sum() == practices
    assert not any(np.isnan(variable.values).any() for variable in payments.data_vars.values())
    assert set(payments.data_vars) >= ALWAYS


@pytest.mark.parametrize(
    ("year", "registered", "weighted", "millions", "per_patient"),
    [
        (
            "2014/15",
            56_633_982,
            56_625_866,
            (2306.455, 106.751, 1997.228, 722.394, 124.101, 671.774, 212.471, 457.568),
            141.09,
        ),
        (
            "2015/16",
            57_371_518,
            57_367_162.93,
            (2729.746, 96.725, 1780.325, 688.702, 104.345, 739.313, 366.122, 329.000),
            142.62,
        ),
        (
            "2016/17",
            58_688_866,
            58_687_405.4,
            (3176.764, 73.531, 1591.297, 690.796, 89.134, 824.687, 526.059, 432.272),
            151.37,
        ),
        (
            "2018/19",
            59_824_329.75,
            59_821_275.06,
            (3688.814, 34.778, 1535.757, 704.584, 56.816, 809.619, 481.734, 552.834),
            154.81,
        ),
    ],
)
def test_c1_lists_and_payments(published, year, registered, weighted, millions, per_patient):
    sums = published[year].sum()
    assert sums["registered_list"].item() == pytest.approx(registered, abs=0.005)
    assert sums["weighted_list"].item() == pytest.approx(weighted, abs=0.05)
    names = (
        "global_sum",
        "correction_factor",
        "pms_expenditure",
        "qof",
        "seniority",
        "premises",
        "local_schemes",
        "other_payments",
    )
    found = [sums[name].item() / 1e6 for name in names]
    assert found == pytest.approx(millions, abs=0.0005)
    price = sums["total_payments"].item() / sums["registered_list"].item()
    assert price == pytest.approx(per_patient, abs=0.005)


@pytest.mark.parametrize("year", YEARS)
def test_c2_payments_add_up_to_the_total(published, year):
    payments = published[year]
    not_paid = {
        "registered_list",
        "weighted_list",
        "london_practice",
        "total_payments",
        "deductions",
        "total_less_deductions",
    }
    names = set(payments.data_vars) - not_paid
    gap = abs(sum(payments[name] for name in names) - payments["total_payments"]).max().item()
    assert gap <= (5 if year == "2014/15" else 1e-8)


@pytest.mark.parametrize(
    ("year", "positive"), [("2014/15", 77), ("2015/16", 93), ("2016/17", 90), ("2018/19", 144)]
)
def test_c3_total_and_deductions(published, year, positive):
    payments = published[year]
    net = payments["total_payments"] + payments["deductions"]
    gap = abs(net - payments["total_less_deductions"]).max().item()
    assert gap <= (1 if year == "2014/15" else 1e-8)
    assert int((payments["deductions"] > 0).sum()) == positive


@pytest.mark.parametrize(
    ("year", "ratio"),
    [
        ("2014/15", 0.999857),
        ("2015/16", 0.999924),
        ("2016/17", 0.999975),
        ("2018/19", 0.999949),
    ],
)
def test_c5_weighted_lists_are_normalised(published, year, ratio):
    sums = published[year].sum()
    found = sums["weighted_list"].item() / sums["registered_list"].item()
    assert found == pytest.approx(ratio, abs=5e-7)


@pytest.mark.parametrize(
    ("year", "net", "outside_code", "ratio", "within", "outside_q71", "everywhere"),
    [
        (
            "2014/15",
            73.56 * (1 - 0.0546),
            (3664, 69.65, 69.99, 70.38),
            1.0064,
            (63, 85),
            (3743, 69.99),
            (4427, 69.71, 70.11, 70.94),
        ),
        (
            "2015/16",
            76.14 * (1 - 0.0539),
            (4101, 72.18, 72.48, 72.84),
            1.0061,
            (66, 86),
            (4180, 72.48),
            (4851, 72.23, 72.57, 73.23),
        ),
        (
            "2016/17",
            80.59 * (1 - 0.0515),
            (4377, 75.72, 76.45, 77.05),
            1.0001,
            (54, 72),
            (4455, 76.44),
            (5103, 75.83, 76.57, 77.51),
        ),
        (
            "2018/19",
            88.96 * (1 - 0.0487),
            (4201, 84.76, 84.91, 85.12),
            1.0033,
            (81, 87),
            (4280, 84.91),
            (4919, 84.78, 84.95, 85.49),
        ),
    ],
)
def test_c6_global_sum_price(
    published, year, net, outside_code, ratio, within, outside_q71, everywhere
):
    payments = published[year]
    gms = paid_by_global_sum(payments)
    quartiles = [25, 50, 75]
    paid = price_paid(payments, gms & ~london_by_code(payments))
    assert (len(paid), *np.percentile(paid, quartiles).round(2)) == outside_code
    assert np.median(paid) / net == pytest.approx(ratio, abs=6e-5)
    shares = [100 * np.mean(abs(paid / net - 1) < limit) for limit in (0.01, 0.02)]
    assert shares == pytest.approx(within, abs=0.5)
    paid = price_paid(payments, gms & (payments["london_practice"] == 0))
    assert (len(paid), np.median(paid).round(2)) == outside_q71
    paid = price_paid(payments, gms)
    assert (len(paid), *np.percentile(paid, quartiles).round(2)) == everywhere


@pytest.mark.parametrize(
    ("year", "wrong"), [("2014/15", 119), ("2015/16", 117), ("2016/17", 114), ("2018/19", 111)]
)
def test_london_is_not_what_the_commissioner_codes_say(published, year, wrong):
    payments = published[year]
    in_london = payments["london_practice"] == 1
    assert (in_london == (payments["region"] == "Q71")).all()
    assert int((london_by_code(payments) & ~in_london).sum()) == wrong


@pytest.mark.parametrize(
    ("by_code", "count", "quartiles"),
    [(True, 718, (2.16, 2.39, 6.06)), (False, 639, (2.24, 2.47, 6.21))],
)
def test_c8_london_adjustment(published, by_code, count, quartiles):
    payments = published["2018/19"]
    london = london_by_code(payments) if by_code else payments["london_practice"] == 1
    which = (paid_by_global_sum(payments) & london).values
    extra = payments["global_sum"] - 88.96 * (1 - 0.0487) * payments["weighted_list"]
    adjustment = (extra / payments["registered_list"]).values[which]
    assert len(adjustment) == count
    assert np.percentile(adjustment, [25, 50, 75]) == pytest.approx(quartiles, abs=0.006)
    tenths, counts = np.unique(np.floor(adjustment * 10), return_counts=True)
    assert tenths[counts.argmax()] == 22


def test_c10_an_implausible_payment_reads_as_published(published):
    found = [published[year]["correction_factor"].sel(practice="A81001").item() for year in YEARS]
    assert found == [6328, 5273.04, 4218.48, 570656.34]


@pytest.mark.parametrize(
    ("year", "count", "pms", "gms", "with_mpig", "gap", "gap_with_mpig", "millions"),
    [
        ("2014/15", 2910, 83.33, 70.44, 73.91, 12.88, 9.41, 297.4),
        ("2015/16", 2443, 85.55, 72.57, 75.31, 12.98, 10.24, 259.0),
        ("2016/17", 1927, 86.29, 74.93, 76.78, 11.36, 9.51, 182.9),
        ("2018/19", 1730, 89.32, 84.87, 85.72, 4.45, 3.60, 69.8),
    ],
)
def test_c12_pms_premium(published, year, count, pms, gms, with_mpig, gap, gap_with_mpig, millions):
    payments = published[year]
    # 'No global sum' includes the few corrections below zero.
    pure_pms = (
        (payments["contract_type"] == "PMS")
        & (payments["weighted_list"] > 1000)
        & (payments["pms_expenditure"] > 0)
        & (payments["global_sum"] <= 0)
    )
    of_pms = payments.where(pure_pms).sum()
    of_gms = payments.where(paid_by_global_sum(payments)).sum()
    premium = (of_pms["pms_expenditure"] / of_pms["weighted_list"]).item()
    price = (of_gms["global_sum"] / of_gms["weighted_list"]).item()
    mpig = (of_gms["correction_factor"] / of_gms["weighted_list"]).item()
    assert int(pure_pms.sum()) == count
    found = (premium, price, price + mpig, premium - price, premium - price - mpig)
    assert found == pytest.approx((pms, gms, with_mpig, gap, gap_with_mpig), abs=0.0051)
    total = (premium - price) * of_pms["weighted_list"].item() / 1e6
    assert total == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize(
    ("before", "after", "moves"),
    [
        ("2014/15", "2015/16", (522, 13, 155, 37)),
        ("2015/16", "2016/17", (503, 4, 123, 45)),
        ("2016/17", "2018/19", (74, 3, 495, 11)),
    ],
)
def test_c14_contract_moves(published, before, after, moves):
    old = published[before]["contract_type"].to_series()
    new = published[after]["contract_type"].to_series()
    both = old.index.intersection(new.index)
    pairs = list(zip(old[both], new[both], strict=True))
    found = (
        pairs.count(("PMS", "GMS")),
        pairs.count(("GMS", "PMS")),
        len(old) - len(both),
        len(new) - len(both),
    )
    assert found == moves


@pytest.mark.parametrize(
    ("year", "no_list", "negative_totals", "negative_parts", "small", "ratios"),
    [
        ("2014/15", (36, 15.60), (1, -217), (10, 3), (95, 2), (0.592, 0.780, 1.260, 4.455)),
        ("2015/16", (44, 10.91), (0, 3.97), (8, 15), (95, 1), (0.568, 0.781, 1.262, 4.388)),
        ("2016/17", (145, 24.42), (10, -41862.38), (10, 2), (231, 3), (0.566, 0.782, 1.261, 4.368)),
        ("2018/19", (130, 40.60), (6, -2811.37), (4, 11), (173, 2), (0.557, 0.777, 1.265, 4.288)),
    ],
)
def test_c20_rows_that_need_care(
    published, year, no_list, negative_totals, negative_parts, small, ratios
):
    payments = published[year]
    registered, total = payments["registered_list"].values, payments["total_payments"].values
    paid = total[registered == 0].sum() / 1e6
    assert ((registered == 0).sum(), round(paid, 2)) == no_list
    assert ((total < 0).sum(), total.min()) == negative_totals
    negative = [int((payments[n] < 0).sum()) for n in ("global_sum", "correction_factor")]
    assert tuple(negative) == negative_parts
    assert ((registered < 1000).sum(), registered[registered > 0].min()) == small
    large = registered > 1000
    ratio = payments["weighted_list"].values[large] / registered[large]
    assert tuple(np.percentile(ratio, [0, 1, 99, 100]).round(3)) == ratios


def test_dates_of_the_published_files(published):
    opened = {year: payments["opened"].values for year, payments in published.items()}
    assert [int((~np.isnat(dates)).sum()) for dates in opened.values()] == [9, 25, 7600, 7279]
    same = [published[year]["opened"].sel(practice="A81001").values for year in YEARS[2:]]
    assert same == [np.datetime64("1999-04-01")] * 2


def test_a_payment_has_one_name_in_every_year(published):
    first, *rest = (set(payments.data_vars) for payments in published.values())
    assert first.intersection(*rest) >= {
        "appraisal_costs",
        "extended_hours_access",
        "influenza_and_pneumococcal_immunisations",
        "information_management_and_technology",
        "non_des_item_pneumococcal_vaccine_childhood_immunisation_main_programme",
        "total_locum_allowances",
    }
    for year in YEARS[:3]:
        assert "national_enhanced_services" in published[year]
        assert "unplanned_admissions" in published[year]
