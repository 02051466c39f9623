use super::cache::{MAX_SLOTS, hash};
use super::*;
use crate::wire::fast_path::label;

fn labels(interner: &mut Interner, pairs: &[(&str, &str)]) -> Result<Labels, Fault> {
    for (name, value) in pairs {
        interner.name(name, true);
        interner.value(value.as_bytes(), true);
    }
    interner.labels()
}

/// Whether two texts are one in memory.
fn is_one(a: Option<&str>, b: Option<&str>) -> bool {
    a.zip(b).is_some_and(|(a, b)| std::ptr::eq(a, b))
}

#[test]
fn names_and_repeated_values_are_stored_once() {
    let mut interner = Interner::default();
    let series = [&[("job", "api"), ("pod", "a")][..], &[("le", "1")], &[("pod", "b"), ("job", "api")]];
    let mut series = series.map(|pairs| labels(&mut interner, pairs).unwrap());
    set_block(&mut series, &interner.complete_block());
    let [first, other, third] = series;
    assert_eq!(third.to_string(), r#"{job="api", pod="b"}"#);
    assert_eq!(other.len(), 1);
    assert!(is_one(first.iter().map(|(name, _)| name).next(), third.iter().map(|(name, _)| name).next()));
    assert!(is_one(first.get("job"), third.get("job")));
}

#[test]
fn label_sets_of_a_list_share_their_text() {
    let pairs = |pod: &str| [("job", "api"), ("pod", pod)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let series = share_labels([pairs("a"), pairs("b")].map(|pairs| Entries(pairs.into())).into()).unwrap();
    assert_eq!(series[1].to_string(), r#"{job="api", pod="b"}"#);
    assert!(is_one(series[0].get("job"), series[1].get("job")));
}

#[test]
fn duplicate_labels_are_faults() {
    assert!(labels(&mut Interner::default(), &[("a", "1"), ("b", "1"), ("a", "2")]).is_err());
    assert!(labels(&mut Interner::default(), &[("a", "1"), ("a", "1")]).is_err());
}

#[test]
fn mostly_new_values_are_not_looked_up() {
    let mut interner = Interner::default();
    let mut used = 0;
    for number in 0..10_000 {
        let json = format!(r#""job":"api","pod":"pod-{number}"}}"#);
        let rest = label(json.as_bytes(), &mut interner).unwrap();
        assert_eq!(label(&rest[1..], &mut interner), Some(&b"}"[..]));
        used = used.max(interner.cache.used);
        interner.labels().unwrap();
    }
    assert!(used < 2_000, "{used}");
}

#[test]
fn a_value_with_escapes_is_not_expected_in_json() {
    let mut interner = Interner::default();
    interner.name("a", true);
    interner.value(b"1\"", false).unwrap();
    interner.labels().unwrap();
    assert_eq!(interner.expected_name(b"a\":"), Some(&b":"[..]));
    assert_eq!(interner.expected_value(b"1\"\"}"), None);
    interner.value(b"1", true).unwrap();
    interner.labels().unwrap();
    assert_eq!(interner.expected_name(b"a\":"), Some(&b":"[..]));
    assert_eq!(interner.expected_value(b"1\"}"), Some(&b"}"[..]));
    let mut labels = interner.labels().unwrap();
    labels.set_block(&interner.complete_block());
    assert_eq!(labels.to_string(), r#"{a="1"}"#);
}

#[test]
fn a_block_can_end_within_a_series() {
    let mut interner = Interner::default();
    let mut first = labels(&mut interner, &[("a", "1"), ("b", "2")]).unwrap();
    interner.name("a", true);
    interner.value(b"1", true).unwrap();
    interner.name("c", true);
    interner.forget();
    first.set_block(&interner.complete_block());
    assert_eq!(first.to_string(), r#"{a="1", b="2"}"#);
    interner.value(b"3", true).unwrap();
    let mut second = interner.labels().unwrap();
    assert!(interner.is_block_full());
    second.set_block(&interner.complete_block());
    assert_eq!(second.to_string(), r#"{a="1", c="3"}"#);
    assert!(interner.columns.len() == 1 && !interner.is_block_full());
}

#[test]
fn blocks_and_expected_names_are_bounded() {
    let mut interner = Interner::default();
    let (mut blocks, mut lists) = (0, 0);
    for number in 0..=MAX_LISTS {
        let (name, value) = (format!("b{number}"), number.to_string());
        let mut labels = labels(&mut interner, &[("a", "1"), (&name, &value)]).unwrap();
        lists = lists.max(interner.lists.len());
        if interner.is_block_full() {
            blocks += 1;
            assert!(interner.block.size() < BLOCK + 100);
            labels.set_block(&interner.complete_block());
            assert_eq!(labels.to_string(), format!("{{a=\"1\", {name}=\"{value}\"}}"));
        }
    }
    assert!(lists > MAX_LISTS && interner.lists.len() < 100, "{lists}, {}", interner.lists.len());
    assert!(blocks > 10, "{blocks}");
}

#[test]
fn equality_is_that_of_slices() {
    for length in 0..70 {
        let text = vec![b'a'; length];
        assert!(equal(&text, &text));
        for at in 0..length {
            let mut other = text.clone();
            other[at] = b'b';
            assert!(!equal(&text, &other), "{at} of {length}");
        }
    }
}

#[test]
fn a_cache_finds_texts_that_were_not_replaced() {
    let mut interner = Interner::default();
    let mut get = |text: &str| {
        let hash = hash(text.as_bytes());
        let found = interner.cache.find(hash, text.as_bytes(), &interner.block);
        let index = found.unwrap_or_else(|| interner.add(text, Some(hash)));
        assert_eq!(interner.block.get(index), text);
        index
    };
    let texts: Vec<String> = (0..100).map(|number| format!("some-service-{number}")).collect();
    let stored: Vec<_> = texts.iter().map(|text| get(text)).collect();
    let found = stored.iter().zip(&texts).filter(|(stored, text)| **stored == get(text)).count();
    assert!(found > 70, "{found}");
    for number in 0..MAX_SLOTS * 2 {
        get(&number.to_string());
    }
    assert_eq!(interner.cache.slots.len(), MAX_SLOTS);
}
