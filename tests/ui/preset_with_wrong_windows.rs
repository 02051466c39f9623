use promql_presets::preset;

fn main() {
    preset!("rate(up[{window}])");
    preset!("up", window = "5m");
    preset!("rate(up[{window}])", window = "5");
    preset!("rate(up[{window}])", window = "0s");
}
