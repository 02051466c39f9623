//! How far back a query reads.

use crate::PresetMetadata;

/// A step of a calculation in postfix notation, whose values are in seconds.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LookBack {
    Seconds(f64),
    Window,
    Parameter(usize),
    /// The step of the range query.
    Step,
    /// The length of its range.
    Range,
    Negate,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Min,
    Max,
}

impl PresetMetadata<'_> {
    /// How far before its evaluation time a query reads, in seconds: the maximum over all selectors of the sum of their range
    /// and offset and those of the subqueries around them. `value` has the window, parameters, step and range.
    #[doc(hidden)]
    #[must_use]
    pub fn __look_back(&self, value: impl Fn(LookBack) -> f64) -> f64 {
        if self.look_back.is_empty() {
            return self.window.map_or(0.0, |_| value(LookBack::Window));
        }
        let mut stack: Vec<f64> = Vec::new();
        for step in self.look_back {
            let mut pop = || stack.pop().unwrap_or(0.0);
            let result = match *step {
                LookBack::Seconds(seconds) => seconds,
                LookBack::Window | LookBack::Parameter(_) | LookBack::Step | LookBack::Range => value(*step),
                LookBack::Negate => -pop(),
                op => {
                    let (second, first) = (pop(), pop());
                    match op {
                        LookBack::Sub => first - second,
                        LookBack::Mul => first * second,
                        LookBack::Div => first / second,
                        LookBack::Mod => first % second,
                        LookBack::Pow => first.powf(second),
                        LookBack::Min => first.min(second),
                        LookBack::Max => first.max(second),
                        _ => first + second,
                    }
                }
            };
            stack.push(result);
        }
        stack.pop().unwrap_or(0.0)
    }
}
