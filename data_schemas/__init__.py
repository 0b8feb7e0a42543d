"""What every part of pose-audit agrees on: tables, configuration, labels, skeletons and errors.

This package is light on purpose: neither this module nor :mod:`data_schemas.errors`, :mod:`data_schemas.labels` and
:mod:`data_schemas.skeletons` import pandas or pandera, so that a program that only embeds a trained model stays small.
"""

__version__ = "0.1.0"
