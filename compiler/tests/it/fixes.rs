//! Templates as other tools write them become valid if one types what the helps say.

use promql_presets_compiler::diagnostic::Fix;
use promql_presets_compiler::{Code, Diagnostic, Severity, SourceFile, compile};

fn errors(template: &str) -> (String, Vec<Diagnostic>) {
    let window = if template.contains("{window}") { "window = '10m'" } else { "" };
    let text = format!("[presets.a]\ntemplate = '''{template}'''\n{window}\n");
    let file = SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text: text.clone() };
    let findings = compile(&[file]).findings.into_iter().map(|finding| finding.diagnostic);
    (text, findings.filter(|diagnostic| diagnostic.severity == Severity::Error).collect())
}

/// Applies the first fix until there are no errors, and returns the templates on the way.
fn fixed(template: &str) -> Vec<String> {
    let mut steps = vec![template.to_owned()];
    loop {
        let (text, errors) = errors(steps.last().unwrap());
        let Some(error) = errors.first() else { return steps };
        let Some(Fix { span, text: fix }) = &error.fix else { panic!("{steps:#?}\nno fix of {error:#?}") };
        let help = error.help.as_deref().unwrap_or_default();
        assert!(fix.is_empty() || help.contains(fix.as_str()), "{help} does not name {fix}");
        if matches!(error.code, Code::MalformedPlaceholder | Code::DashboardVariable) {
            assert_eq!(*span, error.span, "{template}: the help replaces what is marked");
        }
        let mut text = text;
        text.replace_range(span.range(), fix);
        let template = text.split("'''").nth(1).unwrap().to_owned();
        steps.push(template);
        assert!(steps.len() < 10, "no end: {steps:#?}");
    }
}

#[test]
fn foreign_placeholders_become_valid() {
    for (template, expected) in [
        // Backend.AI, Jinja, GitHub.
        ("sum by (${{group_by}})(shop_items{${{labels}}})", "sum by ({group_by})(shop_items{{{labels}}})"),
        (
            "sum by (${{group_by}})(rate(shop_requests_total{mode!=\"idle\",${{labels}}}[${{window}}]))",
            "sum by ({group_by})(rate(shop_requests_total{{mode!=\"idle\",{labels}}}[{window}]))",
        ),
        ("up{${{lables}}}", "up{{{labels}}}"),
        ("sum by (${{GROUP_BY}})(up{{{labels}}})", "sum by ({group_by})(up{{{labels}}})"),
        ("rate(x_total{{ labels }}[{{ window }}])", "rate(x_total{{{labels}}}[{window}])"),
        ("up{{{{labels}}}}", "up{{{labels}}}"),
        ("sum by ({group_by})(shop_items{{{{{labels}}})", "sum by ({group_by})(shop_items{{{labels}}})"),
        ("sum by ({group_by})(shop_items{{{{labels}}})", "sum by ({group_by})(shop_items{{{labels}}})"),
        ("x{{mode!=\"idle\",{{{labels}}}[5m]", "x{{mode!=\"idle\",{labels}}}[5m]"),
        ("x{{mode!=\"idle\",{{{labels}}}}}", "x{{mode!=\"idle\",{labels}}}"),
        ("{{ metric }}{{{labels}}}", "{metric_name}{{{labels}}}"),
        (
            "rate({{ metric_name }}{{ labels }}[{{ interval | default('5m') }}])",
            "rate({metric_name}{{{labels}}}[{window}])",
        ),
        ("{% if x %}up{{{labels}}}{% endif %}", "up{{{labels}}}"),
        ("sum by ({{ .Values.by }})(up{ {{ .Labels }} })", "sum by ({group_by})(up{{ {labels} }})"),
        ("rate(x_total{{{labels}}}[{{.Window}}])", "rate(x_total{{{labels}}}[{window}])"),
        ("rate({{{metric_name}}}{{{labels}}}[{{{window}}}])", "rate({metric_name}{{{labels}}}[{window}])"),
        ("up{job={{job}}}", "up{{{labels}}}"),
        ("up{{job={{ job }},{labels}}}", "up{{{labels}}}"),
        ("up{{a=\"{{ job }}\",b=\"[[ node:regex ]]\",c=\"${{ d }}\"}}", "up{{{labels}}}"),
        // Grafana.
        ("rate(x_total{{{labels}}}[${__range_s}s])", "rate(x_total{{{labels}}}[{window}])"),
        ("rate(x_total{{{labels}}}[{window}s])", "rate(x_total{{{labels}}}[{window}])"),
        ("max_over_time(x{{{labels}}}[$range:$__interval])", "max_over_time(x{{{labels}}}[{window}:])"),
        ("max_over_time(x{{{labels}}}[{window}:{step}])", "max_over_time(x{{{labels}}}[{window}:])"),
        ("up{{{labels}}} @ $__to", "up{{{labels}}} @ end()"),
        ("up{{{labels}}} @ ${__from:date:seconds}", "up{{{labels}}} @ start()"),
        ("up{job=$job}", "up{{{labels}}}"),
        ("up{{$label=~\"$value\",a=\"b\"}}", "up{{{labels},a=\"b\"}}"),
        ("{job=\"$job\"}", "{metric_name}{{{labels}}}"),
        ("rate({__name__=~\"$metric\",job=\"api\"}[5m])", "rate({metric_name}{{{labels},job=\"api\"}}[5m])"),
        ("rate(x_total{{{labels}}}[${__rate_interval}])", "rate(x_total{{{labels}}}[{window}])"),
        ("rate(x_total{{{labels}}}[$__rate_interval])", "rate(x_total{{{labels}}}[{window}])"),
        ("rate(x_total{{{labels}}}[[[interval]]])", "rate(x_total{{{labels}}}[{window}])"),
        ("up{{{labels}}} offset $shift", "up{{{labels}}} offset {window}"),
        ("sum by ($group)(up{{{labels}}})", "sum by ({group_by})(up{{{labels}}})"),
        ("sum by (job, ${group:csv})(up{{{labels}}})", "sum by (job, {group_by})(up{{{labels}}})"),
        ("sum(up{{{labels}}}) by ([[group]])", "sum(up{{{labels}}}) by ({group_by})"),
        ("${metric}{{{labels}}}", "{metric_name}{{{labels}}}"),
        ("rate($metric{{{labels}}}[5m])", "rate({metric_name}{{{labels}}}[5m])"),
        ("up{$filters}", "up{{{labels}}}"),
        ("up{job=\"$job\"}", "up{{{labels}}}"),
        ("up{job=\"${job}\"}", "up{{{labels}}}"),
        ("up{job=\"$(job)\"}", "up{{{labels}}}"),
        ("up{job=~\"${job:regex}\", instance=~\"$node:$port\"}", "up{{{labels}}}"),
        ("up{job=~\"[[job]]\"}", "up{{{labels}}}"),
        ("up{region=\"${{region}}\"}", "up{{{labels}}}"),
        ("up{region=\"{{region}}\"}", "up{{{labels}}}"),
        (
            "sum(rate(http_requests_total{cluster=\"$cluster\", code=~\"5..\"}[$__rate_interval]))",
            "sum(rate(http_requests_total{{{labels}, code=~\"5..\"}}[{window}]))",
        ),
        (
            "sum by ({group_by})(rate(shop_requests_total{{cluster=\"${cluster}\",{labels}}}[{window}]))",
            "sum by ({group_by})(rate(shop_requests_total{{{labels}}}[{window}]))",
        ),
        ("up{{cluster=\"$cluster\",{labels}}}", "up{{{labels}}}"),
        ("up{{{labels},cluster=~\"$cluster|x\"}}", "up{{{labels}}}"),
        ("up{{a=\"b\",{labels},cluster=~\"$cluster\",c=\"d\"}}", "up{{a=\"b\",{labels},c=\"d\"}}"),
        // Python.
        (
            "sum by (%(group_by)s)(rate(x{%(labels)s}[%(window)s]))",
            "sum by ({group_by})(rate(x{{{labels}}}[{window}]))",
        ),
        ("sum by (%s)(%s{job=\"x\",%s})", "sum by ({group_by})({metric_name}{{job=\"x\",{labels}}})"),
        ("up{job=\"%s\",instance=~\"%(node)s:.*\"}", "up{{{labels}}}"),
        ("up{job={job}}", "up{{{labels}}}"),
        ("{metric_name}{{{labels!r}}}", "{metric_name}{{{labels}}}"),
        ("rate({metric}{{{labels}}}[{window:>5}])", "rate({metric_name}{{{labels}}}[{window}])"),
        ("rate(x{{{0}}}[{1}])", "rate(x{{{labels}}}[{window}])"),
        ("sum by ({})(up{{{labels}}})", "sum by ({group_by})(up{{{labels}}})"),
        ("up{{{ labels }}}", "up{{{labels}}}"),
        ("up{{job=\"{job}\"}}", "up{{{labels}}}"),
        ("up{labels}", "up{{{labels}}}"),
        ("up{job=\"x\"}", "up{{job=\"x\",{labels}}}"),
        // Braces in strings.
        ("up{{path=\"/users/{id}\",{labels}}}", "up{{path=\"/users/{{id}}\",{labels}}}"),
        ("up{{zone=~\"[a-z]{3}\",{labels}}}", "up{{zone=~\"[a-z]{{3}}\",{labels}}}"),
        ("up{{zone=~\"[a-z]{3,}\",{labels}}}", "up{{zone=~\"[a-z]{{3,}}\",{labels}}}"),
        ("up{zone=~\"a{2}\",{labels}}", "up{{zone=~\"a{{2}}\",{labels}}}"),
        (
            "label_replace(up{{{labels}}}, \"host\", \"${1}a\", \"instance\", \"(.*):.*\")",
            "label_replace(up{{{labels}}}, \"host\", \"${{1}}a\", \"instance\", \"(.*):.*\")",
        ),
        (
            "label_replace(up{{{labels}}}, \"host\", \"${host}\", \"instance\", \"(?P<host>.*):.*\")",
            "label_replace(up{{{labels}}}, \"host\", \"${{host}}\", \"instance\", \"(?P<host>.*):.*\")",
        ),
        // Braces that are missing or too many.
        ("sum(up{{{labels}}}})", "sum(up{{{labels}}})"),
        ("sum(up{{{labels}})", "sum(up{{{labels}}})"),
        ("sum(up{{job=\"x\",{labels}})", "sum(up{{job=\"x\",{labels}}})"),
        ("rate(up{{{labels}}}[{windw}])", "rate(up{{{labels}}}[{window}])"),
    ] {
        let steps = fixed(template);
        assert_eq!(steps.last().unwrap(), expected, "{steps:#?}");
    }
}

#[test]
fn one_construct_is_one_finding() {
    for template in [
        "up{${{labels}}}",
        "up{{${labels}}}",
        "sum by ($group)(up{{{labels}}})",
        "rate(x_total{{{labels}}}[${__rate_interval}])",
        "up{{zone=~\"[a-z]{3}\",{labels}}}",
        "label_replace(up{{{labels}}}, \"a\", \"${1}a\", \"b\", \"(.*)\")",
        "up{{job=\"${job:regex}\",{labels}}}",
        "up{{job=\"$job\",{labels}}}",
        "up{job=\"${job}\",x=\"[[x]]\"}",
    ] {
        let (_, errors) = errors(template);
        assert_eq!(errors.len(), 1, "{template}: {errors:#?}");
    }
}

#[test]
fn anchors_and_replacements_are_no_variables() {
    for template in [
        "up{{job=~\"api$\",{labels}}}",
        "up{{job=~\"(a$|b)\",{labels}}}",
        "up{{job=~\"^$\",{labels}}}",
        "up{{name=\"MSSQL$PROD\",{labels}}}",
        "up{{price=~\"\\\\$usd\",{labels}}}",
        "label_replace(up{{{labels}}}, \"a\", \"$1-$2\", \"job\", \"(.*)-(.*)\")",
        "up{{job=~\"[[:alpha:]]+\",{labels}}}",
        "up{{set=\"{{a,b}}\",{labels}}}",
        "up{{{labels}}} % up{{{labels}}} %s{{{labels}}}",
        "up{{path=\"/users/{{id}}\",{labels}}}",
    ] {
        let (_, errors) = errors(template);
        assert!(errors.iter().all(|error| error.code != Code::DashboardVariable), "{template}: {errors:#?}");
    }
}
