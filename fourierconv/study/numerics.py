"""Versions of the parts whose results reach the tables: raise one when what it computes may change.

They are part of a run's key, so that results of an older version are never taken for present ones. A test of golden
outputs fails when a part's results change by more than rounding and its number does not. Rounding may change, as it
does between processors; training amplifies it.
"""

LAYERS = 1  # the package outside `study`
TRAINING = 1  # training.py, models.py, networks.py, methods.py
