//! The values of parameters, besides their defaults, with which a template is checked.

use promql_presets_core::ParameterValue;

use crate::file::{self, Parameter};
use crate::vec_ext::{IntoVec, VecExt};

/// Values of parameters, by index, and the help and the note of findings that depend on them.
pub(super) struct Variation {
    pub(super) values: Vec<(usize, ParameterValue)>,
    pub(super) help: String,
    pub(super) note: String,
}

/// Each bound of each parameter, zero where it is between declared bounds, and all combinations of declared bounds.
pub(super) fn variations(parameters: &[Parameter]) -> Vec<Variation> {
    let mut variations = Vec::new();
    let mut combinations = vec![Vec::new()];
    for (index, parameter) in parameters.iter().enumerate().filter(|(_, parameter)| !parameter.is_faulty) {
        let name = &parameter.name.value;
        let (least, most) = file::bounds(parameter.default.kind());
        let shorter = combinations.len();
        for (key, value, limit) in [("min", parameter.min, least), ("max", parameter.max, most)] {
            let (help, note) = if value == limit {
                (format!("add `{key}` to the parameter"), format!("where `{name}` has no `{key}`"))
            } else {
                for at in 0..shorter {
                    let mut values = combinations[at].clone();
                    values.push((index, value));
                    combinations.push(values);
                }
                (format!("change `{key}`"), format!("where `{name}` is `{value}`, its `{key}`"))
            };
            variations.push(Variation { values: vec![(index, value)], help, note });
        }
        let has_bounds = (parameter.min, parameter.max) != (least, most);
        if let Some(zero) = zero_between(parameter).filter(|_| has_bounds) {
            let note = format!("where `{name}` is `0`, which its bounds include");
            variations.push(Variation {
                values: vec![(index, zero)],
                help: "exclude 0 from the bounds".to_owned(),
                note,
            });
        }
    }
    let several = combinations.into_iter().filter(|values| values.len() > 1);
    variations.add_all(several.map(|values| variation(parameters, values)));
    variations
}

/// Some values of parameters.
pub(super) fn variation(parameters: &[Parameter], values: Vec<(usize, ParameterValue)>) -> Variation {
    let shown = values.iter().map(|(index, value)| format!("`{}` is `{value}`", parameters[*index].name.value));
    let note = format!("where {}", shown.into_vec().join(" and "));
    Variation { values, help: "change the bounds of the parameters".to_owned(), note }
}

fn zero_between(parameter: &Parameter) -> Option<ParameterValue> {
    match (parameter.min, parameter.max) {
        (ParameterValue::Number(min), ParameterValue::Number(max)) => {
            (min < 0.0 && max > 0.0).then_some(ParameterValue::Number(0.0))
        }
        (ParameterValue::Integer(min), ParameterValue::Integer(max)) => {
            (min < 0 && max > 0).then_some(ParameterValue::Integer(0))
        }
        _ => None,
    }
}
