"""The index of papers: words and their counts, in memory and on disk."""
