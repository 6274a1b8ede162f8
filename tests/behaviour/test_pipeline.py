"""One pipeline, unchanged on every engine, gives the same rows: those that its functions give without a database."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from tests.behaviour import blob_pipeline


def picture(size, spots):
    """Return a dark picture with Gaussian spots ``(y, x, sigma)``."""
    row, column = np.indices((size, size))
    pixels = sum(np.exp(-((row - y) ** 2 + (column - x) ** 2) / (2 * s**2)) for y, x, s in spots)
    return (0.05 + 0.9 * pixels).astype(np.float32)


PICTURES = {
    "stars": picture(64, [(10, 12, 2), (30, 50, 2), (50, 20, 3), (40, 40, 2)]),
    "moons": picture(64, [(20, 20, 8), (46, 46, 6)]),
    "empty": np.full((32, 32), 0.5, np.float32) + np.eye(32, dtype=np.float32) * 0.001,
}
PARAMS = {"fine": (1.5, 4.0, np.float32(0.05)), "coarse": (5.0, 10.0, np.float32(0.3))}


@pytest.fixture
def pipeline(connection, new_schema_name):
    """The module, loaded anew, so that each engine gets its own classes, and activated."""
    spec = importlib.util.spec_from_file_location("blob_pipeline_under_test", blob_pipeline.__file__)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.schema.activate(new_schema_name("blobs"), connection=connection)
    module.Image.insert(
        {"image": n, "height": p.shape[0], "width": p.shape[1], "pixels": p} for n, p in PICTURES.items()
    )
    yield module
    del sys.modules[spec.name]


def expected_rows():
    """Return what the functions find, in the order of the keys."""
    detections, blobs = [], []
    for image in sorted(PICTURES):
        for params in sorted(PARAMS):
            # Parameters come back from float32 columns as the shortest decimal that means the same.
            numbers = [float(str(number)) for number in PARAMS[params]]
            found = blob_pipeline.find_blobs(PICTURES[image], *numbers)
            key = {"image": image, "params": params}
            detections.append({**key, "n_blobs": len(found), "score": blob_pipeline.score_of(found)})
            blobs += [
                {**key, "blob": number, **{name: float(str(np.float32(value))) for name, value in blob.items()}}
                for number, blob in enumerate(found)
            ]
    return detections, blobs


def test_same_rows_on_every_engine(pipeline):
    detections, blobs = expected_rows()
    pipeline.Detection.populate()
    assert pipeline.Detection.to_dicts(order_by="KEY") == detections
    assert pipeline.Detection.Blob.to_dicts(order_by="KEY") == blobs
    assert {(d["image"], d["params"]): d["n_blobs"] for d in detections} == {
        ("empty", "coarse"): 0,
        ("empty", "fine"): 0,
        ("moons", "coarse"): 2,
        ("moons", "fine"): 2,
        ("stars", "coarse"): 1,
        ("stars", "fine"): 4,
    }


def test_pictures_come_back_as_they_were(pipeline):
    for row in pipeline.Image:
        original = PICTURES[row["image"]]
        assert row["pixels"].dtype == original.dtype
        assert np.array_equal(row["pixels"], original)


def test_a_second_run_computes_only_what_is_new(pipeline):
    pipeline.Detection.populate()
    calls = []
    make = pipeline.Detection.make
    pipeline.Detection.make = lambda self, key: (calls.append(key), make(self, key))
    pipeline.Detection.populate()
    assert calls == []
    pipeline.DetectionParams.insert1({"params": "wide", "min_sigma": 8, "max_sigma": 12, "threshold": 0.1})
    pipeline.Detection.populate()
    assert sorted(key["image"] for key in calls) == sorted(PICTURES)
    assert {key["params"] for key in calls} == {"wide"}


def test_best_parameters_of_each_picture(pipeline):
    pipeline.Detection.populate()
    best = pipeline.best_detections() & "n_blobs > 0"
    assert {row["image"]: row["params"] for row in best.to_dicts()} == {"moons": "coarse", "stars": "fine"}


def test_deleting_a_picture_takes_what_was_computed_from_it(pipeline):
    pipeline.Detection.populate()
    assert (pipeline.Image & {"image": "stars"}).delete(prompt=False) == 1
    assert len(pipeline.Detection) == 4
    assert len(pipeline.Detection.Blob & {"image": "stars"}) == 0
    assert len(pipeline.Detection.Blob) == 4
    pipeline.Detection.populate()
    assert len(pipeline.Detection) == 4
