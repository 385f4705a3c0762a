"""Transport messages become packets of the overlay; called by the handler."""
