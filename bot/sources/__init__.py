"""The sources of papers. Each gives values and knows nothing of the store."""
