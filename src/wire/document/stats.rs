//! Statistics of a response, in whatever form they come.

use super::{Document, size};
use crate::value::Timestamp;
use crate::wire::error::Fault;
use crate::wire::lexer::Event;
use crate::wire::number;
use crate::wire::state::Place;

impl Document {
    /// A number, also in quotes, or one for each step; numbers of nested objects count like those around them, and
    /// anything else is skipped.
    pub(super) fn stat(&mut self, event: Event<'_>) -> Result<(), Fault> {
        let number = match event {
            Event::Number(digits) => number::float(digits),
            Event::Text(raw) => number::float(raw.text()?.as_bytes()),
            Event::OpenObject => {
                self.enter(Place::Stats);
                None
            }
            Event::OpenArray => {
                self.take_memory(size::STAT + self.stat.len() as u64)?;
                self.enter(Place::Steps);
                None
            }
            _ => return self.skip(event),
        };
        if let Some(number) = number {
            self.take_memory(size::STAT + self.stat.len() as u64)?;
            self.meta.stats.get_or_insert_default().0.entry(self.stat.clone()).or_default().number = Some(number);
        }
        Ok(())
    }

    /// Skips what is not a step, as the form of statistics may change.
    pub(super) fn step_part(&mut self, event: Event<'_>, parts: u8) -> Result<(), Fault> {
        let parts = match (parts, event) {
            (0, Event::Number(digits)) => match number::millis(digits) {
                Some(millis) => {
                    self.step = Timestamp::from_millis(millis);
                    1
                }
                None => 2,
            },
            (1, Event::Number(digits)) => {
                if let Some(number) = number::float(digits) {
                    self.take_memory(size::STEP)?;
                    let stats = self.meta.stats.get_or_insert_default();
                    stats.0.entry(self.stat.clone()).or_default().steps.push((self.step, number));
                }
                2
            }
            _ => {
                self.set_place(Place::Step { parts: 2 });
                return self.skip(event);
            }
        };
        self.set_place(Place::Step { parts });
        Ok(())
    }
}
