"""Tags, LLC and SNAP before the L3 header. Native only."""
