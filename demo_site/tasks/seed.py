"""The tasks that a new demo begins with."""

from datetime import timedelta

from django.utils import timezone

from demo_site.tasks.models import Task


def seed() -> None:
    """Make them, due from today on."""
    today = timezone.localdate()
    Task.objects.bulk_create(
        [
            Task(
                title="Replace the seal of well 14",
                notes="The spare is in the blue box. Measure before and after.",
                assigned_to="Ines",
                due=today + timedelta(days=2),
            ),
            Task(
                title="Carry the batteries up to the hut",
                notes="Two of us, four batteries. There is no signal beyond the bridge.",
                assigned_to="Ines, Jonas",
                due=today + timedelta(days=5),
            ),
            Task(title="Ask the skipper for the new timetable", assigned_to="Jonas", due=today + timedelta(days=9)),
            Task(title="Paint the markers on the north path", notes="Red and white, every fifty metres."),
            Task(title="Bring the first-aid box back", assigned_to="Jonas", done=True),
        ]
    )
