"""The page: the papers of days, weeks and months, for everyone. It holds nothing of any workspace."""
