"""The law of every codec: what was encoded comes back, whatever the value, the store, and the way that it takes."""

from __future__ import annotations

import string
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import datajoint as dj
from datajoint.codecs import CodecChain, CodecContext, MissingCodec
from datajoint.codecs.uploads import Uploads
from datajoint.settings import Config

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
KEYS = st.dictionaries(
    st.from_regex("[a-z][a-z0-9_]{0,8}", fullmatch=True),
    st.one_of(st.integers(), TEXTS, st.dates(), st.datetimes(), st.uuids(), st.text("aü/", min_size=90, max_size=150)),
    max_size=3,
)
ARRAYS = hnp.arrays(
    st.one_of(
        hnp.scalar_dtypes().filter(lambda dtype: not dtype.hasobject),
        hnp.array_dtypes(allow_subarrays=False).filter(lambda dtype: not dtype.hasobject and bool(dtype.names)),
    ),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0\\:"), min_size=1, max_size=20).filter(
    lambda name: name not in {".", ".."}
)


@pytest.fixture(scope="module", params=["file", "memory"])
def settings(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    config = Config(download_path=str(tmp_path_factory.mktemp("downloads")))
    config.stores["main"] = {"protocol": request.param, "location": str(folder), "subfolding": [2, 2]}
    config.stores["default"] = config.stores["filepath_default"] = "main"
    return config


def there_and_back(spec, value, settings, key=None, *, parallel=False):
    chain = CodecChain.resolve(spec)
    context = CodecContext("lab", "__table", "field", settings, key or {})
    with Uploads(parallel=parallel) as uploads:
        stored = chain.encode(value, context)
        uploads.settle()
        uploads.close(kept=True)
    assert stored["store"] == "main"
    found = chain.decode(stored, context)
    assert next(chain.decode_all([stored], context)) is not None
    return stored, found


@given(content=st.binary(max_size=3000), parallel=st.booleans())
def test_hash(settings, content, parallel):
    stored, found = there_and_back("<hash@>", content, settings, parallel=parallel)
    assert found == content
    assert stored["size"] == len(content)


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | st.binary(),
                          lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8))  # fmt: skip
def test_blob(settings, value):
    if value is not None:
        assert there_and_back("<blob@>", value, settings)[1] == value


@given(array=ARRAYS, key=KEYS)
def test_npy(settings, array, key):
    stored, ref = there_and_back("<npy@main>", array, settings, key, parallel=True)
    assert (ref.shape, ref.dtype) == (array.shape, array.dtype)
    found = ref.load()
    assert found.dtype == array.dtype
    assert found.tobytes() == array.tobytes()
    assert stored["path"].startswith("_schema/lab/__table/")


@given(content=st.binary(max_size=100), ext=st.sampled_from(["", ".bin", "tar.gz"]), key=KEYS, parallel=st.booleans())
def test_object(settings, content, ext, key, parallel):
    value = (ext, content) if ext else content
    stored, ref = there_and_back("<object@>", value, settings, key, parallel=parallel)
    assert ref.read() == content
    assert ref.verify() is True
    assert stored["ext"] == (ext or None)


@given(files=st.dictionaries(st.lists(st.sampled_from(["a", "b.c", "ü", "x y", "%41"]), min_size=1, max_size=3).map("/".join),
                             st.binary(max_size=20), max_size=5))  # fmt: skip
def test_folders(settings, files):
    files = {name: data for name, data in files.items() if not any(other.startswith(f"{name}/") for other in files)}
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            place = Path(folder) / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        _, ref = there_and_back("<object@>", folder, settings)
        if files:
            found = {f"{below}/{name}".lstrip("/") for below, _, names in ref.walk() for name in names}
            assert found == set(files)
            ref.download(Path(folder) / "new")
            for name, data in files.items():
                assert (Path(folder) / "new" / ref.path.rsplit("/", 1)[1] / name).read_bytes() == data
    assert ref.item_count == len(files)
    assert ref.verify() is True


@given(name=NAMES, content=st.binary(max_size=50))
def test_attach(settings, name, content):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / name
        try:
            source.write_bytes(content)
        except (OSError, ValueError):  # no name of this file system
            return
        found = Path(there_and_back("<attach@>", source, settings)[1])
    assert found.read_bytes() == content
    assert found.parent == Path(settings.download_path)
    found.unlink()


@given(path=st.text(string.ascii_lowercase + "./\\_ :%", max_size=30) | st.text(max_size=30))
def test_filepaths_never_leave_the_store_or_enter_its_sections(settings, path):
    from datajoint.codecs.builtin.filepath import _checked

    spec = settings.get_store_spec("main")
    try:
        plain = _checked(path, spec)
    except ValueError:
        return
    assert not plain.startswith(("/", "_hash/", "_schema/"))
    assert ".." not in plain.split("/")


@given(spec=st.text(st.characters(codec="utf-8"), max_size=20))
def test_any_text_in_brackets_is_a_codec_or_a_missing_one(spec):
    from datajoint.codecs import codec_of

    codec = codec_of(f"<{spec}>")
    assert isinstance(codec, dj.Codec)
    if isinstance(codec, MissingCodec):
        with pytest.raises(dj.DataJointError):
            codec.decode(b"")


def test_tokens_make_every_path_another(settings):
    paths = {there_and_back("<object@>", b"x", settings, {"id": uuid.UUID(int=1)})[0]["path"] for _ in range(50)}
    assert len(paths) == 50
