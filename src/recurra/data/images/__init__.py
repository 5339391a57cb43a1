"""Images: files to bytes, bytes to sequences of pixels, scaled when a batch is made."""
