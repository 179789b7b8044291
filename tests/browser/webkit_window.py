"""A WebKitGTK browser that keeps its profile, for WebKitWebDriver to start.

Under a driver the MiniBrowser keeps everything in memory: killed and started again, it has forgotten what it saved.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

Pointer = ctypes.c_void_p
# GTK's callbacks, kept for as long as it may call them.
SIGNAL = ctypes.CFUNCTYPE(None, Pointer, Pointer, Pointer)
MAKE_VIEW = ctypes.CFUNCTYPE(Pointer, Pointer, Pointer)
CLOSE = ctypes.CFUNCTYPE(None, Pointer, Pointer)
TOPLEVEL = 0

gtk = ctypes.CDLL("libgtk-3.so.0")
webkit = ctypes.CDLL("libwebkit2gtk-4.1.so.0")
for library, name in [
    (webkit, "webkit_website_data_manager_new"),
    (webkit, "webkit_web_context_new_with_website_data_manager"),
    (webkit, "webkit_application_info_new"),
    (gtk, "g_object_new"),
    (gtk, "gtk_window_new"),
    (gtk, "gtk_widget_get_toplevel"),
]:
    getattr(library, name).restype = Pointer
webkit.webkit_web_view_get_type.restype = ctypes.c_size_t


def make_context(profile: Path) -> int:
    """Where pages keep their data: in the profile."""
    places = []
    for kind in ("data", "cache"):
        places += [f"base-{kind}-directory".encode(), os.fsencode(profile / kind)]
    manager = webkit.webkit_website_data_manager_new(*map(ctypes.c_char_p, places), None)
    return int(webkit.webkit_web_context_new_with_website_data_manager(Pointer(manager)))


def version() -> list[ctypes.c_uint64]:
    """The version of the WebKitGTK that is loaded."""
    parts = ("major", "minor", "micro")
    return [ctypes.c_uint64(getattr(webkit, f"webkit_get_{part}_version")()) for part in parts]


def connect(instance: int, signal: bytes, callback: object) -> None:
    """Have GTK call back."""
    gtk.g_signal_connect_data(Pointer(instance), signal, callback, None, None, 0)


def main(profile: Path) -> None:
    """Wait for the driver, and show the windows that it asks for."""
    gtk.gtk_init(None, None)
    context = make_context(profile)
    info = webkit.webkit_application_info_new()

    @CLOSE
    def close(view: int, data: int) -> None:
        gtk.gtk_widget_destroy(Pointer(gtk.gtk_widget_get_toplevel(Pointer(view))))

    @MAKE_VIEW
    def make_view(session: int, data: int) -> int:
        kind = ctypes.c_size_t(webkit.webkit_web_view_get_type())
        controlled = [b"web-context", Pointer(context), b"is-controlled-by-automation", ctypes.c_int(1)]
        view = gtk.g_object_new(kind, *controlled, None)
        window = gtk.gtk_window_new(TOPLEVEL)
        gtk.gtk_window_set_default_size(Pointer(window), 1024, 768)
        gtk.gtk_container_add(Pointer(window), Pointer(view))
        gtk.gtk_widget_show_all(Pointer(window))
        connect(view, b"close", close)
        webkit.webkit_web_view_load_uri(Pointer(view), b"about:blank")
        return int(view)

    @SIGNAL
    def begin(sender: int, session: int, data: int) -> None:
        # The driver turns away a browser of another name than it was asked for.
        webkit.webkit_application_info_set_name(Pointer(info), b"MiniBrowser")
        webkit.webkit_application_info_set_version(Pointer(info), *version())
        webkit.webkit_automation_session_set_application_info(Pointer(session), Pointer(info))
        connect(session, b"create-web-view", make_view)

    webkit.webkit_web_context_set_automation_allowed(Pointer(context), 1)
    connect(context, b"automation-started", begin)
    gtk.gtk_main()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
