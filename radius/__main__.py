"""`python -m radius`: this process alone, with the settings of the environment."""

import sys

from hotspot.log import configure_logging
from hotspot.settings import SettingsError, load_settings
from radius.process import main

if __name__ == "__main__":
    try:
        settings = load_settings()
        configure_logging(settings, "radius")
        main(settings)
    except SettingsError as error:
        sys.exit(str(error))
