"""Compiled kernels are kept, never stale, never a reason to fail."""

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from capitation.engine import compiling, kept_code
from capitation.engine.compiling import load
from capitation.engine.kept_code import CacheWarning

SUPPORT = """
@compiled
def doubled_(x):
    return 2.0 * x
"""

SOURCE = """
@compiled
def more_(x):
    return x + 1.0


@compiled
def kernel(values_, results_):
    for i_ in range(len(values_)):
        results_[i_] = doubled_(more_(values_[i_])) / values_[0]
"""

RULES = '''
from capitation.vocabulary import constant, rule

SHARE = constant(0.5, "1")

@rule(unit="GBP/month", assumption="By hand.")
def paid(income):
    """What is paid."""
    return income * SHARE
'''

PROGRAM = """
import json, pickle, sys
from pathlib import Path
import numpy as np
from capitation.engine import compiling
from capitation.engine.binding import bind
from capitation.engine.graph import Leaf
from capitation.engine.kernel import emit
from capitation.engine.units import Unit

rules, kept = Path(sys.argv[1]), Path(sys.argv[2])
if rules.exists():
    names = {}
    exec(compile(rules.read_text(), str(rules), "exec"), names)
    income = Leaf("income", "input", Unit.parse("GBP/month"), ("practice", "month"))
    kernel = emit(bind([names["paid"]], {"income": income}.get), ["paid"])
    kept.write_bytes(pickle.dumps(kernel))
else:
    kernel = pickle.loads(kept.read_bytes())
sizes = {"scenario": 1, "commissioner_code": 1, "practice": 2, "month": 1, "year": 1}
index = {"practice_start": np.array([0, 2]), "year_of_month": np.array([0])}
values = {"income": np.array([[100.0], [300.0]])}
found = kernel.run(sizes, index, values, compiled=True)["paid"]
stats = compiling.load(kernel.source, True).stats
hits, misses = (sum(of.values()) for of in (stats.cache_hits, stats.cache_misses))
print(json.dumps([found.ravel().tolist(), hits, misses]))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder of kernels, for a process that has loaded nothing and warned of nothing."""
    monkeypatch.setenv("CAPITATION_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(compiling, "_MODULES", {})
    monkeypatch.setattr(kept_code, "_TOLD", set())
    return tmp_path / "kept"


@pytest.fixture(scope="module")
def once_filled(tmp_path_factory) -> Path:
    """A folder in which the kernel and its support are kept."""
    folder = tmp_path_factory.mktemp("filled") / "kept"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CAPITATION_CACHE", str(folder))
        run_anew(monkeypatch)
    return folder


@pytest.fixture
def filled(folder, once_filled) -> Path:
    """A folder of this test's own with the same in it."""
    shutil.copytree(once_filled, folder)
    return folder


def run_anew(monkeypatch, support: str = SUPPORT, **options) -> tuple[list[float], int, int]:
    """What a kernel gives where nothing is loaded yet, and how often it was kept and compiled."""
    monkeypatch.setattr(compiling, "_MODULES", {})
    function, results = load(SOURCE, True, support, **options), np.zeros(2)
    function(np.array([2.0, 3.0]), results)
    hits, misses = function.stats.cache_hits, function.stats.cache_misses
    return results.tolist(), sum(hits.values()), sum(misses.values())


def machine_code(folder: Path, of: str = "kernel") -> list[Path]:
    return sorted(folder.glob(f"*/*-{of}-*.machine-code"))


# What is kept -----------------------------------------------------------------------------------


def started(tmp_path: Path, rules: str, **environment: str) -> subprocess.Popen:
    """A process that compiles a rule and runs it."""
    (tmp_path / "program.py").write_text(PROGRAM)
    words = [str(tmp_path / name) for name in ("program.py", rules, "kernel.pickle")]
    environment = {**os.environ, "CAPITATION_CACHE": str(tmp_path / "kept"), **environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-W", "error", *words], env=environment, **pipes)


def told_by(process: subprocess.Popen) -> list:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def test_a_second_process_compiles_nothing_and_an_edited_copy_is_never_stale(tmp_path):
    numba_folder = str(tmp_path / "numba")
    (tmp_path / "rules.py").write_text(RULES)
    (tmp_path / "edited.py").write_text(RULES.replace("0.5", "0.25"))
    # Two that find nothing, and write the same files at the same time.
    both = [started(tmp_path, "rules.py", NUMBA_CACHE_DIR=numba_folder) for _ in range(2)]
    for process in both:
        value, hits, misses = told_by(process)
        assert value == [50.0, 150.0]
        assert hits + misses == 1
    assert len(machine_code(tmp_path / "kept")) == 1
    assert list((tmp_path / "kept").rglob("part-*")) == []
    # A worker is sent a kernel as its text, not as a function, and compiles nothing.
    assert told_by(started(tmp_path, "no_rules.py")) == [[50.0, 150.0], 1, 0]
    assert told_by(started(tmp_path, "edited.py")) == [[25.0, 75.0], 0, 1]
    assert len(machine_code(tmp_path / "kept")) == 2
    assert not Path(numba_folder).exists()


def test_the_text_stands_beside_its_machine_code(filled, monkeypatch):
    assert run_anew(monkeypatch) == ([3.0, 4.0], 1, 0)
    (code,) = machine_code(filled)
    stem = code.name.partition("-")[0]
    assert code.with_name(f"{stem}.py").read_text() == SOURCE
    assert stem in compiling._MODULES
    if os.name == "posix":
        assert code.parent.stat().st_mode & 0o777 == 0o700


def test_an_edited_callee_is_another_kernel(filled, monkeypatch):
    assert run_anew(monkeypatch) == ([3.0, 4.0], 1, 0)
    assert run_anew(monkeypatch, SUPPORT.replace("2.0", "4.0")) == ([6.0, 8.0], 0, 1)
    assert run_anew(monkeypatch) == ([3.0, 4.0], 1, 0)


def test_whatever_machine_code_depends_on_is_in_its_name(folder, monkeypatch):
    load(SOURCE, True, SUPPORT)
    load(SOURCE + "\n# Said otherwise", True, SUPPORT)
    load(SOURCE, True, SUPPORT, error_model="numpy")
    load(SOURCE, False, SUPPORT)
    monkeypatch.setattr(compiling, "_OPTIONS", {"nogil": False})
    load(SOURCE, True, SUPPORT)
    named = [name for name, module in compiling._MODULES.items() if "kernel" in vars(module)]
    assert len(named) == 5


def test_functions_of_kernels_are_compiled_once_for_all_of_them(filled, monkeypatch):
    monkeypatch.setattr(compiling, "_MODULES", {})
    other = load(SOURCE.replace("1.0", "3.0"), True, SUPPORT)
    other(np.ones(1), np.zeros(1))
    shared = other.py_func.__globals__["doubled_"]
    assert [sum(shared.stats.cache_hits.values()), len(machine_code(filled, "doubled_"))] == [1, 1]
    assert len(machine_code(filled)) == 2
    assert machine_code(filled, "more_") == []


def test_error_models_are_kept_apart(folder, monkeypatch):
    divided = {}
    for model in ("python", "numpy", "python"):
        monkeypatch.setattr(compiling, "_MODULES", {})
        function, results = load(SOURCE, True, SUPPORT, error_model=model), np.zeros(1)
        try:
            function(np.zeros(1), results)
            divided[model] = results[0]
        except ZeroDivisionError as error:
            divided[model] = str(error)
    assert divided == {"python": "division by zero", "numpy": np.inf}
    assert len(machine_code(folder)) == 2


def test_settings_that_change_machine_code_have_a_folder_of_their_own(filled, monkeypatch):
    import numba

    monkeypatch.setattr(numba.config, "SLP_VECTORIZE", 1 - numba.config.SLP_VECTORIZE)
    compiling._environment.cache_clear()
    try:
        assert run_anew(monkeypatch) == ([3.0, 4.0], 0, 1)
    finally:
        compiling._environment.cache_clear()
    assert len(list(filled.iterdir())) == 2


def test_plain_python_keeps_nothing_and_gives_the_same(folder):
    results = np.zeros(2)
    load(SOURCE, False, SUPPORT)(memoryview(np.array([2.0, 3.0])), memoryview(results))
    assert results.tolist() == [3.0, 4.0]
    assert not folder.exists()


@pytest.mark.parametrize("compiled", [False, True])
def test_a_text_is_loaded_once_whatever_thread_asks(folder, compiled):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(load(SOURCE, compiled, SUPPORT)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


# What is not as it was written ------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["cut off", "empty", "a bit", "another's", "not ours"])
def test_a_damaged_file_is_compiled_again_and_mended(filled, monkeypatch, fault):
    (code,) = machine_code(filled)
    whole = code.read_bytes()
    code.write_bytes(
        {
            "cut off": whole[: len(whole) // 2],
            "empty": b"",
            "a bit": whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
            "another's": machine_code(filled, "doubled_")[0].read_bytes(),
            "not ours": pickle.dumps(["nothing of ours"]),
        }[fault]
    )
    assert run_anew(monkeypatch) == ([3.0, 4.0], 0, 1)
    assert run_anew(monkeypatch) == ([3.0, 4.0], 1, 0)


def test_what_is_run_is_the_text_at_hand_whatever_the_folder_says(filled, monkeypatch):
    (code,) = machine_code(filled)
    source = code.with_name(f"{code.name.partition('-')[0]}.py")
    source.write_text("raise SystemExit('not ours')")
    code.unlink()
    assert run_anew(monkeypatch) == ([3.0, 4.0], 0, 1)
    assert source.read_text() == SOURCE


@pytest.mark.parametrize("part", ["_packed", "_rebuilt"])
def test_a_numba_that_packs_otherwise_compiles_each_time(filled, monkeypatch, part):
    def otherwise(*_):
        raise AttributeError("_reduce")

    monkeypatch.setattr(compiling, part, otherwise)
    text = SUPPORT if part == "_rebuilt" else SUPPORT.replace("2.0", "4.0")
    with pytest.warns(CacheWarning, match="AttributeError"):
        value, hits, misses = run_anew(monkeypatch, text)
    assert (hits, misses) == (0, 1)
    assert value[0] in (3.0, 6.0)


def test_only_the_newest_are_kept_where_there_is_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_code, "MOST_BYTES", 25)
    for age in range(4):
        (tmp_path / f"file {age}").write_bytes(bytes(10))
        os.utime(tmp_path / f"file {age}", (1_000 - age, 1_000 - age))
    kept_code.make_room(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file 0", "file 1"]


# Where it is kept -------------------------------------------------------------------------------


def test_turned_off_nothing_is_kept_and_nothing_is_said(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("CAPITATION_CACHE", "off")
    monkeypatch.chdir(tmp_path)
    assert run_anew(monkeypatch) == ([3.0, 4.0], 0, 1)
    assert kept_code.folder_of_all() is None
    assert kept_code.size_of_all() == 0
    kept_code.clear()
    assert list(tmp_path.iterdir()) == []


def unusable(fault: str, folder: Path, monkeypatch) -> str:
    """Make a folder unfit to keep code in; gives what is to be said of it."""
    (above, inside) = (folder, kept_code.folder_for(compiling._environment()))
    assert inside is not None
    if fault == "a file":
        monkeypatch.setenv("CAPITATION_CACHE", str(folder / "file" / "kept"))
        (folder / "file").write_text("")
        return "Not a directory"
    if fault == "no home":
        monkeypatch.delenv("CAPITATION_CACHE")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setattr(Path, "home", no_home)
        return "no home folder"
    if fault == "disk full":
        monkeypatch.setattr(kept_code, "write_whole", disk_full)
        return "No space left on device"
    if fault == "others write in it":
        inside.chmod(0o777)
        return f"others may write in {inside}"
    if fault == "others write above it":
        above.chmod(0o777)
        return f"others may write in {above}"
    if fault == "a link":
        inside.rename(folder / "moved")
        inside.symlink_to(folder / "moved")
        return "is no folder"
    os.chown(inside, 12_345, -1)
    return f"{inside} belongs to somebody else"


def no_home():
    raise RuntimeError("Could not determine home directory.")


def disk_full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


ANYWHERE = ("a file", "disk full", "no home")
ON_POSIX = ("others write in it", "others write above it", "a link", "another's")


@pytest.mark.parametrize("fault", [*ANYWHERE, *ON_POSIX])
def test_where_nothing_can_be_kept_a_run_goes_on_and_says_so_once(folder, monkeypatch, fault):
    if fault in ON_POSIX and os.name != "posix":
        pytest.skip("the permissions of POSIX")
    if fault == "another's" and os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    said = unusable(fault, folder, monkeypatch)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert run_anew(monkeypatch) == ([3.0, 4.0], 0, 1)
        kept_code.folder_for(compiling._environment())
    assert [warning.category for warning in heard] == [CacheWarning]
    message = str(heard[0].message)
    assert said in message
    assert "CAPITATION_CACHE=off" in message
    assert machine_code(folder) == []


def test_a_folder_on_tmp_is_used_since_nobody_can_move_it(folder, monkeypatch):
    folder.mkdir()
    folder.chmod(0o1777)
    run_anew(monkeypatch)
    assert run_anew(monkeypatch) == ([3.0, 4.0], 1, 0)


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "{set}/capitation"),
        ("linux", "", "{home}/.cache/capitation"),
        ("darwin", "", "{home}/Library/Caches/capitation"),
        ("win32", "LOCALAPPDATA", "{set}/capitation"),
        ("win32", "", "{home}/AppData/Local/capitation"),
    ],
)
def test_the_folder_is_where_the_platform_has_it(
    tmp_path, monkeypatch, platform, variable, expected
):
    for name in ("CAPITATION_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "set"))
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    places = {"set": (tmp_path / "set").as_posix(), "home": (tmp_path / "home").as_posix()}
    found = kept_code.folder_of_all()
    assert found is not None
    assert found.as_posix() == expected.format(**places)


def test_a_relative_cache_folder_of_the_user_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.delenv("CAPITATION_CACHE", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert kept_code.folder_of_all() == tmp_path / ".cache" / "capitation"


def test_clearing_removes_kernels_of_all_versions_and_nothing_else(filled, monkeypatch):
    (filled / "kernels-0.0.1-0123").mkdir()
    (filled / "kernels-0.0.1-0123" / "old").write_bytes(bytes(1_000))
    (filled / "mine.txt").write_text("not a kernel")
    assert kept_code.size_of_all() > 1_000
    kept_code.clear()
    assert [file.name for file in filled.iterdir()] == ["mine.txt"]
    assert kept_code.size_of_all() == 0
