"""The table of IP protocols behind the parser. Native only."""
