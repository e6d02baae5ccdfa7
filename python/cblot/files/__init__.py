"""Files: names, images and their windows, headers, whole writes. What knows astropy.io.fits."""
