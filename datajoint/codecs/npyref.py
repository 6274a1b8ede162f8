"""References to arrays in an object store, which are read when they are needed, and no more of them than is needed."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from datajoint.codecs.npyparts import read_part
from datajoint.errors import DataJointError
from datajoint.objectref import IntegrityError
from datajoint.storage.cache import ObjectCache
from datajoint.storage.files import temporary_beside

Mode = Literal["r", "r+", "c"]

_WHOLE = 1 << 20  # bytes below which reading a part saves nothing


class NpyRef(NDArrayOperatorsMixin):
    """An array in a store. Shape and type are known; the numbers are read at first use.

    It takes part in numpy's functions and in arithmetic like an array, and has an array's methods. Indexing a large array
    that was not loaded reads only the stretch of the file that holds the result, as far as the index goes along the
    outermost axis.

    Parameters
    ----------
    metadata : dict
        ``path``, ``store``, ``dtype`` and ``shape``, as in the column.
    backend : object
        Has ``get_buffer(path) -> bytes``; for mapping also ``protocol`` and, on a file store, ``_full_path(path)``.
    cache : ObjectCache, optional
        Where copies of far objects are kept; it stays behind when the reference is pickled.
    """

    __slots__ = ("_array", "_backend", "_cache", "_dtype", "_metadata", "_shape")

    # As for any object: references are told apart, arrays are compared with `numpy.equal` or after `load`.
    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__

    def __init__(self, metadata: Mapping[str, Any], backend: Any, *, cache: ObjectCache | None = None) -> None:
        self._metadata, self._backend, self._cache = dict(metadata), backend, cache
        self._array: np.ndarray[Any, Any] | None = None
        self._shape = tuple(int(n) for n in metadata["shape"])
        self._dtype = _dtype(metadata["dtype"])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._metadata, self._backend)

    # --- known without reading
    @property
    def shape(self) -> tuple[int, ...]:
        """Length along each axis."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self._dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self._shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the elements in memory."""
        return self.size * self._dtype.itemsize

    @property
    def path(self) -> str:
        """Path of the object, relative to the root of its store."""
        return str(self._metadata["path"])

    @property
    def store(self) -> str | None:
        """Name of the store; None if the row does not tell."""
        return self._metadata.get("store")

    @property
    def is_loaded(self) -> bool:
        """Whether the array is in memory."""
        return self._array is not None

    # --- reading
    def load(self, mmap_mode: Mode | None = None) -> np.ndarray[Any, Any]:
        """Return the array.

        Parameters
        ----------
        mmap_mode : {"r", "r+", "c"}, optional
            Map the file into memory instead, and leave `is_loaded` as it is: on a file store the stored object itself,
            so that ``"r+"`` edits it; elsewhere a local copy, made once.

        Returns
        -------
        numpy.ndarray
            The same one at every call; with `mmap_mode` a `numpy.memmap`.

        Raises
        ------
        MissingExternalFile
            If the object is absent.
        IntegrityError
            If it is not the array that the row describes.
        ValueError
            For another `mmap_mode`.
        """
        if mmap_mode is not None:
            return self._mapped(mmap_mode)
        if self._array is None:
            self._array = self._read()
        return self._array

    def _read(self) -> np.ndarray[Any, Any]:
        if self._cache is None:
            return self._checked(_parse(self._backend.get_buffer(self.path), self.path))
        arrays: list[np.ndarray[Any, Any]] = []

        def whole(content: bytes) -> bytes:
            arrays.append(self._checked(_parse(content, self.path)))
            return content

        self._cache.fetch(self._backend, self.path, whole)
        return arrays[-1]

    def _checked(self, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if array.shape != self._shape or array.dtype != self._dtype:
            raise IntegrityError(
                f"The object {self.path!r} holds an array of {array.dtype} and shape {array.shape}, "
                f"not of {self._dtype} and {self._shape} as its row says.",
            )
        return array

    def _mapped(self, mode: Mode) -> np.ndarray[Any, Any]:
        if mode not in {"r", "r+", "c"}:
            raise ValueError(f"mmap_mode is {mode!r}. It may be 'r', 'r+', 'c' or None.")
        backend = self._backend
        path = Path(backend._full_path(self.path)) if backend.protocol == "file" else self._local_copy()
        try:
            return self._checked(np.load(path, mmap_mode=mode, allow_pickle=False))
        except (ValueError, EOFError, FileNotFoundError) as error:
            # Absent, cut, or without elements, which cannot be mapped: reading says which.
            array = self._read()
            if array.size:
                raise IntegrityError(f"The object {self.path!r} cannot be mapped: {error}") from error
            return array

    def _local_copy(self) -> Path:
        """Return the path of a private copy, which is made if there is none of the right length."""
        folder = _private_folder()
        # Paths hold a random token, so that equal ones in a store mean the same array.
        spec = getattr(self._backend, "spec", None) or {}
        place = sorted(
            (k, v) for k, v in spec.items() if k in {"protocol", "endpoint", "bucket", "container", "location"}
        )
        said = repr((place, self.store, self.path, str(self._dtype), self._shape))
        target = folder / f"{hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()[:24]}.npy"
        if not target.is_file() or target.stat().st_size < self.nbytes:
            content = self._backend.get_buffer(self.path)
            unfinished = temporary_beside(target)
            try:
                unfinished.write_bytes(content)
                unfinished.replace(target)
            finally:
                unfinished.unlink(missing_ok=True)
        return target

    # --- as an array
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.load()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError(f"An array of {array.dtype} cannot become one of {np.dtype(dtype)} without a copy.")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        # References stand for their arrays, but nothing is written into them: `ref += 1` would not reach the store.
        if any(isinstance(target, NpyRef) for target in options.get("out", ())):
            return NotImplemented
        options = {name: _loaded(value) for name, value in options.items()}
        return getattr(ufunc, method)(*map(_loaded, inputs), **options)

    def __getitem__(self, index: Any) -> Any:
        if self._array is None and self.nbytes > _WHOLE and not self._dtype.hasobject:
            part = read_part(self._backend, self.path, self._shape, self._dtype, index)
            if part is not None:
                return part[()] if part.ndim == 0 else part
        return self.load()[index]

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of 0-dimensional array")
        return self._shape[0]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.load())

    def __float__(self) -> float:
        return float(self.load())

    def __int__(self) -> int:
        return int(self.load())

    def __bool__(self) -> bool:
        return bool(self.load())

    def __getattr__(self, name: str) -> Any:
        # An array's methods and views, such as `sum` and `T`. What begins with `_` are questions of libraries.
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.load(), name)

    def __repr__(self) -> str:
        said = "loaded" if self.is_loaded else "not loaded"
        return f"NpyRef(shape={self._shape}, dtype={self._dtype}, {said})"


def _loaded(value: Any) -> Any:
    return value.load() if isinstance(value, NpyRef) else value


def _dtype(said: Any) -> np.dtype[Any]:
    """Return a type from its text; that of a structured one is a list of its fields."""
    if isinstance(said, str) and said.lstrip().startswith(("[", "(", "{")):
        import ast  # noqa: PLC0415 - seldom needed

        said = ast.literal_eval(said)
    align = isinstance(said, dict) and said.pop("aligned", False)
    try:
        found: np.dtype[Any] = np.dtype(said, align=align)
    except TypeError as error:
        raise DataJointError(f"The type {said!r} of a stored array is none of numpy's.") from error
    return found


def _parse(content: bytes, path: str) -> np.ndarray[Any, Any]:
    try:
        array: np.ndarray[Any, Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise IntegrityError(
            f"The object {path!r} of {len(content)} bytes is not a whole .npy file: {error}.", hint="Insert it again."
        ) from error
    return array


def _private_folder() -> Path:
    """Return a folder for copies that nobody else can write to.

    Raises
    ------
    DataJointError
        If somebody else made it first.
    """
    shared = Path(tempfile.gettempdir()) / "datajoint_mmap"
    user = os.getuid() if hasattr(os, "getuid") else None
    folder = shared if user is None else shared.with_name(f"{shared.name}-{user}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if user is not None and (found.st_uid != user or folder.is_symlink() or found.st_mode & 0o077):
        raise DataJointError(
            f"The folder {folder} for copies of arrays can be written to by others.",
            hint=f"Remove it, or run `chmod 700 {folder}` if it is yours.",
        )
    return folder
