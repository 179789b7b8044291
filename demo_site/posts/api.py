"""The same posts as JSON, read-only."""

from django.db.models import QuerySet
from rest_framework import generics, pagination, serializers
from rest_framework.filters import SearchFilter
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from demo_site.posts.models import Post


class PostSerializer(serializers.ModelSerializer):
    """A post without its photo."""

    class Meta:
        model = Post
        fields = ["id", "title", "location", "body", "created"]


class PostPagination(pagination.PageNumberPagination):
    """A hundred posts a page."""

    page_size = 100

    def get_paginated_response(self, data: list) -> Response:
        return Response({"count": self.page.paginator.count, "next": self.get_next_link(), "results": data})


class TitleFilter(SearchFilter):
    """``?search=`` as one phrase: "post 1 of 2" must not find "post 2 of 1"."""

    def get_search_terms(self, request: Request) -> list[str]:
        field = serializers.CharField(trim_whitespace=False, allow_blank=True, max_length=200)
        phrase = field.run_validation(request.query_params.get(self.search_param, ""))
        return [phrase] if phrase else []


class PostListAPIView(generics.ListAPIView):
    """All posts, oldest first: a post that arrives between two requests moves no other to another page."""

    queryset: QuerySet[Post] = Post.objects.order_by("pk")
    serializer_class = PostSerializer
    pagination_class = PostPagination
    filter_backends = [TitleFilter]
    search_fields = ["title"]
    authentication_classes: list = []
    permission_classes = [AllowAny]
