"""The words that columns of the tables choose from."""

KINDS = ("wrong_clip", "contaminated", "boundary", "ambiguous", "bad_pose")
"""What is wrong with a window: its whole clip's label, another action inside the clip, a shifted boundary, two actions that
look alike, or the keypoints rather than the label."""

POSE_FAULTS = ("missing", "jump", "bone_length", "swap", "frozen", "identity_swap")
"""Why a window's pose is bad: too few keypoints, or one that leaps away and back, stretches a bone, is exchanged with its left
or right, stands still while the rest moves, or two animals exchanged."""

INJECTED_KINDS = ("wrong_clip", "contaminated", "boundary", "flips")
"""What `audit selftest` injects: a wrong label for a whole clip, a stretch of another clip's poses, a shifted change between two
frame labels, or another label for about a second."""

SPLITS = ("audit", "holdout", "left_out", "unlabelled")
"""``audit`` windows are predicted out of fold, ``holdout`` groups were set apart first, ``left_out`` classes take no part;
``unlabelled`` windows have no label: they are predicted like the others of their group, not used for training and not scored."""

REVIEW_ACTIONS = ("relabel", "keep", "unsure", "exclude", "undo", "note")
"""What a reviewer does to a span: gives it another label, confirms the given one, cannot tell, takes it out of the export, takes
an operation back (or, where none is named, what was painted over the span), or writes a remark."""

STRATA = ("holdout", "flagged", "unflagged")
"""Where blind samples are drawn: the groups that were set apart, and the audited windows that were flagged or not."""

LABEL_SOURCES = ("adjudication", "consensus", "review", "given")
"""Where a label after review comes from: a settled dispute, several reviewers, the one reviewer, or the data."""

MARKS = ("unsure", "disputed")
"""Why a frame that was looked at keeps its given label: nobody could tell, or reviewers differ and nobody settled it."""
