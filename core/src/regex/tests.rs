use super::*;
use RegexErrorKind as K;

fn fault(pattern: &str) -> (&str, RegexErrorKind) {
    let error = validate(pattern).unwrap_err();
    (&pattern[error.start..error.end], error.kind)
}

#[test]
fn valid() {
    for pattern in [
        "",
        "a|b|",
        "^$",
        "(?i)a",
        "a(?i)*",
        "(?i-s:a)",
        "(?)",
        "(?P<n>a)(?P<n>b)",
        "(?<n>a)",
        "a{,5}",
        "a{05}",
        "a{2",
        "{",
        "x{1000}",
        "x{2}y{1000}",
        "(x{10}){100}",
        "(a*)*",
        "^*",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[-a]",
        "[a-b-c]",
        "[[:alpha:]]",
        "[[:^alpha:]]",
        "[[:a]",
        r"[\d\-\]]",
        r"\pN\p{Greek}\P{^Lu}\p{Any}",
        r"\Qa*(\E+",
        r"a\Qb[(",
        r"\x41\x{10FFFF}\012\0",
        r"\_\-\/\.",
        r"\A\z\b\B",
        "a*?b+?c??d{2}?",
        "]",
        "}",
    ] {
        assert_eq!(validate(pattern), Ok(()), "{pattern}");
    }
}

#[test]
fn invalid() {
    for (pattern, at, kind) in [
        ("a(b", "(", K::MissingParen),
        ("a)b", ")", K::UnexpectedParen),
        ("a[b", "[", K::MissingBracket),
        ("[]", "[", K::MissingBracket),
        ("[z-a]", "z-a", K::InvalidRange),
        (r"[a-\d]", r"\d", K::InvalidEscape),
        ("[[:foo:]]", "[:foo:]", K::UnknownClass),
        (r"\p{Foo}", r"\p{Foo}", K::UnknownClass),
        (r"\pX", r"\pX", K::UnknownClass),
        (r"a\C", r"\C", K::InvalidEscape),
        (r"\Z", r"\Z", K::InvalidEscape),
        (r"\é", r"\é", K::InvalidEscape),
        (r"\xz", r"\xz", K::InvalidEscape),
        (r"(a)\1", r"\1", K::Backreference),
        (r"\p{greek}", r"\p{greek}", K::UnknownClass),
        (r"[\p{Letter}]", r"\p{Letter}", K::UnknownClass),
        (r"a\", r"\", K::TrailingBackslash),
        ("*a", "*", K::MissingRepeatArgument),
        ("a|*", "*", K::MissingRepeatArgument),
        (r"\Q\E*", "*", K::MissingRepeatArgument),
        ("a**", "**", K::NestedRepeat),
        ("a{2}{3}", "{2}{3}", K::NestedRepeat),
        ("a*+", "*+", K::NestedRepeat),
        ("a{1001}", "{1001}", K::RepeatSize),
        ("a{2,1}", "{2,1}", K::RepeatSize),
        ("(a{100}){100}", "{100}", K::RepeatSize),
        ("(?=a)", "(?=", K::Lookaround),
        ("(?<!a)", "(?<!", K::Lookaround),
        ("(?#a)", "(?#", K::UnknownGroup),
        ("(?i-)", "(?i-)", K::UnknownGroup),
        ("(?P<a b>c)", "(?P<a b>", K::InvalidGroupName),
        ("(?P<a", "(?P<a", K::InvalidGroupName),
    ] {
        assert_eq!(fault(pattern), (at, kind), "{pattern}");
    }
    let deep = format!("{}{}", "(".repeat(2000), ")".repeat(2000));
    assert_eq!(validate(&deep).unwrap_err().kind, K::NestingDepth);
    let large = format!("({}){{1000}}", "ab".repeat(5000));
    assert_eq!(validate(&large).unwrap_err().kind, K::TooLarge);
}

#[test]
fn quotes_are_closed_where_the_pattern_is_wrapped() {
    assert_eq!(validate_wrapped(r"a\Qb\E"), Ok(()));
    let error = validate_wrapped(r"a\Qb").unwrap_err();
    assert_eq!((error.start, error.end, error.kind), (1, 3, K::UnclosedQuote));
}

#[test]
fn groups_are_counted_and_named() {
    let pattern = r"(a)(?:b)(?<c>d(?P<e>f))\((?i:g)[(](?i)\Q(\E";
    assert_eq!(groups(pattern), [None, Some("c"), Some("e")]);
    assert_eq!(groups(r"\Q(a)"), [None; 0]);
}

#[test]
fn empty_matches() {
    for pattern in ["", ".*", "a*", "a?", "a{0,3}", "(a|)", "a|", "^$", "()", r"\B", "(a*)(b?)", r"\Q\E"] {
        assert!(matches_empty(pattern), "{pattern}");
    }
    for pattern in [".", ".+", "a", "a*b", "(a|b)", r"\b", "a{1,}", "^a$", "[a]", "a(b*)", "("] {
        assert!(!matches_empty(pattern), "{pattern}");
    }
}

#[test]
fn escaped_text_means_itself() {
    let mut out = String::new();
    escape("10.0.0.1:90 [a](b){c}^$|?*+\\é-", &mut out).unwrap();
    assert_eq!(out, r"10\.0\.0\.1:90 \[a\]\(b\)\{c\}\^\$\|\?\*\+\\é-");
    assert_eq!(validate(&out), Ok(()));
}

#[test]
fn anchored_matches() {
    for (pattern, text, expected) in [
        ("web-.*", "web-1", true),
        ("web-.*", "api-1", false),
        ("a.*", "ba", false),
        ("[2-4]", "5", false),
        ("[^2-4]", "5", true),
        ("[]a]+", "]a", true),
        ("[a-]", "-", true),
        ("5..|429", "503", true),
        ("5..|429", "429", true),
        ("5..|429", "5030", false),
        (".+", "", false),
        (".", "\n", true),
        ("^(a|b)$", "b", true),
        ("(?:a|b)c?", "bc", true),
        ("(?P<x>a){2,3}", "aaaa", false),
        ("(?P<x>a){2,3}", "aaa", true),
        ("a{2,}", "aaaaa", true),
        ("a{2}", "aaa", false),
        (r"\d+\.\d+", "10.5", true),
        (r"[\d.]+", "10.5", true),
        (r"\d", "\u{664}", false),
        ("(a*)*b", "aaab", true),
        ("((a?)+|b)*", "abab", true),
        ("a*?b", "aab", true),
        ("|a", "", true),
        ("[[:alpha:]]", "a", true),
        ("[^[:^digit:]a]", "1", true),
        (r"[^\D5]", "4", true),
        ("[[a]", "[", true),
        (r"[\d-z]", "a", false),
        ("[a-c-]", "b", true),
        ("a{,5}", "a{,5}", true),
        ("a{0}b", "b", true),
        ("(ab){2,3}(?:c|)", "abababc", true),
        ("(?s:.)x{2,}?", "éxxx", true),
        (r"\Aa\S\z", "ab", true),
        (r"[\]\-]+", "-]", true),
        (r"\Qa.\E+", "a..", true),
        (r"\x61\x{62}[\143-d]", "abc", true),
        (r"(?U)a+(?s)b", "aab", true),
        ("a(?:)b", "ab", true),
        ("(a|)(b||c)", "c", true),
        ("[^a]*", "bé\u{10FFFF}", true),
    ] {
        assert_eq!(matches(pattern, text), Some(expected), "{pattern} {text}");
    }
    for unknown in ["(?i)a", r"\pL", r"(?-s:.)", r"a\b", "["] {
        assert_eq!(matches(unknown, "a"), None, "{unknown}");
    }
}

#[test]
fn nested_repetitions_take_little_time() {
    let start = std::time::Instant::now();
    for pattern in ["(x+x+)+y", "((((a{9}){9}){9}){9}){9}"] {
        let _ = matches(pattern, &"x".repeat(100));
    }
    let nested = format!("{}a{}b", "(".repeat(40), "*)*".repeat(40));
    let _ = matches(&nested, &"a".repeat(90));
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn alternatives_are_slices() {
    for (pattern, expected) in [
        ("a", &["a"][..]),
        ("", &[""]),
        ("a|b.*", &["a", "b.*"]),
        ("^(?:a|b(c|d))$", &["a", "b(c|d)"]),
        ("(a|b)|c", &["a", "b", "c"]),
        ("((a|b))", &["a", "b"]),
        ("(a|b)c", &["(a|b)c"]),
        ("[|]|\\||", &["[|]", "\\|", ""]),
        ("(?i)a|b", &["(?i)a|b"]),
        ("a|(", &["a|("]),
        ("(a|b)*", &["(a|b)*"]),
    ] {
        assert_eq!(alternatives(pattern), expected, "{pattern}");
    }
}

#[test]
fn texts_that_are_matched() {
    for (pattern, expected) in [
        ("", Some(&[""][..])),
        ("a|b", Some(&["a", "b"])),
        ("^(a|1\\.0)$", Some(&["a", "1.0"])),
        ("^a$|^b", Some(&["a", "b"])),
        ("5[0-2]", Some(&["50", "51", "52"])),
        ("1{2}", Some(&["11"])),
        ("1(\\.0)?", Some(&["1", "1.0"])),
        ("(a|b)(c|)", Some(&["ac", "a", "bc", "b"])),
        ("a^b", None),
        ("a.", None),
        ("a*", None),
        ("(?i)a", None),
        ("(", None),
        ("[0-9]{5}", None),
    ] {
        let found = texts(pattern);
        assert_eq!(
            found.as_deref(),
            expected.map(|texts| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()).as_deref(),
            "{pattern}"
        );
    }
    assert_eq!(listed_texts("a|1\\.0"), Some(vec!["a".to_owned(), "1.0".to_owned()]));
    assert_eq!(listed_texts("a|[bc]"), None);
}
