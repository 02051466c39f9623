use promql_presets::preset;

fn main() {
    let template = "up";
    preset!(template);
    preset!();
    preset!(5);
    preset!("rate(up[{window}])", "5m");
    preset!("rate(up[{window}])", windw = "5m");
    preset!("rate(up[{window}])", window = 300);
    preset!("rate(up[{window}])", window = "5m", window = "10m");
}
