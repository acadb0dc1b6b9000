"""How a convolution is computed: on spectra of the whole image or of tiles, or tap by tap; and the choice."""
