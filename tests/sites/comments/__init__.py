"""A site with django-contrib-comments, whose Python nobody has edited."""
