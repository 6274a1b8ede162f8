"""The pipeline of the first tutorial as a module: pictures, ways to look at them, and the blobs that are found.

``schema.activate(name, connection=…)`` binds it to an engine; nothing else here knows of one.
"""

from __future__ import annotations

import numpy as np
from skimage.feature import blob_log

import datajoint as dj

schema = dj.Schema()


@schema
class Image(dj.Manual):
    definition = """
    # A picture in shades of grey
    image  : varchar(20)
    ---
    height : int32   # pixels
    width  : int32   # pixels
    pixels : <blob>  # 0 is black, 1 is white
    """


@schema
class DetectionParams(dj.Lookup):
    definition = """
    # A way to look for blobs
    params    : varchar(20)
    ---
    min_sigma : float32  # width of the smallest blobs, pixels
    max_sigma : float32  # width of the largest blobs, pixels
    threshold : float32  # how clearly a blob must stand out
    """
    contents = [
        ("fine", 1.5, 4, 0.05),
        ("coarse", 5, 10, 0.3),
    ]


def find_blobs(pixels, min_sigma, max_sigma, threshold):
    """Return position, radius and contrast of the bright blobs, in units of pixels and of the picture's spread."""
    found = blob_log(
        pixels.astype(float), min_sigma=min_sigma, max_sigma=max_sigma, num_sigma=5, threshold=threshold, overlap=0.3
    )
    row, column = np.indices(pixels.shape)
    blobs = []
    for y, x, sigma in found:
        radius = sigma * 2**0.5
        distance = np.hypot(row - y, column - x)
        inside = pixels[distance <= radius].mean()
        around = pixels[(distance > radius) & (distance <= 1.6 * radius + 1)].mean()
        contrast = (inside - around) / pixels.std()
        blobs.append({"y": float(y), "x": float(x), "radius": float(radius), "contrast": float(contrast)})
    return blobs


def score_of(blobs):
    """Return how much of the picture's light the blobs explain."""
    return sum(blob["contrast"] * blob["radius"] ** 2 for blob in blobs)


@schema
class Detection(dj.Computed):
    definition = """
    # The blobs of one picture, looked for in one way
    -> Image
    -> DetectionParams
    ---
    n_blobs : int32
    score   : float64  # how much of the picture's light the blobs explain
    """

    class Blob(dj.Part):
        definition = """
        # One blob
        -> master
        blob     : int32
        ---
        y        : float32  # pixels from the top
        x        : float32  # pixels from the left
        radius   : float32  # pixels
        contrast : float32  # inside minus around, in units of the picture's spread
        """

    def make(self, key):
        pixels = (Image & key).fetch1("pixels")
        params = (DetectionParams & key).fetch1("min_sigma", "max_sigma", "threshold")
        blobs = find_blobs(pixels, *params)
        self.insert1({**key, "n_blobs": len(blobs), "score": score_of(blobs)})
        self.Blob.insert({**key, "blob": number, **blob} for number, blob in enumerate(blobs))


def best_detections():
    """Return the detections with the highest score of each picture."""
    return Detection * Image.aggr(Detection, best_score="max(score)") & "score = best_score"
