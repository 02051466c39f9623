//! Proves that a limit holds for all values of parameters.

use promql_presets_core::{ParameterValue, PromDuration};

use crate::check::Limit;
use crate::file::Parameter;
use crate::promql::Interval;
use crate::vec_ext::IntoVec;

/// Whether a limit holds for all values of parameters.
pub(super) enum Proof {
    Holds,
    /// It does not hold for these values, by the indices of the parameters.
    Fails(Vec<(usize, ParameterValue)>),
    Unknown,
}

/// The values of a parameter from one to another.
type Values = (usize, ParameterValue, ParameterValue);

/// The maximum number of parts into which the values are divided.
const MOST_PARTS: usize = 2000;

/// Computes with intervals. If they are too wide for a proof, the values are divided into halves, whose ends are tried.
pub(super) fn prove(limit: &Limit<'_>, text: &str, parameters: &[Parameter]) -> Proof {
    let names: Vec<String> = parameters.iter().map(|parameter| format!("{{{}}}", parameter.name.value)).into_vec();
    let index = |text: &str| names.iter().position(|name| name == text);
    let holds = |part: &[Values]| {
        limit.holds(&|span| {
            let index = index(&text[span.range()])?;
            let (_, low, high) = part.iter().find(|values| values.0 == index)?;
            Some(Interval { low: low.as_f64(), high: high.as_f64() })
        })
    };
    let value = &text[limit.span.range()];
    let used = (0..names.len()).filter(|index| value.contains(&names[*index]) && !parameters[*index].is_faulty);
    let whole: Vec<Values> = used.map(|index| (index, parameters[index].min, parameters[index].max)).into_vec();
    let mut parts = vec![whole.clone()];
    let mut at = 0;
    while let Some(part) = parts.get(at).cloned() {
        at += 1;
        if holds(&part) {
            continue;
        }
        for corner in 0..1_u32 << part.len() {
            let end = |(bit, (index, low, high)): (usize, &Values)| {
                let end = if corner >> bit & 1 == 0 { *low } else { *high };
                (*index, end, end)
            };
            let point: Vec<Values> = part.iter().enumerate().map(end).into_vec();
            if !holds(&point) {
                return Proof::Fails(point.into_iter().map(|(index, value, _)| (index, value)).into_vec());
            }
        }
        // The parameter whose values are divided least.
        let width = |(_, low, high): &Values| high.as_f64() / 2.0 - low.as_f64() / 2.0;
        let share = |at: usize| width(&part[at]) / width(&whole[at]);
        let divisible = (0..part.len()).filter_map(|at| Some((at, halves(part[at].1, part[at].2)?)));
        let Some((widest, ends)) = divisible.max_by(|(a, _), (b, _)| share(*a).total_cmp(&share(*b))) else { continue };
        if parts.len() >= MOST_PARTS {
            return Proof::Unknown;
        }
        for (low, high) in [(part[widest].1, ends.0), (ends.1, part[widest].2)] {
            let mut half = part.clone();
            half[widest] = (part[widest].0, low, high);
            parts.push(half);
        }
    }
    Proof::Holds
}

/// The end of the lower half of some values, and the start of the upper one.
fn halves(low: ParameterValue, high: ParameterValue) -> Option<(ParameterValue, ParameterValue)> {
    use ParameterValue::{Duration, Integer, Number};
    match (low, high) {
        (Number(low), Number(high)) => {
            let middle = low.midpoint(high);
            (low < middle && middle < high).then_some((Number(middle), Number(middle)))
        }
        (Integer(low), Integer(high)) => {
            let middle = low.midpoint(high);
            (low < high).then_some((Integer(middle), Integer(middle + 1)))
        }
        (Duration(low), Duration(high)) => {
            let middle = low.as_millis().midpoint(high.as_millis());
            (low < high)
                .then(|| (Duration(PromDuration::from_millis(middle)), Duration(PromDuration::from_millis(middle + 1))))
        }
        _ => None,
    }
}
