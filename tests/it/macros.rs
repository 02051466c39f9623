//! `preset!` and `#[derive(MetricQuerier)]`, as services use them.

use promql_presets::{MetricQuerier, preset};

macro_rules! querier {
    ($(#[$attribute:meta])* $name:ident($metric:literal) { $($(#[$of_field:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$attribute])*
        #[derive(MetricQuerier)]
        #[querier(name = $metric, crate = ::promql_presets)]
        struct $name {
            $($(#[$of_field])* $field: $type,)*
            kind: &'static str,
            #[querier(group_by)]
            groups: Vec<String>,
        }
    };
}

macro_rules! named_querier {
    ($name:ident) => {
        #[derive(MetricQuerier)]
        struct $name {
            #[querier(name)]
            metric: String,
            job: Option<u16>,
        }
    };
}

querier! {
    Requests("http_requests_total") {
        job: String,
        #[querier(label = "status_code")]
        status: Option<u16>,
    }
}

named_querier!(Named);

#[test]
fn queriers_are_derived_within_macros() {
    let preset = preset!("sum by ({group_by}) ({metric_name}{{{labels}}})");
    let requests =
        Requests { job: "api".to_owned(), status: Some(503), kind: "x", groups: vec!["instance".to_owned()] };
    assert_eq!(
        preset.render(&requests, None).unwrap(),
        r#"sum by (instance) (http_requests_total{job="api",status_code="503",kind="x"})"#
    );
    let named = Named { metric: "up".to_owned(), job: Some(1) };
    assert_eq!(preset.render(&named, None).unwrap(), r#"sum by () (up{job="1"})"#);
}

#[test]
fn inline_presets_have_names_of_their_own() {
    let (first, line) = (preset!("{metric_name}{{{labels}}}"), line!());
    let second = preset!("{metric_name}{{{labels}}}");
    assert_eq!(first.info().name, format!("{}:{line}", module_path!()));
    assert_eq!(second.info().name, format!("{}:{}", module_path!(), line + 1));
    assert_eq!(preset!("up{{{labels}}}", name = "targets").info().name, "targets");
}
