"""Drop-in recurrent layers for torch.nn, and what torch lacks."""
