"""`audit selftest`: known errors are planted in copies of audited data, the copies are audited, and the finds are counted."""
