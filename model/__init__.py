"""Windows, views, the LSTM and its training, and bundles: arrays in, arrays out; no files but bundles.

Always ``from model.classifier import BehaviorClassifier`` and the like, so that ``model`` stays free as a name for a variable.
"""
