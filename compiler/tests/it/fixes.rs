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
        // `{labels}` before other matchers, in too few or too many braces.
        ("up{{labels},job=\"a\"}", "up{{{labels},job=\"a\"}}"),
        ("up{{labels}, job=\"a\"}", "up{{{labels}, job=\"a\"}}"),
        ("up{{ labels },job=\"a\"}", "up{{{labels},job=\"a\"}}"),
        ("rate({metric_name}{{labels},job=\"a\"}[{window}])", "rate({metric_name}{{{labels},job=\"a\"}}[{window}])"),
        ("up{{{{labels}},job=\"a\"}}", "up{{{labels},job=\"a\"}}"),
        ("up{{{{ labels }}, job=\"a\"}}", "up{{{labels}, job=\"a\"}}"),
        ("up{{{labels}}},job=\"a\"}}", "up{{{labels},job=\"a\"}}"),
        ("up{{labels:csv},job=\"a\"}", "up{{{labels},job=\"a\"}}"),
        ("up{{{{labels | join}},job=\"a\"}}", "up{{{labels},job=\"a\"}}"),
        ("up{{{labels},[5m]", "up{{{labels}}}[5m]"),
        ("up{{{labels}[5m] offset 1h", "up{{{labels}}}[5m] offset 1h"),
        ("sum(up{{job=\"x\",{labels})", "sum(up{{job=\"x\",{labels}}})"),
        // Variables around groupings, and for durations.
        (
            "a{{{labels}}} * on (job) group_left ($extra) b{{{labels}}}",
            "a{{{labels}}} * on (job) group_left () b{{{labels}}}",
        ),
        (
            "a{{{labels}}} * on ($on) group_left ({extra}) b{{{labels}}}",
            "a{{{labels}}} * on ({group_by}) group_left () b{{{labels}}}",
        ),
        (
            "a{{{labels}}} * on (job) group_left ([[extra]], team) b{{{labels}}}",
            "a{{{labels}}} * on (job) group_left (team) b{{{labels}}}",
        ),
        (
            "a{{{labels}}} * on {on} group_left $extra b{{{labels}}}",
            "a{{{labels}}} * on ({group_by}) group_left () b{{{labels}}}",
        ),
        ("sum by $group (up{{{labels}}})", "sum by ({group_by}) (up{{{labels}}})"),
        ("sum by {{ group }} (up{{{labels}}})", "sum by ({group_by}) (up{{{labels}}})"),
        ("sum by {group_by} (up{{{labels}}})", "sum by ({group_by}) (up{{{labels}}})"),
        ("sum($group)(up{{{labels}}})", "sum by ({group_by})(up{{{labels}}})"),
        ("sum({group})(up{{{labels}}})", "sum by ({group_by})(up{{{labels}}})"),
        ("sum({group_by})(up{{{labels}}})", "sum by ({group_by})(up{{{labels}}})"),
        ("rate(x{{{labels}}}[5{unit}])", "rate(x{{{labels}}}[{window}])"),
        ("rate(x{{{labels}}}[{n}m])", "rate(x{{{labels}}}[{window}])"),
        ("rate(x{{{labels}}}[{n}{unit}])", "rate(x{{{labels}}}[{window}])"),
        // Placeholders of documentation, CMake, shells and ERB.
        ("sum by (<group>)(<metric>{<labels>})", "sum by ({group_by})({metric_name}{{{labels}}})"),
        ("rate(up{{<labels>}}[<window>])", "rate(up{{{labels}}}[{window}])"),
        ("rate(@metric@{{@labels@}}[@window@])", "rate({metric_name}{{{labels}}}[{window}])"),
        ("up{{$(LABELS)}}", "up{{{labels}}}"),
        ("up{{<%= labels %>}} offset <%= shift %>", "up{{{labels}}} offset {window}"),
        ("up{job=<job>,{labels}}", "up{{{labels}}}"),
        ("up{job=\"<job>\"}", "up{{{labels}}}"),
        ("up{job=\"%job%\"}", "up{{{labels}}}"),
        ("up{ns=\"prod$env\"}", "up{{{labels}}}"),
        ("up{job=\"${job[0]}\"}", "up{{{labels}}}"),
        // Helm, Mustache, Terraform, Ruby, Go's and Python's formats in strings.
        ("up{{job=\"{}\",{labels}}}", "up{{{labels}}}"),
        ("up{{job=\"{0}-{1:d}\",{labels}}}", "up{{{labels}}}"),
        ("up{{job=~\"{0}.*|{}\",{labels}}}", "up{{{labels}}}"),
        ("up{job=\"%{job}\",a=\"#{a}\",b=\"%{{b}}\"}", "up{{{labels}}}"),
        ("up{{job=\"{{ .Values.job }}\",a=\"{{ a | lower }}-web\",b=~\"%s.*\",c=\"<%= c %>\"}}", "up{{{labels}}}"),
        (
            "label_replace(up{{{labels}}}, \"host\", \"{1}:{2}\", \"instance\", \"(.*):(.*)\")",
            "label_replace(up{{{labels}}}, \"host\", \"$1:$2\", \"instance\", \"(.*):(.*)\")",
        ),
        // Mustache.
        ("rate({{{metric}}}{ {{{filters}}} }[{{{interval}}}])", "rate({metric_name}{{ {labels} }}[{window}])"),
        ("sum by ({{{by}}})(x{{a=\"b\",{{{labels}}}}})", "sum by ({group_by})(x{{a=\"b\",{labels}}})"),
        ("x{{{labels}}} offset {{{shift}}}", "x{{{labels}}} offset {window}"),
        // Expressions of Python, Go and Jinja.
        ("rate(x{{{labels}}}[{window()}])", "rate(x{{{labels}}}[{window}])"),
        ("rate(x{{{**labels}}}[{cfg['window']}])", "rate(x{{{labels}}}[{window}])"),
        ("rate(x{\", \".join(labels)}[{int(window)}s])", "rate(x{{{labels}}}[{window}])"),
        ("x{{a=\"b\",{\", \".join(f'{k}={v}')}}}", "x{{a=\"b\",{labels}}}"),
        ("rate(x{ {{- labels -}} }[{{- window -}}])", "rate(x{{ {labels} }}[{window}])"),
        ("sum by ({\", \".join(by)})(x{{{\", \".join(labels)}}})", "sum by ({group_by})(x{{{labels}}})"),
        ("sum by (job, {{ ', '.join(group_by) }})(x{{{labels}}})", "sum by (job, {group_by})(x{{{labels}}})"),
        ("rate(%s{%s}[%v])", "rate({metric_name}{{{labels}}}[{window}])"),
        ("rate(%[1]s{%[2]s}[%[3]s])", "rate({metric_name}{{{labels}}}[{window}])"),
        ("rate(%1$s{{%2$s}}[%3$s])", "rate({metric_name}{{{labels}}}[{window}])"),
        ("up{{ '{' }}{{ labels }}{{ '}' }}", "up{{{labels}}}"),
        ("up{{ \"{{\" }}job='a',{{ labels }}{{ \"}}\" }}[5m]", "up{{job='a',{labels}}}[5m]"),
        // Ruby, SQL and batch files.
        ("rate(x{#{labels}}[#{window}])", "rate(x{{{labels}}}[{window}])"),
        ("sum by (#{group})(up{:labels})", "sum by ({group_by})(up{{{labels}}})"),
        ("rate(up{{%labels%}}[%window%])", "rate(up{{{labels}}}[{window}])"),
        ("up{@labels}", "up{{{labels}}}"),
        // Matchers in more than one pair of braces.
        ("x{{job=\"a\"},{labels}}", "x{{job=\"a\",{labels}}}"),
        ("x{{job=\"a\"},{labels}}}[5m]", "x{{job=\"a\",{labels}}}[5m]"),
        ("x{{job=\"a\"}},b=\"c\",{labels}}}", "x{{job=\"a\",b=\"c\",{labels}}}"),
        ("x{labels}{{job=\"a\"}}", "x{{{labels},job=\"a\"}}"),
        ("rate(x{{job=\"a\",}}[5m]{{{labels}}})", "rate(x{{job=\"a\",{labels}}}[5m])"),
        ("up{{{labels}}} {{labels}}", "up{{{labels}}}"),
        ("x{a=\"b\"},{labels}", "x{{a=\"b\",{labels}}}"),
        ("sum(x{a=\"b\"}, {{lables}})", "sum(x{{a=\"b\",{labels}}})"),
        ("x{a=\"b\"}{labels}", "x{{a=\"b\",{labels}}}"),
        ("x{{a=\"b\",}}{labels}", "x{{a=\"b\",{labels}}}"),
        ("x{{a=\"b\",labels}}", "x{{a=\"b\",{labels}}}"),
        ("x{{a={labels}}}", "x{{{labels}}}"),
        ("x{{a=\"{labels}\",{labels}}}", "x{{{labels}}}"),
        // Braces that are missing.
        ("rate(x{{{labels}}}[{window)", "rate(x{{{labels}}}[{window}])"),
        ("sum by ({group_by)(x{{{labels}}})", "sum by ({group_by})(x{{{labels}}})"),
        ("sum by (group_by})(x{{{labels}}})", "sum by ({group_by})(x{{{labels}}})"),
        ("sum by (job})(x{{{labels}}})", "sum by (job)(x{{{labels}}})"),
        // Several variables of one duration.
        ("rate(x{{{labels}}}[{a} {b}])", "rate(x{{{labels}}}[{window}])"),
        ("rate(x{{{labels}}}[$n minutes])", "rate(x{{{labels}}}[{window}])"),
        ("rate(x{{{labels}}}[{{ a }} - {{ b }}:])", "rate(x{{{labels}}}[{window}:])"),
        ("x{{{labels}}} offset {a} {b}", "x{{{labels}}} offset {window}"),
        // Names that go on, and places after a name.
        ("rate(${metric}_total{{{labels}}}[5m])", "rate({metric_name}_total{{{labels}}}[5m])"),
        ("rate(x_%(metric)s{{{labels}}}[5m])", "rate(x_{metric_name}{{{labels}}}[5m])"),
        ("up<%= labels %>", "up{{{labels}}}"),
        ("up#{labels}", "up{{{labels}}}"),
        // Blocks, functions and quotes of Go, Helm, Handlebars, Jinja and Ansible.
        ("up{{{#if labels}}{{labels}}{{/if}}}", "up{{{labels}}}"),
        ("up{ {{- if .ns }}namespace=\"{{ .ns }}\",{{- end }}job=\"a\" }", "up{{ {labels},job=\"a\" }}"),
        ("{{- if .on }}up{{{labels}}}{{- end }}", "up{{{labels}}}"),
        ("sum by ({{#each by}}{{this}},{{/each}})(up{{{labels}}})", "sum by ({group_by})(up{{{labels}}})"),
        ("sum by ({% for x in by %}{{ x }}, {% endfor %})(up{{{labels}}})", "sum by ({group_by})(up{{{labels}}})"),
        ("up{ {{- include \"chart.labels\" . -}} }", "up{{ {labels} }}"),
        ("up{job=\"{{ .Values.job | default \"x\" }}\"}", "up{{{labels}}}"),
        ("up{job=\"{cfg[\"job\"]}\",a=\"${b.join(\",\")}\"}", "up{{{labels}}}"),
        ("up{{job=\"{\",\".join(jobs)}\"}}", "up{{{labels}}}"),
        ("up{job=\"{{ job }}\",\"{{ labels }}\"}", "up{{{labels}}}"),
        ("rate(up{'{{ labels }}'}['{{ window }}'])", "rate(up{{{labels}}}[{window}])"),
        // Comments and aggregations of other languages.
        ("sum(// inner\n up{{{labels}}})", "sum(# inner\n up{{{labels}}})"),
        ("sum(up{{{labels}}}) -- a comment", "sum(up{{{labels}}}) # a comment"),
        ("sum(up{{{labels}}}) -- comment", "sum(up{{{labels}}}) # comment"),
        ("median by (job) (up{{{labels}}})", "quantile by (job) (0.5, up{{{labels}}})"),
        // Operators and places of other languages.
        ("x{{a=\"b\" && c=\"d\",{labels}}}", "x{{a=\"b\" , c=\"d\",{labels}}}"),
        ("x{{a=\"b\" and c=\"d\",{labels}}}", "x{{a=\"b\" , c=\"d\",{labels}}}"),
        ("x{{a<>\"b\",{labels}}}", "x{{a!=\"b\",{labels}}}"),
        ("x{{a=!\"b\",{labels}}}", "x{{a!=\"b\",{labels}}}"),
        ("x{{{labels}}} =! 1", "x{{{labels}}} != 1"),
        ("x{{{labels}}} => 1", "x{{{labels}}} >= 1"),
        ("x{{{labels}}} ?? 0", "x{{{labels}}} or on () vector(0)"),
        ("sum(x{{{labels}}}) ?: 1.5", "sum(x{{{labels}}}) or on () vector(1.5)"),
        ("x{{{labels}}} ?? y{{{labels}}}", "x{{{labels}}} or y{{{labels}}}"),
        ("x{{{labels}job=\"a\"}}", "x{{{labels},job=\"a\"}}"),
        ("x{{a=\"b\" c!~\"d\"{labels}}}", "x{{a=\"b\" ,c!~\"d\",{labels}}}"),
        ("sum by (job pod)(x{{{labels}}})", "sum by (job ,pod)(x{{{labels}}})"),
        ("sum by (job {group_by})(x{{{labels}}})", "sum by (job ,{group_by})(x{{{labels}}})"),
        ("sum by (job) x{{{labels}}}", "sum by (job) (x{{{labels}}})"),
        ("sum by (job) rate(x{{{labels}}}[5m]) / 2", "sum by (job) (rate(x{{{labels}}}[5m])) / 2"),
        ("sum(x{{{labels}}}, job)", "sum by (job) (x{{{labels}}})"),
        ("topk(3, x{{{labels}}}, job, pod)", "topk by (job, pod) (3, x{{{labels}}})"),
        ("sum by (\"{group_by}\")(x{{{labels}}})", "sum by ({group_by})(x{{{labels}}})"),
        ("rate(x{{{labels}}}[\"{window}\"])", "rate(x{{{labels}}}[{window}])"),
        ("sum by (job, \"{group_by}\")(x{{{labels}}})", "sum by (job, {group_by})(x{{{labels}}})"),
        ("x{{{labels}}} offset \"{window}\"", "x{{{labels}}} offset {window}"),
        ("rate(x{{{labels}}}['5m'])", "rate(x{{{labels}}}[5m])"),
        ("foo{{{labels}}} offset 5m @ end() [5m]", "foo{{{labels}}}[5m] offset 5m @ end()"),
        ("rate(foo{{{labels}}})[5m] offset 1d", "rate(foo{{{labels}}}[5m] offset 1d)"),
        ("rate(foo{{{labels}}})[5m] @ end() offset 1d", "rate(foo{{{labels}}}[5m] offset 1d @ end())"),
        ("rate(foo{{{labels}}} offset 1d)[5m]", "rate(foo{{{labels}}}[5m] offset 1d)"),
        ("rate(foo{{{labels}}}[5m offset 1d])", "rate(foo{{{labels}}}[5m] offset 1d)"),
        ("max_over_time(foo{{{labels}}}[1h:1m @ end()])", "max_over_time(foo{{{labels}}}[1h:1m] @ end())"),
        ("-- a comment\nup{{{labels}}}", "# a comment\nup{{{labels}}}"),
        ("foo offset 5m {{{labels}}}", "foo{{{labels}}} offset 5m"),
        ("foo[5m]{{{labels}}}", "foo{{{labels}}}[5m]"),
        ("rate(foo[5m]){{{labels}}}", "rate(foo{{{labels}}}[5m])"),
        ("sum by (job) (rate(foo[5m] offset 1h)){{{labels}}}", "sum by (job) (rate(foo{{{labels}}}[5m] offset 1h))"),
        // Ratios and comparisons of series with themselves.
        (
            "x{{a=\"b\",{labels}}} > bool x{{{labels}}}",
            "sum by ({group_by})(x{{a=\"b\",{labels}}}) > bool sum by ({group_by})(x{{{labels}}})",
        ),
        (
            "(x{{{labels}}} - x{{a=\"b\",{labels}}}) / x{{{labels}}} * 100",
            "(sum by ({group_by})(x{{{labels}}}) - sum by ({group_by})(x{{a=\"b\",{labels}}})) \
                / sum by ({group_by})(x{{{labels}}}) * 100",
        ),
        (
            "x{{a=\"b\",{labels}}} / x{{{labels}}} and y{{{labels}}} > 1",
            "sum by ({group_by})(x{{a=\"b\",{labels}}}) / sum by ({group_by})(x{{{labels}}}) \
                and sum by ({group_by})(y{{{labels}}}) > 1",
        ),
        (
            "avg by (pod)(x{{a=\"b\",{labels}}} / x{{{labels}}})",
            "sum by (pod)(x{{a=\"b\",{labels}}}) / sum by (pod)(x{{{labels}}})",
        ),
        ("up{{{labels}}} offset MAX(1m, 2m)", "up{{{labels}}} offset max_of(1m, 2m)"),
    ] {
        let steps = fixed(template);
        assert_eq!(steps.last().unwrap(), expected, "{steps:#?}");
    }
}

/// The ways to write a placeholder that other tools have.
const NOTATIONS: [(&str, &str); 35] = [
    ("{", "}"),
    ("{ ", " }"),
    ("{{", "}}"),
    ("{{ ", " }}"),
    ("{{ .Values.", " }}"),
    ("${{", "}}"),
    ("${", "}"),
    ("${", ":csv}"),
    ("$", ""),
    ("$(", ")"),
    ("[[", "]]"),
    ("%(", ")s"),
    ("<", ">"),
    ("<%= ", " %>"),
    ("{{{", "}}}"),
    ("{{- ", " -}}"),
    ("#{", "}"),
    ("%", "%"),
    ("{cfg['", "']}"),
    ("{", "!r}"),
    ("{self.", "}"),
    ("{!", "}"),
    ("{\",\".join(", ")}"),
    ("${var.", "}"),
    ("${", ".join(\",\")}"),
    ("[[", ":regex]]"),
    ("<%= @", " %>"),
    ("#{@", "}"),
    ("{%= ", " %}"),
    ("\"{{ ", " }}\""),
    ("{{ index .Values \"", "\" }}"),
    ("{{ .", " | default \"x\" }}"),
    ("{{ if .x }}{{ .", " }}{{ end }}"),
    ("{{#if x}}{{", "}}{{/if}}"),
    ("{% if x %}{{ ", " }}{% endif %}"),
];

/// Where placeholders can stand, and similar names. `?` is the placeholder, `(L)` the matchers of another selector.
const PLACES: [(&str, [&str; 2], &[&str]); 4] = [
    (
        "labels",
        ["LABELS", "lables"],
        &["up{?}", "up{?,job=\"a\"}", "rate(up{?, job=\"a\"}[5m])", "up{job=\"a\",?}", "up{a=\"b\", ?, c=~\"d|e\"}"],
    ),
    (
        "group_by",
        ["group", "groupby"],
        &[
            "sum by (?)(up(L))",
            "sum(up(L)) without (job, ?)",
            "a(L) / on (?) b(L)",
            "sum by ? (up(L))",
            "sum(?)(up(L))",
        ],
    ),
    (
        "window",
        ["windw", "interval"],
        &["rate(up(L)[?])", "rate(up(L)[?] offset 1h)", "up(L) offset ?", "max_over_time(up(L)[?:1m])"],
    ),
    ("metric_name", ["metric", "metrics"], &["?(L)", "rate(?(L)[5m])", "sum(?(L)) / sum(up(L))"]),
];

#[test]
fn each_notation_becomes_valid_in_each_place() {
    for (placeholder, names, places) in PLACES {
        for place in places {
            let template = |open: &str, close: &str, written: &str| {
                let text = place.replace('{', open).replace('}', close);
                text.replace("(L)", "{{{labels}}}").replace('?', written)
            };
            let expected = template("{{", "}}", &format!("{{{placeholder}}}"))
                .replace("by {group_by}", "by ({group_by})")
                .replace("sum({group_by})", "sum by ({group_by})");
            for name in [placeholder].into_iter().chain(names) {
                for (before, after) in NOTATIONS {
                    let written = format!("{before}{name}{after}");
                    for (open, close) in [("{", "}"), ("{{", "}}")] {
                        let steps = fixed(&template(open, close, &written));
                        assert_eq!(*steps.last().unwrap(), expected, "{steps:#?}");
                    }
                }
            }
        }
    }
}

#[test]
fn no_help_ends_in_an_error() {
    let all = PLACES.iter().flat_map(|(name, others, _)| [*name].into_iter().chain(*others)).chain(["x"]);
    let all: Vec<&str> = all.collect();
    let places = PLACES.iter().flat_map(|(_, _, places)| *places).map(|place| (*place, &*all));
    // Here, series are an error of another kind.
    let values = ["window", "interval", "__interval", "group", "group_by", "x"];
    let operands = ["up(L) / ?", "up(L) > bool ?", "topk(?, up(L))", "up(L) @ ?", "? * up(L)"];
    let places = places.chain(operands.map(|place| (place, &values[..])));
    for (place, name) in places.flat_map(|(place, names)| names.iter().map(move |name| (place, name))) {
        for (before, after) in NOTATIONS {
            let place = place.replace('{', "{{").replace('}', "}}").replace("(L)", "{{{labels}}}");
            let mut steps = vec![place.replace('?', &format!("{before}{name}{after}"))];
            while let Some(error) = errors(steps.last().unwrap()).1.first() {
                let Some(Fix { span, text: fix }) = &error.fix else {
                    let is_template = !matches!(error.code, Code::Syntax | Code::MisplacedPlaceholder);
                    assert!(steps.len() == 1 || is_template && error.help.is_some(), "{steps:#?}\n{error:#?}");
                    break;
                };
                let mut text = errors(steps.last().unwrap()).0;
                text.replace_range(span.range(), fix);
                steps.push(text.split("'''").nth(1).unwrap().to_owned());
                assert!(steps.len() < 10, "no end: {steps:#?}");
            }
        }
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
        "up{{labels},job=\"a\"}",
        "up{{{{labels}},job=\"a\"}}",
        "sum($group)(up{{{labels}}})",
        "up{{job=~\"$Job\",job=\"x\",{labels}}}",
        "up{{job=\"$job.*\",{labels}}}",
        "label_replace(up{{{labels}}}, \"a\", \"b\", \"${src}\", \".*\")",
        "label_join(up{{{labels}}}, \"a\", \"$sep\", \"b\", \"c\")",
        "label_replace(up{{{labels}}}, \"{dst}\", \"$1\", \"s\", \"(.*)\")",
        "label_replace(up{{{labels}}}, \"a\", \"{}\", \"s\", \"(.*)\")",
        "label_replace(up{{{labels}}}, \"a\", \"$1\", \"s\", \"({0}):.*\")",
        "up{{job=\"{0}-{1}\",{labels}}}",
        "rate(x{{{labels}}}[{window()}])",
        "sum by ({\", \".join(group_by)})(x{{{labels}}})",
        "x{{job=\"a\"},{labels}}",
        "up{job=\"{{ job }}\",a=\"{{ b }}\"}",
        "rate(x{{{labels}}}[{a} {b}])",
        "x{a=\"b\"},{labels}",
        "up{{{#if labels}}{{labels}}{{/if}}}",
        "x{{{labels}}} > {{{threshold}}}",
        "topk({{ .Values.name }}, x{{{labels}}})",
        "topk({}, x{{{labels}}})",
        "x{{{labels}}} > \"{{ threshold }}\"",
        "label_replace(up{{{labels}}}, \"a\", \"$1\", \"{cfg[\"x\"]}\", \"(.*)\")",
        "x{{{labels}}} / $__interval",
        "x{{{labels}}} / {window}",
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
        "up{{mountpoint=\"$RECYCLE.BIN\",{labels}}}",
        "up{{class=\"Outer$Inner\",{labels}}}",
        "up{{image=\"<none>\",{labels}}}",
        "up{{consumer=\"$Default\",topic=\"$SYS/x\",class=\"Foo$$Lambda$14\",{labels}}}",
        "up{{uri=\"/odata/$metadata\",pct=\"%usr%\",{labels}}}",
    ] {
        let (_, errors) = errors(template);
        assert!(errors.iter().all(|error| error.code != Code::DashboardVariable), "{template}: {errors:#?}");
    }
}
