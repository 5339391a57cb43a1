"""The cells' arithmetic over time: the reference loop, torch's fused kernels, and the choice between them."""
