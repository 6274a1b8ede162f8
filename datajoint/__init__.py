"""Placeholder of the package's face, replaced by the lazy loader."""
