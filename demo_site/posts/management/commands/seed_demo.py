"""Fill the demo once."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from demo_site.posts import scenery
from demo_site.posts.models import Post
from demo_site.shop import seed as shop
from demo_site.survey import seed as survey
from demo_site.tasks import seed as tasks

ACCOUNTS = ("demo1", "demo2")
PASSWORD = "offline-demo"

POSTS: list[dict[str, Any]] = [
    {
        "title": "Well 14, measured twice",
        "location": "Dry riverbed, two days from the road",
        "body": "Water at 31.4 metres in the morning, 31.6 at noon. The pump is fine; the seal is not.\n\n"
        "Next one is a day's walk north.",
        "age": timedelta(days=9, hours=3),
    },
    {
        "title": "Fog on the crossing",
        "location": "Somewhere in the sound",
        "body": "The skipper steers by sound today. Four seals, one buoy, no bars on the phone.",
        "age": timedelta(days=4, hours=7),
        "scene": {
            "sky": (188, 203, 210),
            "horizon": (226, 228, 222),
            "land": (92, 118, 124),
            "sun": (0.28, 0.2),
            "roughness": 0.45,
        },
    },
    {
        "title": "Between two tunnels",
        "location": "Coach 9, window seat",
        "body": "Eleven seconds of daylight, then rock again. Long enough to see that the larches have turned.",
        "age": timedelta(days=1, hours=5),
        "scene": {
            "sky": (92, 141, 168),
            "horizon": (244, 214, 160),
            "land": (122, 74, 38),
            "sun": (0.74, 0.3),
            "roughness": 1.0,
        },
    },
    {
        "title": "First light from the hut",
        "location": "The ridge, 2,243 m",
        "body": "Up before the others. The stove is lit, the valley is still under cloud, and the only news here is "
        "the weather.",
        "age": timedelta(hours=6),
        "scene": {
            "sky": (58, 72, 118),
            "horizon": (246, 178, 142),
            "land": (38, 42, 66),
            "sun": (0.6, 0.42),
            "roughness": 1.35,
        },
    },
]


class Command(BaseCommand):
    """Make the accounts and what the stories begin with, unless the accounts are there: what was deleted stays so."""

    help = (
        "Make the accounts demo1 and demo2, and what the stories begin with. "
        "Does nothing in a database that has been seeded."
    )

    @transaction.atomic
    def handle(self, **options: Any) -> None:
        users = get_user_model().objects
        if users.filter(username__in=ACCOUNTS).exists():
            return
        for username in ACCOUNTS:
            users.create_user(username, password=PASSWORD)
        now = timezone.now()
        for seed in POSTS:
            post = Post(title=seed["title"], location=seed["location"], body=seed["body"])
            if scene := seed.get("scene"):
                picture = scenery.draw(**scene)
                post.photo.save("scenery.jpg", ContentFile(picture), save=False)
            post.save()
            Post.objects.filter(pk=post.pk).update(created=now - seed["age"])
        tasks.seed()
        shop.seed()
        survey.seed()
        if options["verbosity"]:
            self.stdout.write(f"Made {len(POSTS)} posts and the accounts {' and '.join(ACCOUNTS)}.")
