"""Where compiled kernels are kept from one run to the next, and how they are read back.

A kernel's file is named by the hash of everything that its machine code depends on, so that one
that is found is never stale. A file holds the hash of its own content: one that was cut off or
overwritten is compiled again. Whoever may write in the folder could have us run code of theirs, so
that a folder of somebody else's is not used. Where nothing can be kept, a run goes on without.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import tempfile
import warnings
from pathlib import Path

from capitation.version import __version__

VARIABLE = "CAPITATION_CACHE"
"""The environment variable that names another folder, or `OFF`."""

OFF = "off"

_OF_A_VERSION = f"kernels-{__version__}-"
_OF_ALL_VERSIONS = "kernels-*"
MOST_BYTES = 256 * 2**20
"""Bytes that kernels of one version may take: some hundreds of kernels."""

_TOLD: set[str] = set()


class CacheWarning(UserWarning):
    """Compiled kernels are not kept: the next run compiles them once more."""


def folder_of_all() -> Path | None:
    """The folder of compiled kernels, of all versions: none if it is off, or there is no home.

    Returns
    -------
    Path or None
        What `VARIABLE` names, or ``capitation`` in the user's cache folder. It need not exist.
    """
    asked = os.environ.get(VARIABLE, "").strip()
    if asked.lower() == OFF:
        return None
    try:
        return Path(asked).expanduser().absolute() if asked else _caches_of_user() / "capitation"
    except RuntimeError:
        tell_not_kept("this user has no home folder")
        return None


def _caches_of_user() -> Path:
    """Where the platform keeps what can be made again."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The standard says that a path which is not absolute is to be passed over.
    return named if named.is_absolute() else Path.home() / ".cache"


def folder_for(environment: str) -> Path | None:
    """The folder of the kernels that one environment compiles, made if need be.

    Parameters
    ----------
    environment : str
        All that machine code depends on besides its text: versions and settings.

    Returns
    -------
    Path or None
        None, with a `CacheWarning`, where none can be made or what is there is not safe to use.
    """
    above = folder_of_all()
    if above is None:
        return None
    folder = above / (_OF_A_VERSION + hashlib.sha256(environment.encode()).hexdigest()[:12])
    try:
        above.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        fault = _why_unsafe(above, folder)
    except OSError as error:
        fault = f"{above}: {error.strerror}"
    if fault:
        tell_not_kept(fault)
        return None
    return folder


def _why_unsafe(above: Path, folder: Path) -> str:
    """Who else could put code in a folder: in words, or nothing."""
    if not hasattr(os, "geteuid"):
        return ""
    for place, barred in ((above, stat.S_IWOTH), (folder, stat.S_IWGRP | stat.S_IWOTH)):
        # The folder itself may not be a link: whoever made the link could turn it.
        found = place.stat() if place is above else place.lstat()
        if not stat.S_ISDIR(found.st_mode):
            return f"{place} is no folder"
        if found.st_uid not in (0, os.geteuid()):
            return f"{place} belongs to somebody else"
        # Where the sticky bit is set, as on /tmp, nobody can move what is another's.
        if found.st_mode & barred and not found.st_mode & stat.S_ISVTX:
            return f"others may write in {place}"
    return ""


def tell_not_kept(why: str) -> None:
    """Warn that kernels are not kept: what is wrong, and how to mend it; of each fault once."""
    if why in _TOLD:
        return
    _TOLD.add(why)
    mend = f"name a folder of your own with {VARIABLE}, or set {VARIABLE}={OFF}"
    said = f"compiled kernels are not kept, so that each run compiles them again: {why} ({mend})"
    warnings.warn(said, CacheWarning, stacklevel=2)


# Files -------------------------------------------------------------------------------------------


def read(path: Path) -> bytes | None:
    """What a file keeps: None if there is none, or it is not as it was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    kept = content[_DIGEST:]
    return kept if content[:_DIGEST] == _digest(path, kept) else None


def write(path: Path, content: bytes) -> None:
    """Keep content in a file, which is there whole or not at all.

    Raises
    ------
    OSError
    """
    write_whole(path, _digest(path, content) + content)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, and move it there: two that do so at once do no harm."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix="part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


_DIGEST = hashlib.sha256().digest_size


def _digest(path: Path, content: bytes) -> bytes:
    """Of a file's name and content, so that one file does not pass for another."""
    return hashlib.sha256(path.name.encode() + b"\0" + content).digest()


def make_room(folder: Path) -> None:
    """Remove what was written longest ago, where there is too much."""
    found = [(file, status) for file in folder.iterdir() if (status := _status(file))]
    room = MOST_BYTES
    for file, status in sorted(found, key=lambda pair: pair[1].st_mtime, reverse=True):
        room -= status.st_size
        if room < 0:
            file.unlink(missing_ok=True)


def _status(file: Path) -> os.stat_result | None:
    """A file's size and time: None if another process has just removed it."""
    try:
        return file.stat()
    except FileNotFoundError:
        return None


def size_of_all() -> int:
    """Bytes that kernels of all versions take."""
    above = folder_of_all()
    folders = above.glob(_OF_ALL_VERSIONS) if above else ()
    found = (_status(file) for folder in folders for file in folder.iterdir())
    return sum(status.st_size for status in found if status)


def clear() -> None:
    """Remove kernels of all versions, and nothing else that may stand in the folder.

    Raises
    ------
    OSError
    """
    above = folder_of_all()
    for folder in above.glob(_OF_ALL_VERSIONS) if above else ():
        shutil.rmtree(folder)
