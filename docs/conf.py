"""Settings of Sphinx; ``make docs`` calls `docs/build.py`, which lays out the pages first."""

from __future__ import annotations

import datajoint as dj

project = "DataJoint for Jupyter"
copyright = "DataJoint Jupyter Contributors"  # noqa: A001 - Sphinx's name
release = version = dj.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["measured"]  # parts of the page on performance

# --- pages
myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # the notebooks are stored with their outputs, which the tests compare
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # nothing is fetched from elsewhere; widgets leave a static picture
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
suppress_warnings = [
    "mystnb.unknown_mime_type",  # a widget's own data: its static picture is shown
    "misc.highlighting_failure",  # notebooks have cells of SQL
    "ref.python",  # a word in the type of a parameter, such as "rows", is no reference to the attribute of that name
]
copybutton_exclude = ".linenos, .gp, .go"

# --- the reference
default_role = "code"  # single quotes in docstrings are names
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_preprocess_types = False
autodoc_typehints = "none"  # the docstrings say the types
autodoc_member_order = "alphabetical"
autodoc_preserve_defaults = True
autoclass_content = "class"
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

# --- the site: everything local, fonts of the system, no request to anywhere
html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "DataJoint for Jupyter"
html_static_path = ["_static"]
html_css_files = ["own.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # a browser fetches no summaries from the disk
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
