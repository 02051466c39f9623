use promql_presets::preset;

fn main() {
    preset!("rate(up{{{labels}}}[{window}])");
    preset!("up{{{labels}}}", window = "5m");
    preset!("rate(up{{{labels}}}[{window}])", window = "5");
    preset!("rate(up{{{labels}}}[{window}])", window = "0s");
}
