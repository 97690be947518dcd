"""Runs in chunks: the same figures to the last bit, on threads, processes and a cluster."""

from __future__ import annotations

import datetime as dt
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from capitation.chunked import chunk_by_commissioner, is_chunked
from capitation.engine.terms import DatedValue
from capitation.errors import InputError, Problem, RuleError
from capitation.example import example_practices
from capitation.practice_terms import with_practice_terms
from capitation.projection import project
from capitation.runs.frames import write_netcdf, write_parquet
from capitation.runs.pieces import open_result, write_zarr

from .strategies import BOLTON, THAMES_VALLEY, UNITING_CARE, shipped
from .tiny_models import some_practices, tiny_model

SOME = ["global_sum", "scheme_offer", "scheme_net_cost"]
OF_CONTRACT = ["total_payments", "provider_gap", "commissioner_gap"]
SCHEDULERS = ("synchronous", "threads")


@pytest.fixture(scope="module")
def practices() -> xr.Dataset:
    """Twelve practices of four commissioners, which stand scattered, in chunks out of order."""
    few = example_practices().isel(practice=slice(0, 12))
    areas = np.array(["C3", "C1", "C4", "C2"] * 3)
    return few.assign_coords(commissioner=("practice", areas))


@pytest.fixture(scope="module")
def apart(practices) -> xr.Dataset:
    """The same, each commissioner's together, but not in order of their codes."""
    return practices.isel(practice=np.argsort(np.tile([2, 0, 3, 1], 3) % 3, kind="stable"))


def same(found: xr.Dataset, wanted: xr.Dataset) -> bool:
    """Whether nothing differs: values and their bits, kinds, attributes, and order of all."""
    assert found.identical(wanted)
    assert list(found.variables) == list(wanted.variables)
    assert list(found.attrs) == list(wanted.attrs)
    for name, variable in wanted.variables.items():
        other = found.variables[name]
        assert (other.dtype, list(other.attrs)) == (variable.dtype, list(variable.attrs)), name
        assert other.values.tobytes() == variable.values.tobytes(), name
    return True


# ---------------------------------------------------------------- chunks


def test_chunks_are_of_whole_commissioners():
    areas = ["C2"] * 3 + ["C1"] + ["C3"] * 7 + ["C4", "C5"]
    practices = some_practices(*["P1"] * len(areas))
    practices = practices.assign_coords(
        practice=[f"P{n}" for n in range(len(areas))], commissioner=("practice", areas)
    )
    chunked = chunk_by_commissioner(practices, 4)
    assert chunked.chunks["practice"] == (4, 7, 2)
    assert chunked.compute().identical(practices)
    assert is_chunked(chunked)
    assert not is_chunked(practices)


def test_scattered_practices_are_put_together(practices):
    chunked = chunk_by_commissioner(practices, 3)
    assert chunked["commissioner"].values.tolist() == sorted(practices["commissioner"].values)
    assert chunked.chunks["practice"] == (3, 3, 3, 3)
    of_one = practices["commissioner"] == "C3"
    assert chunked["practice"].values[6:9].tolist() == practices["practice"].values[of_one].tolist()


def test_a_chunk_that_ends_inside_a_commissioner_is_refused(apart):
    with pytest.raises(InputError, match=r"several chunks: .*chunk_by_commissioner"):
        project(BOLTON, apart.chunk(practice=4))


@pytest.mark.parametrize("number", [0, -1, 2.5, True, "3"])
def test_how_many_is_a_whole_number(practices, number):
    with pytest.raises(InputError, match="practices_per_chunk: found"):
        chunk_by_commissioner(practices, number)
    chunked = chunk_by_commissioner(practices)
    with pytest.raises(InputError, match="scenarios_per_chunk: found"):
        project(BOLTON, chunked, scenarios_per_chunk=number)


def test_what_cannot_be_cut_is_refused(practices):
    with pytest.raises(InputError, match="no coordinate 'commissioner'"):
        chunk_by_commissioner(practices.drop_vars("commissioner"))
    with pytest.raises(InputError, match="practices are not chunked"):
        project(BOLTON, practices, scenarios_per_chunk=1)


# ---------------------------------------------------------------- the same figures


@pytest.mark.parametrize(
    ("name", "scenarios_per_chunk", "scheduler"),
    [
        (BOLTON, None, "threads"),
        (THAMES_VALLEY, None, "synchronous"),
        (THAMES_VALLEY, 4, "threads"),
        (UNITING_CARE, 2, "synchronous"),
    ],
)
def test_chunks_give_the_same_bits(name, practices, scenarios_per_chunk, scheduler):
    chunked = chunk_by_commissioner(practices, 6)
    lazy = project(shipped(name), chunked, None, 13, scenarios_per_chunk=scenarios_per_chunk)
    assert is_chunked(lazy)
    wanted = project(shipped(name), chunked.compute(), None, 13)
    assert same(lazy.compute(scheduler=scheduler), wanted)


def test_practices_and_commissioners_in_any_order(apart):
    areas = apart["commissioner"].values
    order = np.concatenate([np.flatnonzero(areas == code) for code in ("C4", "C1", "C3", "C2")])
    given = apart.isel(practice=order[::-1])
    chunked = chunk_by_commissioner(given, 3)
    assert chunked["practice"].values.tolist() == given["practice"].values.tolist()
    lazy = project(shipped(UNITING_CARE), chunked, None, 2)
    wanted = project(shipped(UNITING_CARE), given, None, 2)
    assert "commissioner_code" in wanted["provider_gap"].dims
    assert same(lazy.compute(scheduler="synchronous"), wanted)


def test_commissioners_scattered_within_a_chunk(practices):
    lazy = project(shipped(BOLTON), practices.chunk(practice=-1), None, 2, variables=SOME)
    wanted = project(shipped(BOLTON), practices, None, 2, variables=SOME)
    assert same(lazy.compute(scheduler="synchronous"), wanted)


def test_options_reach_every_chunk(practices):
    chunked = chunk_by_commissioner(practices, 3)
    options = {"start": "2016-04", "months": 5, "variables": ["total_payments", "global_sum"]}
    some = list(shipped(THAMES_VALLEY).scenarios)[2:4]
    lazy = project(shipped(THAMES_VALLEY), chunked, some, **options, scenarios_per_chunk=1)
    wanted = project(shipped(THAMES_VALLEY), chunked.compute(), some, **options)
    assert same(lazy.compute(scheduler="synchronous"), wanted)


@pytest.mark.parametrize("lazily", [False, True])
def test_values_that_are_given(practices, lazily):
    chunked = chunk_by_commissioner(practices, 3)
    known = project(BOLTON, chunked.compute(), months=3, variables=["weighted_list"])
    known = known["weighted_list"] * 1.01
    given = {"weighted_list": known.isel(practice=slice(None, None, -1))}
    wanted = project(BOLTON, chunked.compute(), months=3, given=given, variables=SOME)
    given = {name: array.chunk() if lazily else array for name, array in given.items()}
    lazy = project(BOLTON, chunked, months=3, given=given, variables=SOME)
    assert same(lazy.compute(scheduler="synchronous"), wanted)


def test_terms_of_a_practices_own(practices):
    chunked = chunk_by_commissioner(practices, 3)
    switch = (DatedValue(dt.date(2015, 5, 1), 1.0, "1", assumption="Agreed."),)
    model = with_practice_terms(shipped(THAMES_VALLEY), {"switched_to_gms": {"EX002": switch}})
    lazy = project(model, chunked, months=3)
    assert is_chunked(lazy[["switched_to_gms"]])
    assert same(lazy.compute(scheduler="synchronous"), project(model, chunked.compute(), months=3))


def test_rules_of_a_team_s_own_go_to_other_processes_as_text(practices, tmp_path):
    model = tiny_model(tmp_path)
    few = some_practices("P4", "P1", "P2")
    lazy = project(model, chunk_by_commissioner(few, 1), months=3)
    sent = pickle.loads(pickle.dumps(lazy))
    assert same(
        sent.compute(scheduler="synchronous"),
        project(model, chunk_by_commissioner(few, 1).compute(), months=3),
    )


# ---------------------------------------------------------------- faults


def test_figures_are_checked_before_anything_is_run(practices):
    wrong = practices.copy(deep=True)
    wrong["weighted_list"][[0, 5]] = np.array([-1.0, np.nan])
    with pytest.raises(InputError) as refused:
        project(BOLTON, chunk_by_commissioner(wrong, 3))
    with pytest.raises(InputError) as in_one_piece:
        project(BOLTON, chunk_by_commissioner(wrong, 3).compute())
    assert refused.value.problems == in_one_piece.value.problems
    assert len(refused.value.problems) == 2


DIVIDES = '''
from capitation import constant, rule

A_YEAR = constant(12, "month/year")


@rule(unit="GBP/month", assumption="By hand.")
def payment(base_global_sum, base_registered_list, base_weighted_list):
    """Divides by what may be nothing."""
    return base_global_sum / A_YEAR * base_registered_list / base_weighted_list
'''


@pytest.fixture
def dividing(tmp_path, practices):
    model = tiny_model(
        tmp_path, DIVIDES, terms={}, simulation=None, streams=["payment"], scenarios={"as-is": {}}
    )
    empty = practices.copy(deep=True)
    empty["weighted_list"][7] = 0.0
    return project(model, chunk_by_commissioner(empty, 3), months=2, compiled=False)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_fault_in_a_chunk_names_rule_and_practice(dividing, scheduler):
    with pytest.raises(InputError, match="rule 'payment', practice EX008"):
        dividing.compute(scheduler=scheduler)


@pytest.mark.parametrize("kind", [InputError, RuleError])
def test_a_fault_comes_whole_from_another_process(kind):
    problems = (Problem("lists.csv", "is wrong", "mend it"), Problem("prices.csv", "is too"))
    sent = pickle.loads(pickle.dumps(kind(problems)))
    assert type(sent) is kind
    assert sent.problems == problems
    assert str(sent) == str(kind(problems))


# ---------------------------------------------------------------- a cluster


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            memory_limit="1GB",
            dashboard_address=":0",
        ) as cluster,
        distributed.Client(cluster, timeout="60s") as client,
    ):
        yield client


def test_processes_of_a_cluster(cluster, practices, tmp_path):
    chunked = chunk_by_commissioner(practices, 3)
    lazy = project(shipped(BOLTON), chunked, None, 6, variables=SOME, scenarios_per_chunk=2)
    wanted = project(shipped(BOLTON), chunked.compute(), None, 6, variables=SOME)
    assert same(lazy.compute(), wanted)
    assert same(open_result(write_zarr(lazy, tmp_path / "run.zarr")).load(), wanted)


def test_a_fault_in_a_cluster_is_told_the_same_way(cluster, dividing):
    with pytest.raises(InputError, match="rule 'payment', practice EX008"):
        dividing.compute()


# ---------------------------------------------------------------- files


@pytest.fixture(scope="module", params=[None, 2])
def lazy(request, practices) -> xr.Dataset:
    chunked = chunk_by_commissioner(practices, 5)
    options = {"variables": OF_CONTRACT, "scenarios_per_chunk": request.param}
    return project(shipped(UNITING_CARE), chunked, None, 14, **options)


@pytest.fixture(scope="module")
def wanted(practices) -> xr.Dataset:
    chunked = chunk_by_commissioner(practices, 5)
    return project(shipped(UNITING_CARE), chunked.compute(), None, 14, variables=OF_CONTRACT)


def test_zarr_gives_a_result_back_as_it_was(lazy, wanted, tmp_path):
    for name, result in (("lazy", lazy), ("whole", wanted)):
        path = write_zarr(result, tmp_path / f"{name}.zarr")
        found = open_result(path)
        assert is_chunked(found)
        assert same(found.load(), wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lazy.zarr", "whole.zarr"]


def test_the_sign_of_nothing_is_kept(wanted, tmp_path):
    result = wanted.copy(deep=True)
    result["total_payments"][:] = -0.0
    assert same(open_result(write_zarr(result, tmp_path / "run.zarr")).load(), result)


def test_practices_that_are_opened_lazily(practices, tmp_path):
    chunk_by_commissioner(practices, 3).drop_encoding().to_zarr(
        tmp_path / "practices.zarr", zarr_format=2
    )
    opened = xr.open_zarr(tmp_path / "practices.zarr")
    chunked = chunk_by_commissioner(opened, 3)
    lazy = project(shipped(BOLTON), chunked, None, 2, variables=SOME)
    in_one = chunk_by_commissioner(practices, 3).compute()
    wanted = project(shipped(BOLTON), in_one, None, 2, variables=SOME)
    assert same(lazy.compute(), wanted)


def test_parquet_is_a_file_for_each_chunk(lazy, wanted, tmp_path):
    parts = write_parquet(lazy, tmp_path / "lazy.parquet")
    chunks = lazy["total_payments"].chunks
    assert len(list(parts.iterdir())) == len(chunks[0]) * len(chunks[1])
    key = ["scenario", "practice", "month"]
    found, table = (
        pd.read_parquet(path).astype({"scenario": str, "practice": str}).sort_values(key)
        for path in (parts, write_parquet(wanted, tmp_path / "whole.parquet"))
    )
    assert list(found.columns) == list(table.columns)
    for name in table.columns:
        np.testing.assert_array_equal(found[name].to_numpy(), table[name].to_numpy())


def test_parquet_of_commissioners_is_one_file(lazy, wanted, tmp_path):
    of_chunks, of_whole = (
        write_parquet(result, tmp_path / f"{name}.parquet", of="commissioner")
        for name, result in (("lazy", lazy), ("whole", wanted))
    )
    assert of_chunks.read_bytes() == of_whole.read_bytes()


def test_what_stands_there_is_kept(lazy, tmp_path):
    for write, name in ((write_zarr, "run.zarr"), (write_parquet, "run.parquet")):
        (tmp_path / name).mkdir()
        with pytest.raises(InputError, match=r"something stands there|is a folder"):
            write(lazy, tmp_path / name)
        with pytest.raises(InputError, match="its folder does not exist"):
            write(lazy, tmp_path / "absent" / name)


def test_a_fault_leaves_nothing_behind(dividing, tmp_path):
    folder = tmp_path / "written"
    folder.mkdir()
    for write, name in ((write_zarr, "run.zarr"), (write_parquet, "run.parquet")):
        with pytest.raises(InputError, match="practice EX008"):
            write(dividing, folder / name)
        assert list(folder.iterdir()) == []


def test_what_is_no_store_of_a_result_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a Zarr store"):
        open_result(tmp_path)
    xr.Dataset({"a": ("x", [1.0])}).to_zarr(tmp_path / "other.zarr", zarr_format=2)
    with pytest.raises(InputError, match="no result of capitation"):
        open_result(tmp_path / "other.zarr")


def test_netcdf_takes_a_chunked_result_too(lazy, wanted, tmp_path):
    paths = [
        write_netcdf(result, tmp_path / f"{name}.nc")
        for name, result in (("lazy", lazy), ("whole", wanted))
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


# ---------------------------------------------------------------- without Dask


def test_a_run_in_one_piece_needs_no_dask(tmp_path):
    # xarray itself loads Dask where it is installed, so it is hidden rather than looked for.
    program = f"""
import sys
sys.modules |= dict.fromkeys(("dask", "distributed", "zarr"))
import capitation, capitation.chunked
result = capitation.project("bolton-quality-contract", capitation.example_practices(), months=2)
capitation.write_parquet(result, {str(tmp_path / "run.parquet")!r})
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_dask_that_is_not_installed_is_named(practices, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(
        InputError, match=r"dask is not installed \(pip install 'capitation\[cluster\]'\)"
    ):
        chunk_by_commissioner(practices)
