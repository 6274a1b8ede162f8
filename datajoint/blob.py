"""The blob format under the module name that DataJoint 2.3 gives it: this name is the module of the format itself.

So ``dj.blob.use_32bit_dims = True`` sets the flag that reading looks at.
"""

from __future__ import annotations

import sys

from datajoint.codecs import blob_format
from datajoint.codecs.blob_format import Blob, pack, unpack, use_32bit_dims

__all__ = ["Blob", "pack", "unpack", "use_32bit_dims"]

sys.modules[__name__] = blob_format
