"""The blob format under the module name that DataJoint 2.3 gives it: this name is the module of the format itself.

So ``dj.blob.use_32bit_dims = True`` sets the flag that reading looks at.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from datajoint.codecs import blob_format
from datajoint.codecs.blob_format import Blob, pack, unpack, use_32bit_dims

if TYPE_CHECKING:  # they need numpy, and are found when they are asked for
    from datajoint.codecs.matlab import MatCell, MatStruct  # noqa: TC004 - named only, for those who import from here

__all__ = ["Blob", "MatCell", "MatStruct", "pack", "unpack", "use_32bit_dims"]

sys.modules[__name__] = blob_format
