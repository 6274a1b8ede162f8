"""How fast the library is, against the bare driver and against DataJoint 2.3; see `benchmarks.__main__`."""
