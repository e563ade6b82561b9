"""Every chat that Errbot knows: one child process per network, spoken with in lines of JSON."""
