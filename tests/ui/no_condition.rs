//! A value of a type that no label has, where the kind of the label is not known.

use promql_presets::Querier;
use promql_presets::presets::api_requests;

fn main() {
    let _ = Querier::new("up").label("job", Some("api"));
    let _ = api_requests::Querier::new().set("status_code", 1.5);
}
