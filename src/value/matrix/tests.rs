use super::*;

fn labels(pod: &str) -> Labels {
    [("pod", pod)].into_iter().collect()
}

fn series(pod: &str, samples: &[(i64, f64)]) -> Series {
    Series::new(labels(pod), samples.iter().map(|&(secs, value)| (Timestamp::from_secs(secs), value)))
}

fn histogram(count: f64) -> Histogram {
    Histogram::new(count, 0.0, [])
}

fn seconds(samples: impl Iterator<Item = Sample>) -> Vec<i64> {
    samples.map(|sample| sample.timestamp.as_millis() / 1000).collect()
}

#[test]
fn floats_and_histograms_are_merged_by_time() {
    let histograms = [1, 4, 6].map(|secs| (Timestamp::from_secs(secs), histogram(1.0)));
    let mixed = series("a", &[(2, 0.0), (3, 0.0), (5, 0.0)]).with_histograms(histograms);
    assert_eq!(seconds(mixed.iter()), [1, 2, 3, 4, 5, 6]);
    assert_eq!(seconds(mixed.iter().rev()), [6, 5, 4, 3, 2, 1]);
    assert_eq!(mixed.iter().len(), 6);
    assert!(mixed.first().unwrap().value.as_histogram().is_some());

    let mut both_ends = mixed.iter();
    assert_eq!(both_ends.next_back().map(|sample| sample.timestamp), Some(Timestamp::from_secs(6)));
    assert_eq!(seconds(both_ends), [1, 2, 3, 4, 5]);
}

#[test]
fn timestamps_have_the_series_with_a_sample() {
    let matrix: Matrix = [series("a", &[(1, 1.0), (2, 2.0)]), series("b", &[(2, 3.0), (4, 4.0)]), series("c", &[])]
        .into_iter()
        .collect();
    let steps: Vec<_> = matrix
        .by_time()
        .map(|step| {
            let samples = step
                .samples
                .iter()
                .map(|(series, value)| (series.labels().get("pod").unwrap().to_owned(), value.float().unwrap()));
            (step.timestamp.as_millis() / 1000, samples.collect::<Vec<_>>())
        })
        .collect();
    let expected = [
        (1, vec![("a".to_owned(), 1.0)]),
        (2, vec![("a".to_owned(), 2.0), ("b".to_owned(), 3.0)]),
        (4, vec![("b".to_owned(), 4.0)]),
    ];
    assert_eq!(steps, expected);
    assert_eq!(Matrix::default().by_time().next(), None);
}

#[test]
fn parts_are_joined_by_labels_without_shared_ends() {
    let meta = |warning: &str| Meta { warnings: vec!["both".to_owned(), warning.to_owned()], ..Meta::default() };
    let first: Matrix = [series("a", &[(1, 1.0), (2, 2.0)]), series("b", &[(1, 5.0)])].into_iter().collect();
    let second: Matrix = [series("c", &[(3, 7.0)]), series("a", &[(2, 9.0), (3, 3.0)])].into_iter().collect();
    let joined = Matrix::join([first.with_meta(meta("one")), second.with_meta(meta("two"))]).unwrap();
    let expected = [series("a", &[(1, 1.0), (2, 2.0), (3, 3.0)]), series("b", &[(1, 5.0)]), series("c", &[(3, 7.0)])];
    assert_eq!(joined.series(), expected);
    assert_eq!(joined.warnings(), ["both", "one", "two"]);
    assert_eq!(Matrix::join([]), Ok(Matrix::default()));
}

#[test]
fn joined_series_are_sorted_like_those_of_the_parts() {
    let matrix = |series: &[&[(&str, &str)]], time| -> Matrix {
        let samples =
            |labels: &&[_]| Series::new(labels.iter().copied().collect(), [(Timestamp::from_secs(time), 1.0)]);
        series.iter().map(samples).collect()
    };
    let joined = |parts: [&[&[(&str, &str)]]; 2]| {
        let joined = Matrix::join([matrix(parts[0], 1), matrix(parts[1], 2)]).unwrap();
        joined.iter().map(|series| series.labels().to_string()).collect::<Vec<_>>()
    };
    let (up, job, both) = ([("__name__", "up")], [("job", "a")], [("Z", "y"), ("__name__", "x")]);
    // Sorted by Prometheus, by VictoriaMetrics, and by the query.
    assert_eq!(joined([&[&up], &[&both, &job]]), [r#"x{Z="y"}"#, "up", r#"{job="a"}"#]);
    assert_eq!(joined([&[&up], &[&job, &both]]), [r#"{job="a"}"#, "up", r#"x{Z="y"}"#]);
    assert_eq!(joined([&[&job, &both], &[&up, &both]]), [r#"{job="a"}"#, "up", r#"x{Z="y"}"#]);
    assert_eq!(joined([&[&up, &both, &job], &[&job]]), ["up", r#"x{Z="y"}"#, r#"{job="a"}"#]);
}

#[test]
fn overlapping_parts_and_duplicate_series_are_rejected() {
    let matrix = |series: &[Series]| series.iter().cloned().collect::<Matrix>();
    let (one, two) = (series("a", &[(1, 1.0), (2, 2.0)]), series("a", &[(3, 3.0)]));
    let twice = Matrix::join([matrix(&[one.clone(), two.clone()])]).unwrap_err();
    assert_eq!(twice.to_string(), r#"series `{pod="a"}` occurs twice in one response"#);
    let back = Matrix::join([matrix(&[two]), matrix(&[one])]).unwrap_err();
    assert!(back.to_string().contains("belong to another"), "{back}");
}

#[test]
fn series_of_joined_parts_share_their_timestamps() {
    let part = |from: i64| [series("a", &[(from, 1.0)]), series("b", &[(from, 1.0)])].into_iter().collect();
    let joined: Matrix = Matrix::join([part(1), part(2)]).unwrap();
    assert!(Arc::ptr_eq(&joined.series()[0].timestamps, &joined.series()[1].timestamps));
}

#[test]
fn columns_are_not_copied() {
    let (one, values) = (series("a", &[(1, 1.5), (2, 2.5)]), [1.5, 2.5]);
    let at = one.values().as_ptr();
    let (labels, timestamps, columns) = one.into_columns();
    assert_eq!((labels, &*timestamps), (self::labels("a"), &[1, 2].map(Timestamp::from_secs)[..]));
    assert_eq!((columns.as_slice(), columns.as_ptr()), (&values[..], at));
}

#[test]
fn samples_are_sorted_by_time() {
    let histograms = [5, 4].map(|secs| (Timestamp::from_secs(secs), histogram(1.0)));
    let mixed = series("a", &[(3, 3.0), (1, 1.0), (2, 2.0)]).with_histograms(histograms);
    assert_eq!(seconds(mixed.iter()), [1, 2, 3, 4, 5]);
    assert_eq!(mixed.values(), [1.0, 2.0, 3.0]);
}

#[test]
fn duplicate_timestamps_are_rejected() {
    assert!(series("a", &[(1, 1.0), (2, 2.0)]).check_times().is_ok());
    assert!(series("a", &[(1, 1.0), (1, 2.0)]).check_times().is_err());
    let both = series("a", &[(1, 1.0)]).with_histograms([(Timestamp::from_secs(1), histogram(1.0))]);
    assert!(both.check_times().is_err());
}

#[test]
fn histograms_are_joined_too() {
    let part = |secs: &[i64]| -> Matrix {
        let histograms = secs.iter().map(|&secs| (Timestamp::from_secs(secs), histogram(1.0)));
        [series("a", &[]).with_histograms(histograms)].into_iter().collect()
    };
    let joined = Matrix::join([part(&[1, 2]), part(&[2, 3])]).unwrap();
    assert_eq!(seconds(joined.one().unwrap().iter()), [1, 2, 3]);
}
