"""The training loop, its schedule, its checkpoints, its history."""
