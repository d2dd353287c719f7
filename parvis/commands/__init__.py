"""One module per command of `parvis`, each over one service."""
