"""Matplotlib pictures of frames."""

from __future__ import annotations

from commcare_frames.plots.choices import plot_choices
from commcare_frames.plots.cohort import plot_cohort
from commcare_frames.plots.durations import plot_durations
from commcare_frames.plots.geopoints import plot_map
from commcare_frames.plots.missing import plot_missing
from commcare_frames.plots.submissions import plot_submissions
from commcare_frames.plots.timeline import plot_timeline
from commcare_frames.plots.workers import plot_workers

__all__ = [
    "plot_choices",
    "plot_cohort",
    "plot_durations",
    "plot_map",
    "plot_missing",
    "plot_submissions",
    "plot_timeline",
    "plot_workers",
]
