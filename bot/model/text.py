"""Texts for members: cleans texts from outside, cuts texts to a length, and writes numbers and days."""

from __future__ import annotations

from datetime import date

from recommender.text import display


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, cut after a sentence or else after a word."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    end = max(head.rfind(". "), head.rfind("? "), head.rfind("! "))
    if end > most // 2:
        return head[: end + 1]
    return (head.rsplit(" ", 1)[0] if " " in head[most // 2 :] else head).rstrip(" ,;:") + "…"


def plain_text(text: str) -> str:
    """A text from outside on one line, its TeX as Unicode and without the backticks that mark commands."""
    return display(text).replace("`", "'")


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 vote, 2 votes."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def day_name(day: date, today: date) -> str:
    """A day as a phrase: today, yesterday, on Tuesday, on 3 May."""
    ago = (today - day).days
    if ago == 0:
        return "today"
    if ago == 1:
        return "yesterday"
    if 1 < ago < 7:
        return f"on {day:%A}"
    year = "" if day.year == today.year else f" {day.year}"
    return f"on {day.day} {day:%B}{year}"
