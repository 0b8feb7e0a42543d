"""`audit selftest`: known errors are injected into copies of audited data, the copies are audited, and the finds are counted."""
