"""The next frame of a piece of music: loss, scores, baselines, and how frames are drawn."""
