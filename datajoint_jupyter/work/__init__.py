"""Work that a notebook begins; nothing of pages and widgets."""
