"""What a network is for: loss, metrics, baselines, decoding, defaults."""
