"""Finding the files of an archive and comparing them with its manifest."""
