"""What is measured, grouped by what it stands for."""
