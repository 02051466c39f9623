use promql_presets::preset;

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
