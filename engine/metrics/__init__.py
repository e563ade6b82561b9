"""What is measured: counted where it happens, or looked up when somebody asks."""
