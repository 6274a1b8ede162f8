"""How fast, against what a person would otherwise write: ``make bench``."""
