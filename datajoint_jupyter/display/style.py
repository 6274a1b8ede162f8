"""One palette for all static output, taken from the front end where it has one.

The rules are an adornment: an untrusted notebook is shown without them, and must be readable then.
"""

from __future__ import annotations

from datajoint_jupyter.display.markup import Markup, style_sheet

_CSS = """
.dj-static{--dj-fg:var(--jp-ui-font-color1,var(--vscode-foreground,#1f2328));
--dj-muted:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#656d76));
--dj-line:var(--jp-border-color2,var(--vscode-panel-border,#d0d7de));
--dj-head:var(--jp-layout-color2,var(--vscode-keybindingTable-headerBackground,#f2f4f7));
--dj-key:var(--jp-brand-color1,var(--vscode-textLink-foreground,#1976d2));
--dj-bad:var(--jp-error-color1,var(--vscode-errorForeground,#c62828));
color:var(--dj-fg);font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.4}
@media (prefers-color-scheme:dark){.dj-static{--dj-fg:var(--jp-ui-font-color1,var(--vscode-foreground,#e6edf3));
--dj-muted:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#9da7b3));
--dj-line:var(--jp-border-color2,var(--vscode-panel-border,#3d444d));
--dj-head:var(--jp-layout-color2,var(--vscode-keybindingTable-headerBackground,#262c36));
--dj-key:var(--jp-brand-color1,var(--vscode-textLink-foreground,#58a6ff));
--dj-bad:var(--jp-error-color1,var(--vscode-errorForeground,#ff7b72))}}
.dj-static .dj-caption{margin:0 0 4px;font-weight:600}
.dj-static .dj-note{margin:4px 0 0;color:var(--dj-muted)}
.dj-static .dj-wide{overflow-x:auto}
.dj-static table.dj-table{border-collapse:collapse;border:1px solid var(--dj-line);margin:0;font-size:12px;
color:var(--dj-fg)}
.dj-static table.dj-table :is(th,td){padding:3px 10px;border:0;border-bottom:1px solid var(--dj-line);max-width:40ch;
overflow:hidden;text-overflow:ellipsis;white-space:nowrap;text-align:left;unicode-bidi:isolate}
.dj-static table.dj-table tbody tr{background:none}
.dj-static table.dj-table th{background:var(--dj-head);font-weight:600;vertical-align:bottom}
.dj-static table.dj-table .dj-number{text-align:right;font-variant-numeric:tabular-nums}
.dj-static table.dj-table td.dj-wrap{white-space:normal}
.dj-static .dj-key{color:var(--dj-key)}
.dj-static :is(.dj-type,.dj-null,.dj-blob){color:var(--dj-muted);font-weight:400}
.dj-static :is(.dj-null,.dj-blob){font-style:italic}
.dj-static .dj-bad{color:var(--dj-bad)}
[data-jp-theme-light="false"] :is(.dj-static,.jp-RenderedSVG) img{color-scheme:dark}
[data-jp-theme-light="true"] :is(.dj-static,.jp-RenderedSVG) img{color-scheme:light}
.dj-static pre{white-space:pre-wrap;color:var(--dj-fg);margin:4px 0;font-size:12px}
"""


def static_style() -> Markup:
    """Return the style element that goes with static output."""
    return style_sheet(_CSS.replace("\n", ""))
