"""Paper: what is drawn for the desk to print. Values in, a PDF out; no table, no network, no font of the machine's."""
