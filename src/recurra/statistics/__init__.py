"""Intervals and paired tests behind every score that is shown.

`intervals` and `bootstrap` say how sure a score is; `paired` says whether two predictors differ on the
same examples. All of it takes the examples to be independent of each other, unless it is told by
`blocks`, or by the groups of `jackknife`, which are not.
"""
