"""Intervals and paired tests behind every score that is shown.

`recurra.statistics.intervals` says how sure a score is; `recurra.statistics.paired` says whether two
predictors differ on the same examples. All of it takes the examples to be independent of each other.
"""
