//! Arguments, help and completions.

use crate::run;

const COMMANDS: [&str; 13] = [
    "init",
    "new",
    "test",
    "check",
    "parse",
    "fmt",
    "import",
    "explain",
    "list",
    "render",
    "query",
    "verify",
    "completions",
];

#[test]
fn help_and_version() {
    let all = run(&["--help"]).out;
    assert!(all.contains("Usage: promql-presets [OPTIONS] <COMMAND>"), "{all}");
    assert_eq!(run(&["-V"]).out, format!("promql-presets {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(&["--version"]).status, 0);
    for help in [&["help"][..], &["help", "--help"], &["help", "-h"]] {
        assert_eq!(run(help).out, all);
    }
    for command in COMMANDS {
        assert!(all.contains(&format!("\n  {command} ")), "{command}");
        let help = run(&[command, "--help"]);
        assert!(help.status == 0 && help.out.contains(&format!("Usage: promql-presets {command}")), "{command}");
        assert_eq!(run(&["help", command]).out, help.out);
        let (_, example) = help.out.rsplit_once("\n\nExample:\n").unwrap();
        assert!(example.contains(&format!("promql-presets {command} ")), "{example}");
        assert!(run(&[command, "-h"]).out.ends_with(example), "{command}");
    }
}

#[test]
fn every_command_but_completions_speaks_json() {
    for command in COMMANDS {
        let help = run(&[command, "-h"]).out;
        assert_eq!(help.contains("--format <FORMAT>"), command != "completions", "{help}");
        assert!(help.contains("--color <WHEN>"), "{help}");
    }
}

#[test]
fn wrong_arguments() {
    for (arguments, message) in [
        (&[][..], "no command given\n"),
        (&["chek"], "unknown command `chek`\n  |\n  = help: a command with a similar name exists: `check`\n"),
        (&["--colour"], "unknown option `--colour`\n  |\n  = help: an option with a similar name exists: `--color`\n"),
        (
            &["check", "--formt", "json"],
            "unknown option `--formt`\n  |\n  = help: an option with a similar name exists: `--format`\n",
        ),
        (
            &["check", "--format", "xml"],
            "invalid value `xml` for `--format <FORMAT>`\n  |\n  = help: it is one of `human`, `short`, `json`, `github`, `sarif`\n",
        ),
        (&["check", "--format"], "`--format <FORMAT>` needs a value\n"),
        (&["check", "--deny-warnings=yes"], "`--deny-warnings` takes no value\n"),
        (&["check", "--format=json", "--format=json"], "`--format <FORMAT>` cannot be repeated\n"),
        (&["check", "nowhere"], "cannot read `nowhere`: "),
        (&["check", "--dir", "nowhere"], "cannot read `nowhere`: "),
        (&["parse", "--format", "short"], "invalid value `short` for `--format <FORMAT>`\n"),
        (&["parse", "--jsonl", "up"], "`--jsonl` cannot be used with `[QUERY]...`\n"),
        (&["parse", "--jsonl", "--format", "human"], "`--jsonl` writes JSON only\n"),
        (
            &["explain", "unknown-ky"],
            "no check `unknown-ky`\n  |\n  = help: a check with a similar name exists: `unknown-key`\n",
        ),
        (&["explain", "syntax", "syntax"], "unexpected argument `syntax`\n"),
        (&["render"], "missing `<PRESET>`\n"),
        (
            &["render", "a", "--label", "job"],
            "invalid value `job` for `--label <MATCHER>`: expected a matcher such as `job=api`\n",
        ),
        (
            &["render", "a", "--label", "job=\"api\""],
            "invalid value `job=\"api\"` for `--label <MATCHER>`: values are not quoted: write `job=api`\n",
        ),
        (&["render", "a", "--window", "5 min"], "invalid value `5 min` for `--window <WINDOW>`: "),
        (&["render", "a", "--window", "1.5h"], "invalid value `1.5h` for `--window <WINDOW>`: invalid duration `1.5h`"),
        (&["query", "--raw", "up", "--timeout", "0s"], "invalid value `0s` for `--timeout <TIMEOUT>`: expected more"),
        (
            &["query", "--raw", "up", "--url", "127.0.0.1:9090"],
            "invalid configuration: not a URL: relative URL without a base; expected one such",
        ),
        (
            &["serve", "--listen", ":7090"],
            "invalid value `:7090` for `--listen <ADDRESS:PORT>`: expected a numeric address",
        ),
        (&["new", ""], "the name of the metric is empty\n"),
        (&["completions", "tcsh"], "invalid value `tcsh` for `<SHELL>`\n"),
    ] {
        let run = run(arguments);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{arguments:?}");
        assert!(run.err.starts_with(&format!("error: {message}")), "{arguments:?}: {}", run.err);
    }
    let usage = "\n\nUsage: promql-presets render <PRESET>\n\nFor details, try `--help`.\n";
    assert!(run(&["render"]).err.ends_with(usage), "{}", run(&["render"]).err);
}

#[test]
fn credentials_are_not_on_the_command_line() {
    let url = "http://user:secret@127.0.0.1:1/x";
    for arguments in [
        &["query", "--raw", "up", "--url", url][..],
        &["explain", "up", "--url", url],
        &["new", "up", "--from", url],
        &["new", "up", "--url", url],
    ] {
        let run = run(arguments);
        assert!(
            run.status == 2 && run.err.contains(" has a user or a password, which others can read\n"),
            "{}",
            run.err
        );
        assert!(run.err.contains("`--basic-auth FILE`") && !run.err.contains("secret"), "{}", run.err);
    }
    // An address of a service is none.
    assert!(run(&["query", "--raw", "up", "--url", "http://127.0.0.1:1/a@b"]).err.contains("127.0.0.1:1"));
}

#[test]
fn color_is_a_choice() {
    let colored = |arguments: &[&str]| run(arguments).out.contains('\u{1b}');
    assert!(!colored(&["parse", "rate(up)"]));
    assert!(!colored(&["parse", "rate(up)", "--color", "auto"]));
    assert!(!colored(&["--color=never", "parse", "rate(up)"]));
    assert!(colored(&["--color", "always", "parse", "rate(up)"]));
    assert!(run(&["check", "nowhere", "--color", "always"]).err.starts_with('\u{1b}'));
}

#[test]
fn completions_of_shells() {
    for (shell, word) in [
        ("bash", "complete -F "),
        ("zsh", "#compdef promql-presets"),
        ("fish", "complete -c promql-presets"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let run = run(&["completions", shell]);
        assert!(run.status == 0 && run.out.contains(word), "{shell}: {}", run.out);
        assert!(run.out.contains("deny-warnings"), "{shell}");
    }
}

#[test]
fn bash_completes_options_values_and_files() {
    let script = run(&["completions", "bash"]).out;
    for (words, last, before, expected) in [
        ("query --fo", "--fo", "query", "--format"),
        ("check --format gi", "gi", "--format", "github"),
        ("schema pu", "pu", "schema", "pull"),
        ("import --fo", "--fo", "import", "--force --format"),
        ("import --format ''", "''", "--format", "human json"),
        // Without a reply, bash offers files.
        ("import ''", "''", "import", ""),
        ("check --watch ''", "''", "--watch", ""),
    ] {
        let count = words.split(' ').count();
        let call = format!(
            "{script}\nCOMP_WORDS=(promql-presets {words}); COMP_CWORD={count}\n\
             _promql__presets promql-presets {last} {before}; echo \"${{COMPREPLY[*]}}\""
        );
        let output = std::process::Command::new("bash").args(["-c", &call]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{words}");
    }
}
