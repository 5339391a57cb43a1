"""The cells' arithmetic over time, fast: the reference time loop, torch's fused kernels, and the choice between them."""
