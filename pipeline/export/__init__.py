"""From decisions to a cleaned dataset: frames, windows, what changed, and a datasheet that says how it was made.

::

    run + review events ── review ── labels after review
                                       ├── frames.parquet     without excluded frames, readable by `audit run`
                                       ├── windows.parquet    by the majority of their frames
                                       ├── changes.parquet    who changed what, when and why
                                       ├── aihub/             corrected label files (AI-Hub sources)
                                       └── DATASHEET.md, datasheet.json, SHA256SUMS
"""
