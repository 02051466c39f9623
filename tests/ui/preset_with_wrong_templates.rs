use promql_presets::{MetricQuerier, Preset, Vector, Windowed, preset};

// Their declared types are right.
const _: Preset<dyn MetricQuerier, Vector> = preset!("sum(up");
const _: Preset<dyn MetricQuerier, Vector, Windowed> = preset!("rate(up{{{labels}}}[{window}]))", window = "5x");

fn main() {
    preset!("rate({metric_name}[{windw}])", window = "5m");
    preset!("sum(up");
    preset!(
        r#"
        sum by ({group_by})(
            rate({metric_name}{{{labels}}})
        )
        "#
    );
    preset!("up{job=\"x\"} + {0}");
    preset!("");
}
