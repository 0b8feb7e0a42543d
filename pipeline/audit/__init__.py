"""`audit run`: the stages in order, what was read, rounds, and what a run found; `audit predict` beside it."""
