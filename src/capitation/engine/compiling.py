"""From generated source to a function: as plain Python, or through Numba's compiler.

A text is run as it was generated, never as a file has it. Compiled, its machine code is kept under
the hash of the text, of the text that it draws on, and of all that compiling depends on, in
`kept_code`'s folder, with the text itself beside it to be read. So a changed rule, constant or
function is another name, and a run that finds a name compiles nothing.

What is sent to another process is a kernel's text, as `Kernel` holds it: a function is never
pickled. There `load` makes it again, from the same folder.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import inspect
import linecache
import pickle
import platform
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from capitation.engine import kept_code

ENTRY = "kernel"
"""The function of a generated text that Python calls."""

_OPTIONS = {"nogil": True}

_OPTIONS_INSIDE = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""What only kernels call needs no door to Python, which takes as long to make as the rest."""

_SETTINGS = (
    "OPT",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "BOUNDSCHECK",
    "DEBUGINFO_DEFAULT",
    "USING_SVML",
)
"""Numba's settings that machine code depends on, and that Numba's own cache passes over."""

_MODULES: dict[str, ModuleType] = {}
_LOADING = threading.RLock()


def key_of_source(source: str) -> str:
    """Hash of a text, as a name for it.

    Examples
    --------
    >>> key_of_source("def kernel(): pass")
    '7e26bccd3101c21f'
    """
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def load(
    source: str, compiled: bool, support: str = "", error_model: str = "python"
) -> Callable[..., Any]:
    """The function ``kernel`` of a generated source, through Numba or as plain Python.

    Parameters
    ----------
    source : str
        Functions under ``@compiled``, one of them named ``kernel``.
    compiled : bool
        Through Numba, or as plain Python.
    support : str, optional
        Functions that `source` calls: they are compiled only once for all kernels.
    error_model : {"python", "numpy"}
        What a division by zero does once compiled: an error, or an infinity. As plain Python it
        is always an error.

    Returns
    -------
    callable
        The same one each time.

    Warns
    -----
    CacheWarning
        If there is no folder to keep machine code in.
    """
    with _LOADING:
        above = _module_of(support, compiled, error_model) if support else None
        function: Callable[..., Any] = vars(_module_of(source, compiled, error_model, above))[ENTRY]
        return function


@functools.cache
def text_as_kernel(function: Callable[..., Any]) -> str:
    r"""The source of a kernel that is one function, which calls no other.

    Examples
    --------
    >>> text_as_kernel(key_of_source).split("\n")[3:5]
    ['@compiled', 'def kernel(source: str) -> str:']
    """
    text = inspect.getsource(function).replace(f"def {function.__name__}(", f"def {ENTRY}(", 1)
    return f"from __future__ import annotations\n\n\n@compiled\n{text}"


def forget() -> None:
    """Let go of all that was loaded, so that it is loaded anew."""
    with _LOADING:
        for name in _MODULES:
            sys.modules.pop(name, None)
        _MODULES.clear()


def _module_of(
    text: str, compiled: bool, error_model: str, above: ModuleType | None = None
) -> ModuleType:
    """The module of a text, made once: what it calls besides its own is in the module above it."""
    options = f"{compiled} {error_model} {_OPTIONS} {_OPTIONS_INSIDE} {above and above.__name__}"
    name = f"capitation_{key_of_source(f'{options} {text}')}"
    if name not in _MODULES:
        module = ModuleType(name)
        if above:
            vars(module).update({n: v for n, v in vars(above).items() if not n.startswith("__")})
        file = f"<{name}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        decorator = _compiler(name, text, error_model) if compiled else _as_it_is
        vars(module)["compiled"] = decorator
        # Numba looks a module up by its name where it reads machine code back.
        sys.modules[name] = module
        exec(compile(text, file, "exec"), vars(module))
        _MODULES[name] = module
    return _MODULES[name]


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _compiler(name: str, text: str, error_model: str) -> Callable[..., Any]:
    """What ``@compiled`` stands for in a text."""
    njit: Any = importlib.import_module("numba").njit
    folder = kept_code.folder_for(_environment())
    inside = f"def {ENTRY}(" in text

    def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
        inner = function.__name__ != ENTRY
        options = _OPTIONS | _OPTIONS_INSIDE if inner else _OPTIONS
        made: Any = njit(error_model=error_model, **options)(function)
        # A kernel's machine code has that of its own functions in it.
        if folder is not None and not (inner and inside):
            made._cache = _Kept(folder, name, function.__name__, text)
        compiles: Callable[..., Any] = made
        return compiles

    return compiled


@functools.cache
def _environment() -> str:
    """All that machine code depends on besides its text, and the processor that Numba names."""
    numba, *others = (importlib.import_module(name) for name in ("numba", "llvmlite", "numpy"))
    settings = [f"{name}={getattr(numba.config, name, None)}" for name in _SETTINGS]
    versions = [str(of.__version__) for of in (numba, *others)]
    return "\n".join([sys.version, sys.platform, platform.machine(), *versions, *settings])


class _Kept:
    """What Numba asks for machine code before it compiles, and hands it to afterwards.

    It stands in place of Numba's own cache, whose key has neither the options of a function nor
    the functions that it calls, and which stops at a file that was cut off.
    """

    def __init__(self, folder: Path, module: str, function: str, text: str):
        self.cache_path = str(folder)
        self.text = text
        self.source = folder / f"{module}.py"
        self.stem = f"{module}-{function}"

    def load_overload(self, signature: Any, context: Any) -> Any:
        """What was kept for arguments of these types: None if nothing was, or it is of no use."""
        context.refresh()
        kept = kept_code.read(self.place(signature, context.codegen()))
        if kept is None:
            return None
        try:
            return _rebuilt(kept, context)
        except Exception as fault:
            kept_code.tell_not_kept(f"{self.source}: Numba does not take it back, {fault!r}")
            return None

    def save_overload(self, signature: Any, made: Any) -> None:
        """Keep what was compiled, if it does not hold an address of this process."""
        if made.lifted or made.library.has_dynamic_globals:
            return
        try:
            kept_code.write_whole(self.source, self.text.encode())
            kept_code.write(self.place(signature, made.library.codegen), _packed(made))
            kept_code.make_room(self.source.parent)
        except OSError as fault:
            kept_code.tell_not_kept(f"{self.source.parent}: {fault.strerror}")
        except Exception as fault:
            kept_code.tell_not_kept(f"{self.source}: Numba does not pack it, {fault!r}")

    def place(self, signature: Any, codegen: Any) -> Path:
        """The file of the machine code for arguments of some types, on this processor."""
        key = key_of_source(f"{signature} {codegen.magic_tuple()}")
        return self.source.with_name(f"{self.stem}-{key}.machine-code")


def _packed(made: Any) -> bytes:
    from numba.core.serialize import dumps

    packed: bytes = dumps(made._reduce())
    return packed


def _rebuilt(packed: bytes, context: Any) -> Any:
    from numba.core.compiler import CompileResult

    return CompileResult._rebuild(context, *pickle.loads(packed))
