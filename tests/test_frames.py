"""Results as Parquet and as netCDF: nothing lost, nothing counted twice, the same bytes again."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr

import capitation as cap
from capitation.errors import InputError
from capitation.example import example_practices
from capitation.projection import project
from capitation.runs import frames
from capitation.runs.frames import read_result, write_netcdf, write_parquet
from capitation.runs.record import evaluated

from .strategies import BOLTON, THAMES_VALLEY, UNITING_CARE, bits, shipped
from .tiny_models import some_practices

MODELS = (THAMES_VALLEY, UNITING_CARE)


@pytest.fixture(scope="module", params=MODELS)
def result(request) -> xr.Dataset:
    # Commissioners out of order, and a run that ends within a fiscal year.
    practices = some_practices("P4", "P1", "P2", premises=1000.0)
    return project(shipped(request.param), practices, None, 14, compiled=False)


@pytest.fixture(scope="module")
def written(result, tmp_path_factory) -> Path:
    return write_netcdf(result, tmp_path_factory.mktemp("frames") / "run.nc")


@pytest.fixture(scope="module")
def table(result, tmp_path_factory) -> pd.DataFrame:
    path = write_parquet(result, tmp_path_factory.mktemp("frames") / "run.parquet")
    return pd.read_parquet(path)


# netCDF -----------------------------------------------------------------------------------------


def test_a_result_comes_back_as_it_was(result, written):
    read = read_result(written)
    assert read.identical(result)
    assert bits(read) == bits(result)
    assert list(read.data_vars) == list(result.data_vars)
    assert list(read.coords) == list(result.coords)
    for name, variable in result.variables.items():
        assert read.variables[name].dtype == variable.dtype, name
        assert list(read.variables[name].attrs) == list(variable.attrs), name
    assert list(read.attrs) == list(result.attrs)


def test_what_is_read_can_be_run_explained_and_compared(result, written):
    read = read_result(written)
    assert evaluated(read).identical(result)
    at = {"practice": "P2", "month": "2015-06"}
    told = [str(cap.explain(each, "total_payments", **at)) for each in (read, result)]
    assert told[0] == told[1]
    assert cap.compare_runs(result, read).nothing_differs


def test_what_is_read_makes_the_same_workbook(tmp_path):
    result = project(UNITING_CARE, some_practices("P1"), months=1)
    read = read_result(write_netcdf(result, tmp_path / "run.nc"))
    for each, name in ((read, "read.xlsx"), (result, "made.xlsx")):
        cap.write_workbook(each, tmp_path / name)
    assert (tmp_path / "read.xlsx").read_bytes() == (tmp_path / "made.xlsx").read_bytes()


def test_any_reader_of_netcdf_finds_values_and_attributes(result, written):
    with xr.open_dataset(written, engine="scipy") as read:
        assert read.drop_attrs(deep=False).identical(result.drop_attrs(deep=False))
        assert set(read.attrs) == {*result.attrs, frames.ORDER}


def test_one_scenario_of_a_result_is_written_too(result, tmp_path):
    one = result.isel(scenario=0)
    read = read_result(write_netcdf(one, tmp_path / "one.nc"))
    assert dict(read.sizes)["scenario"] == 1
    np.testing.assert_array_equal(
        read["total_payments"].values.squeeze(), one["total_payments"].values
    )


def test_letters_of_any_alphabet_and_no_letters_at_all(tmp_path):
    practices = example_practices().isel(practice=slice(0, 2))
    names = ["Ŵyn’s £ surgery – “北”", ""]
    practices = practices.assign_coords(practice_name=("practice", names))
    result = project(BOLTON, practices, months=1).assign_attrs(licence="", more="Ünïcödé ✓\n")
    assert read_result(write_netcdf(result, tmp_path / "run.nc")).identical(result)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "not a netCDF file"),
        (b"CDF\x02" + b"\x00" * 3, "not a netCDF file"),
        (None, "cannot be"),
    ],
)
def test_what_is_no_result_is_refused(content, found, tmp_path):
    path = tmp_path / "run.nc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=found):
        read_result(path)


def test_a_file_of_something_else_is_refused(written, tmp_path):
    path = tmp_path / "other.nc"
    path.write_bytes(bytes(xr.Dataset({"a": ("x", [1.0])}).to_netcdf(engine="scipy")))
    with pytest.raises(InputError, match="no result of capitation"):
        read_result(path)
    cut = tmp_path / "cut.nc"
    cut.write_bytes(written.read_bytes()[:2000])
    with pytest.raises(InputError, match="damaged"):
        read_result(cut)


# Parquet ----------------------------------------------------------------------------------------


def test_a_row_for_each_scenario_practice_and_month(result, table):
    sizes = dict(result.sizes)
    assert len(table) == sizes["scenario"] * sizes["practice"] * sizes["month"]
    key = ["scenario", "practice", "month"]
    assert not table.duplicated(key).any()
    assert table["practice"].unique().tolist() == ["P4", "P1", "P2"]
    assert table["fiscal_year"].unique().tolist() == ["2015/16", "2016/17"]
    assert str(table["month"].iloc[0]) == "2015-04-01"
    assert dict(zip(table["practice"], table["commissioner"], strict=True))["P4"] == "C2"


def test_every_figure_is_there_to_the_last_bit_and_once(result, table):
    shape = [result.sizes[dim] for dim in ("scenario", "practice", "month")]
    absent = []
    for name, variable in result.data_vars.items():
        if "commissioner_code" in variable.dims:
            absent.append(name)
            continue
        column = table[name].to_numpy().reshape(shape)
        if "year" in variable.dims:
            wide = variable.expand_dims(
                {d: result.sizes[d] for d in ("scenario", "practice") if d not in variable.dims}
            ).transpose("scenario", "practice", "year")
            np.testing.assert_array_equal(column[..., [0, 12]], wide.values)
            assert np.isnan(np.delete(column, [0, 12], axis=-1)).all()
            continue
        dims = ("scenario", "practice", "month")
        wide = variable.expand_dims({d: result.sizes[d] for d in dims if d not in variable.dims})
        np.testing.assert_array_equal(column, wide.transpose(*dims).values)
    assert not set(absent) & set(table.columns)


def test_columns_add_up(result, table):
    by_year = table.groupby(["scenario", "fiscal_year"], observed=True)["total_payments"].sum()
    paid = cap.compare(result, ["total_payments"]).sel(measure="total_payments")
    for scenario in paid["scenario"].values:
        for year in paid["year"].values:
            held = float(paid.sel(scenario=scenario, year=year))
            assert by_year[str(scenario), str(year)] == pytest.approx(held)


def test_a_table_of_commissioners_has_what_is_of_them(result, tmp_path):
    path = write_parquet(result, tmp_path / "areas.parquet", of="commissioner")
    table = pd.read_parquet(path)
    assert len(table) == result.sizes["scenario"] * 2 * result.sizes["month"]
    for name, variable in result.data_vars.items():
        assert (name in table.columns) == ("practice" not in variable.dims)
    both = {*table.columns, *pd.read_parquet(write_parquet(result, tmp_path / "p.parquet")).columns}
    assert {str(name) for name in result.data_vars} <= both


def test_a_file_says_what_is_in_it(result, tmp_path):
    schema = pq.read_schema(write_parquet(result, tmp_path / "run.parquet"))
    paid = {k.decode(): v.decode() for k, v in schema.field("total_payments").metadata.items()}
    assert paid == result["total_payments"].attrs
    whole = {k.decode(): v.decode() for k, v in schema.metadata.items()}
    assert whole.items() >= result.attrs.items()
    assert json.loads(whole["streams"])


def test_rows_in_several_pieces_are_the_same(result, table, tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "MOST_ROWS", 20)
    pieces = pd.read_parquet(write_parquet(result, tmp_path / "run.parquet"))
    pd.testing.assert_frame_equal(pieces, table)


def test_rows_are_of_practices_or_commissioners(tmp_path):
    practices = example_practices().isel(practice=slice(0, 1))
    result = project(BOLTON, practices, months=2)
    with pytest.raises(InputError, match="one of practice, commissioner"):
        write_parquet(result, tmp_path / "run.parquet", of="month")
    assert not list(tmp_path.iterdir())


# Both -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("write", "name"), [(write_parquet, "r.parquet"), (write_netcdf, "r.nc")])
def test_the_same_result_gives_the_same_bytes(result, write, name, tmp_path):
    (tmp_path / "again").mkdir()
    first, second = write(result, tmp_path / name), write(result, tmp_path / "again" / name)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["again", name])


@pytest.mark.parametrize(
    ("write", "ending", "kind"),
    [(write_parquet, ".parquet", "a Parquet file"), (write_netcdf, ".nc", "a netCDF file")],
)
def test_where_nothing_can_be_written(result, write, ending, kind, tmp_path):
    with pytest.raises(InputError, match=f"is not the name of {kind}"):
        write(result, tmp_path / "run.xlsx")
    with pytest.raises(InputError, match="its folder does not exist"):
        write(result, tmp_path / "absent" / f"run{ending}")
    with pytest.raises(InputError, match="not a result of project"):
        write(xr.Dataset(), tmp_path / f"run{ending}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("write", "package", "extra"),
    [(write_parquet, "pyarrow", "parquet"), (write_netcdf, "scipy", "netcdf")],
)
def test_a_package_that_is_not_installed_is_named(
    result, write, package, extra, tmp_path, monkeypatch
):
    real = importlib.import_module

    def without(name: str, *more: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(importlib, "import_module", without)
    name = {"parquet": "run.parquet", "netcdf": "run.nc"}[extra]
    with pytest.raises(InputError) as refused:
        write(result, tmp_path / name)
    assert f"{package} is not installed (pip install 'capitation[{extra}]')" in str(refused.value)
    assert not list(tmp_path.iterdir())
