"""Which keypoints cannot be right: jumps, stretched bones, frozen points and swaps, by rules that need no label."""
