//! `parse`: plain PromQL.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Run, lines, run, run_in};

#[test]
fn parse_shows_type_and_tree() {
    let human = run(&["parse", "sum by (job) (rate(up[5m])) > 0"]);
    assert_eq!((human.status, human.err.as_str()), (0, ""));
    assert!(human.out.starts_with("type: vector\nlabels: job?\n\n"), "{}", human.out);
    assert!(run(&["parse", "1 + 1"]).out.starts_with("type: scalar\n\n+ : scalar\n"));
    let doubtful = run(&["parse", "histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m])))"]);
    assert_eq!(doubtful.status, 0);
    assert!(doubtful.out.contains("\n\nwarning[quantile-without-le]: "), "{}", doubtful.out);
    assert!(human.out.contains("\n    rate : vector\n      up[5m] : matrix\n"), "{}", human.out);

    let refused = run(&["parse", "rate(up)"]);
    assert_eq!(refused.status, 1);
    assert!(refused.out.starts_with("error[type-mismatch]: `rate` takes a range vector\n --> query:1:6\n"));

    let input = run_in(&env::temp_dir(), &["parse", "--format", "json"], b"sum(\n  up\n");
    assert_eq!(input.status, 1);
    let result: Value = serde_json::from_str(&input.out).unwrap();
    assert_eq!(result["errors"][0]["start"], 3);

    let broken = run_in(&env::temp_dir(), &["parse"], b"\xff");
    assert!(broken.status == 2 && broken.err.starts_with("error: cannot read standard input: "), "{}", broken.err);
}

#[test]
fn parse_in_json() {
    let results = run(&["parse", "--format", "json", "1", "rate(up)", "\"a\"", "up[5m]"]);
    assert_eq!(results.status, 1);
    assert_eq!(
        lines(&results.out),
        [
            r#"{"ok":true,"type":"scalar","errors":[]}"#,
            r#"{"ok":false,"type":null,"errors":[{"message":"`rate` takes a range vector","start":5,"end":7}]}"#,
            r#"{"ok":true,"type":"string","errors":[]}"#,
            r#"{"ok":true,"type":"matrix","errors":[]}"#,
        ]
    );
}

#[test]
fn parse_reads_json_lines() {
    let input = b"\"up\"\n\"\\u0075p\"\nup\n\n\"limitk(1, up)\"";
    let by_default = run_in(&env::temp_dir(), &["parse", "--jsonl"], input);
    let ok = |run: &Run| -> Vec<bool> {
        lines(&run.out).iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["ok"] == true).collect()
    };
    assert_eq!((by_default.status, ok(&by_default)), (1, vec![true, true, false, false, false]));
    let experimental = run_in(&env::temp_dir(), &["parse", "--jsonl", "--experimental"], input);
    assert_eq!(ok(&experimental), [true, true, false, false, true]);
    assert_eq!(run(&["parse", "limitk(1, up)"]).status, 1);
    assert_eq!(run(&["parse", "--experimental", "limitk(1, up)"]).status, 0);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_promql-presets"))
        .args(["parse", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    _ = child.stdin.take().unwrap().write_all("\"up\"\n".repeat(10_000).as_bytes());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
