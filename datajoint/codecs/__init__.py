"""Codecs: Python values that no column type holds, and how they are stored all the same.

`base` is the class to derive from, `registry` knows all codecs, `chain` puts them to work, `builtin` holds ours.
Importing this package registers the built-in codecs and loads no numpy.
"""

from datajoint.codecs.base import Codec
from datajoint.codecs.builtin import (
    AttachCodec,
    BlobCodec,
    FilepathCodec,
    HashCodec,
    NpyCodec,
    ObjectCodec,
    SchemaCodec,
)
from datajoint.codecs.chain import (
    CodecChain,
    CodecContext,
    MissingCodec,
    codec_of,
    resolve_dtype,
    waits_for_store,
)
from datajoint.codecs.decode import decode_attribute
from datajoint.codecs.registry import (
    get_codec,
    is_codec_registered,
    list_codecs,
    lookup_codec,
    parse_type_spec,
    unregister_codec,
)

__all__ = [
    "AttachCodec",
    "BlobCodec",
    "Codec",
    "CodecChain",
    "CodecContext",
    "FilepathCodec",
    "HashCodec",
    "MissingCodec",
    "NpyCodec",
    "ObjectCodec",
    "SchemaCodec",
    "codec_of",
    "decode_attribute",
    "get_codec",
    "is_codec_registered",
    "list_codecs",
    "lookup_codec",
    "parse_type_spec",
    "resolve_dtype",
    "unregister_codec",
    "waits_for_store",
]
