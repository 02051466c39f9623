//! Procedural macros of promql-presets.
