//! Files with thousands of faults, and large and deep queries.

use promql_presets_compiler::{SourceFile, compile};

fn file(text: String) -> SourceFile {
    SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text }
}

#[test]
fn a_file_full_of_faults_says_how_many() {
    for (count, end) in [
        (5000, "4900 more findings in `presets/a.toml` are not shown"),
        (101, "1 more finding in `presets/a.toml` is not shown"),
    ] {
        let text = format!("[presets.a]\ntemplate = 'up{{{{{{labels}}}}}} # {}'\n", "{labels}".repeat(count));
        let output = compile(&[file(text)]);
        assert_eq!(output.findings.len(), count);
        assert_eq!(output.errors.len(), 100);
        let last = output.errors.last().map_or("", String::as_str);
        assert!(last.ends_with(end), "{last}");
    }

    // What is allowed does not hide what is not.
    let text = format!(
        "[presets.a]\ntemplate = '{}'\nallow = [{{ check = 'unfiltered-selector', reason = 'a test' }}]\n",
        ["up"; 200].join(" + ") + " / 0"
    );
    let codes: Vec<&str> =
        compile(&[file(text)]).findings.iter().map(|finding| finding.diagnostic.code.as_str()).collect();
    assert_eq!(codes, ["division-by-zero"]);
}

#[test]
fn large_and_deep_queries_are_checked() {
    let many = |item: &str| (0..20_000).map(|number| format!("{item}{number}")).collect::<Vec<_>>();
    let labels = many("l").join(",");
    let matchers = many("l").join("=\"a\",");
    let nested = "sum by (a) (".repeat(90) + "up{{{labels}}}" + &")".repeat(90);
    let chain = (0..90).map(|number| format!("rate(x{number}{{{{{{labels}}}}}}[5m])")).collect::<Vec<_>>().join(" / ");
    for template in [
        format!("absent(up{{{{{matchers}=\"a\",{{labels}}}}}})"),
        format!("sum by ({labels})(up{{{{{{labels}}}}}}) / on ({labels}) sum by ({labels})(down{{{{{{labels}}}}}})"),
        nested,
        chain,
    ] {
        let findings = compile(&[file(format!("[presets.a]\ntemplate = '{template}'\n"))]).findings;
        assert_eq!(findings, []);
    }
}
