"""Cameras as frames: through PyAV and V4L2, or through OpenCV. These run in a process of their own."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from edge_emo.live.order import Order
from edge_emo.live.wire import Packet


def by_pyav(order: Order, clock: Callable[[], float]) -> Iterator[Packet]:
    """Yield the frames of a V4L2 device, at most as many as are asked for. Raises OSError."""
    import av
    from av.video.reformatter import VideoReformatter

    due_s, reformatter = 0.0, VideoReformatter()
    with closing(_opened(av, order)) as container:
        for packet in container.demux(video=0):
            now_s = clock()
            if now_s < due_s or packet.size == 0:  # every packet of a camera is a picture of its own
                continue
            try:
                pictures = packet.decode()
            except av.error.InvalidDataError:  # a frame torn on the cable
                continue
            for picture in pictures:
                due_s = max(due_s, now_s - 0.5 / order.fps) + 0.9 / order.fps
                small = reformatter.reformat(picture, order.width, order.height, "yuv420p", threads=1)
                yield Packet("i420", now_s, now_s, small.to_ndarray().tobytes(), order.width, order.height)


def _opened(av: Any, order: Order) -> Any:
    wanted = {"video_size": f"{order.width}x{order.height}", "framerate": str(round(order.fps))}
    for options in (wanted, {"video_size": wanted["video_size"]}, {}):
        try:
            return av.open(order.name, format="video4linux2", options=options)
        except OSError as error:
            if error.errno != errno.EINVAL or not options:  # it has no such size or rate, but others
                raise
    raise AssertionError("unreachable")


def by_opencv(order: Order, clock: Callable[[], float]) -> Iterator[Packet]:
    """Yield the frames of a camera that OpenCV knows by its number or path. Raises OSError."""
    import cv2

    capture = cv2.VideoCapture(int(order.name) if order.name.isdecimal() else order.name)
    if not capture.isOpened():
        raise OSError(errno.ENODEV, "cannot be opened as a camera; is it there, free, and allowed to be used?")
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, order.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, order.height)
    capture.set(cv2.CAP_PROP_FPS, order.fps)
    due_s = 0.0
    try:
        while capture.grab():
            now_s = clock()
            if now_s < due_s:
                continue
            is_there, picture = capture.retrieve()
            if not is_there:
                break
            due_s = max(due_s, now_s - 0.5 / order.fps) + 0.9 / order.fps
            small = cv2.resize(picture, (order.width, order.height), interpolation=cv2.INTER_AREA)
            planes = cv2.cvtColor(small, cv2.COLOR_BGR2YUV_I420)
            yield Packet("i420", now_s, now_s, planes.tobytes(), order.width, order.height)
    finally:
        capture.release()
    raise OSError(errno.EIO, "gives no more frames")
