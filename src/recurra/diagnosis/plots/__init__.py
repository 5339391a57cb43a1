"""Pictures of what was measured: each panel takes a `Diagnosis` and nothing else; none of them measures."""
