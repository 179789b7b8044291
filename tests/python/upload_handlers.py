"""Upload handlers as a site may have them, Django's own and others."""

from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload

TO_MEMORY = "django.core.files.uploadhandler.MemoryFileUploadHandler"
TO_DISK = "django.core.files.uploadhandler.TemporaryFileUploadHandler"


class Skipping(FileUploadHandler):
    """Skips one file as it begins, another while it comes."""

    def new_file(self, field_name, *args: object, **kwargs):
        super().new_file(field_name, *args, **kwargs)
        if field_name == "f2":
            raise SkipFile

    def receive_data_chunk(self, raw_data, start):
        if self.field_name == "f3":
            raise SkipFile
        return raw_data

    def file_complete(self, file_size):
        return None


class Stopping(FileUploadHandler):
    def receive_data_chunk(self, raw_data, start):
        raise StopUpload(connection_reset=True)

    def file_complete(self, file_size):
        return None


def handler_path(handler):
    return f"{handler.__module__}.{handler.__qualname__}"
