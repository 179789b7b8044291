"""The observations that a new demo begins with."""

from datetime import timedelta

from django.utils import timezone

from demo_site.survey.models import Observation


def seed() -> None:
    """Make them, of yesterday."""
    yesterday = timezone.localdate() - timedelta(days=1)
    observations = [
        ("Nest box 1", 4, "good", "All fledged."),
        ("Nest box 2", 0, "broken", "The lid is gone."),
        ("Nest box 3", 2, "worn", ""),
    ]
    Observation.objects.bulk_create(
        [
            Observation(site=site, date=yesterday, count=count, condition=condition, note=note)
            for site, count, condition, note in observations
        ]
    )
