"""What is said of requests for reactivation, and the terms of what is granted as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from capitation.engine.calendar import in_words
from capitation.files import write_csv
from capitation.reactivations import Decision, as_practice_terms


def summary_of(
    decisions: Sequence[Decision], output: str | None, rows: int | None
) -> dict[str, Any]:
    """Each decision with its reasons, and what was written."""
    told = [
        {
            "practice": decision.request.practice,
            "asked_for": decision.request.effective.isoformat(),
            "granted": decision.granted,
            "reasons": list(decision.reasons),
            "window": decision.window,
            "patients_follow_by_default": decision.follow_by_default,
            "effective": _iso(decision.effective),
            "next_date": _iso(decision.next_date),
            "notice_by": _iso(decision.notice_by),
        }
        for decision in decisions
    ]
    return {"decisions": told, "output": output, "rows": rows}


def words_of(decisions: Sequence[Decision]) -> str:
    """Each decision as a paragraph: granted and how, or refused and why."""
    return "\n\n".join(map(_said_of, decisions))


def write_terms(decisions: Sequence[Decision], path: Path) -> int:
    """Write what is granted as terms of practices, which a run takes; give the number of rows."""
    rows = [
        (practice, term, f"{value.start:%Y-%m}", value.written, value.assumption)
        for term, by_practice in as_practice_terms(decisions).items()
        for practice, values in by_practice.items()
        for value in values
    ]
    return write_csv(path, ("practice", "term", "from", "value", "assumption"), rows)


def _said_of(decision: Decision) -> str:
    who = f"{decision.request.practice}, from {in_words(decision.request.effective)}"
    if decision.effective is not None:
        stays = (
            "follow unless they ask to stay"
            if decision.follow_by_default
            else ("stay unless they ask to follow")
        )
        starts = in_words(decision.effective)
        return f"{who}: granted\n  window {decision.window}, from {starts}; patients {stays}"
    lines = [f"{who}: refused", *(f"  - {reason}" for reason in decision.reasons)]
    if decision.next_date and decision.notice_by:
        opens, notice = in_words(decision.next_date), in_words(decision.notice_by)
        lines.append(f"  next: {opens}, on notice by {notice}, if all else is put right")
    return "\n".join(lines)


def _iso(day: Any) -> str | None:
    return None if day is None else day.isoformat()
