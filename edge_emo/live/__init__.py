"""A camera and a microphone, for weeks, with nobody looking after it.

Each device lives in a process of its own (`child`, with `cameras`, `microphones` and `paced`), whose packets (`wire`)
come into a queue (`process`) that a `supervisor` looks after. `visits` takes frames and sound in order of time: `gates`
and `faces` say whether looking is worth it, a `sitting` holds the analysis, `segmenting` its record. `service` turns
the wheel; whoever wants to know subscribes to its `events`, asks for its `status`, or switches a device. `mqtt` tells a
`broker` of it in the words of `home_assistant`, and `metrics` tells Prometheus, when they are asked for.
"""
