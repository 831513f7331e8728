"""What Prometheus reads of a live service, on this machine alone. No label holds a name of a device or a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, get_args

from edge_emo.core.emotions import EMOTIONS, UNCERTAIN
from edge_emo.core.errors import ExtraMissingError, ServiceError
from edge_emo.core.text import to_install
from edge_emo.live.events import DeviceState, Event, ReadingEvent, SegmentEvent
from edge_emo.live.service import MODALITY, Service

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

HOST: Final = "127.0.0.1"


class StatusCollector:
    """Gives the status of a service as it is when somebody asks."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Return what is counted or measured now."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        status = self._service.status()
        yield CounterMetricFamily("edge_emo_visits", "Visitors since the service began", value=status.visits)
        yield GaugeMetricFamily("edge_emo_present", "Whether a visitor is there", value=status.visit is not None)
        states = GaugeMetricFamily("edge_emo_device_state", "1 for the state of a device", labels=["device", "state"])
        dropped = CounterMetricFamily(
            "edge_emo_device_dropped", "Frames and blocks that came too fast to be taken", labels=["device"]
        )
        reopened = CounterMetricFamily(
            "edge_emo_device_reopened", "How often a device was lost and came back", labels=["device"]
        )
        for each in status.devices:
            for state in get_args(DeviceState):
                states.add_metric([each.device, state], each.state == state)
            dropped.add_metric([each.device], each.dropped)
            reopened.add_metric([each.device], each.reopened)
        yield from (states, dropped, reopened)
        yield GaugeMetricFamily("edge_emo_frames_per_second", "Frames looked at in each second", value=status.fps)
        if status.heat.temperature_c is not None:
            yield GaugeMetricFamily(
                "edge_emo_temperature_celsius", "Temperature of the board", value=status.heat.temperature_c
            )
        throttled = status.heat.is_hot or status.heat.under_voltage
        yield GaugeMetricFamily(
            "edge_emo_throttled", "Whether the board is too hot, or its supply too weak", value=throttled
        )
        yield GaugeMetricFamily(
            "edge_emo_last_turn_age_seconds",
            "Time since the service last looked at its devices",
            value=max(0.0, status.time_s - self._service.turn_s),
        )


def registry_of(service: Service) -> CollectorRegistry:
    """Return the metrics of a service that is about to run, and of its process. Raises ExtraMissingError."""
    try:
        from prometheus_client import CollectorRegistry, Counter, ProcessCollector, disable_created_metrics
    except ImportError as error:
        raise ExtraMissingError(f"metrics need prometheus_client; {to_install('metrics')}") from error
    disable_created_metrics()  # a series for each counter that says no more than the process's start
    registry = CollectorRegistry()  # with no collector but these: that of the garbage collection costs
    readings = Counter("edge_emo_readings", "Final readings of the networks", ["modality"], registry=registry)
    segments = Counter("edge_emo_segments", "Stretches of time with one emotion", ["emotion"], registry=registry)
    for modality in MODALITY.values():
        readings.labels(modality)
    for emotion in (*EMOTIONS, UNCERTAIN):
        segments.labels(emotion)

    def count(event: Event) -> None:
        if isinstance(event, ReadingEvent) and event.is_final:
            readings.labels(event.reading.modality).inc()
        elif isinstance(event, SegmentEvent):
            segments.labels(event.segment.emotion).inc()

    service.subscribe(count)
    registry.register(StatusCollector(service))
    ProcessCollector(registry=registry)
    return registry


@contextmanager
def served(service: Service, port: int) -> Iterator[None]:
    """Give the metrics of a service at http://127.0.0.1:PORT/metrics. Raises ExtraMissingError or ServiceError."""
    registry = registry_of(service)
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(port, HOST, registry)
    except OSError as error:
        raise ServiceError(f"--metrics {port}: cannot be used ({error.strerror}); name another port") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
