"""How callers were served in a day, a week or a month: figures from the records, as a page, a table or data."""
