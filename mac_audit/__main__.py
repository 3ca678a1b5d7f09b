"""``python -m mac_audit``."""

from mac_audit.cli import main

if __name__ == "__main__":
    main()
