"""Networks in the files of other programs: read in, checked against them, kept as a folder of this project's own."""
