//! The runtime half of promql-presets that does no I/O: presets, queriers, escaping and rendering.
