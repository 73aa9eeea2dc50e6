//! From where in a source the parts of a JSON text come.

/// A line and a column of a text.
///
/// ```
/// use managed_fields::value::Position;
/// assert_eq!(Position::START.after("a:\n  é"), Position { line: 2, column: 4 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Position {
    /// Where a text begins.
    pub const START: Position = Position { line: 1, column: 1 };

    /// The position behind a text that begins here.
    #[must_use]
    pub fn after(self, text: &str) -> Position {
        match text.rsplit_once('\n') {
            None => Position { column: self.column + text.chars().count(), ..self },
            Some((before, last)) => {
                let lines = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
                Position { line: self.line + lines, column: last.chars().count() + 1 }
            }
        }
    }
}

/// The positions in a source that the keys and values of a JSON text come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    start: Position,
    /// Bytes of the JSON text and their positions, ascending.
    known: Vec<(usize, Position)>,
    /// What is between known positions stands there in the source, too.
    is_verbatim: bool,
}

/// Bytes between known positions of JSON that is its own source.
const STEP: usize = 1024;

impl Positions {
    /// Those of JSON that stands in its source as it is, from `start` on. Linear in the text.
    pub fn verbatim(json: &str, start: Position) -> Positions {
        let mut known = Vec::new();
        let (mut at, mut position) = (0, start);
        while let Some(rest) = json.get(at..).filter(|rest| rest.len() > STEP) {
            let end = (0..=STEP).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(STEP);
            let step = rest.get(..end).unwrap_or_default();
            at += step.len();
            position = position.after(step);
            known.push((at, position));
        }
        Positions { start, known, is_verbatim: true }
    }

    /// Those of JSON that was made of something else: where its keys and values begin, in bytes and
    /// ascending, each with the position of what it was made of. `start` is for what comes before
    /// them.
    pub fn made(start: Position, made: Vec<(usize, Position)>) -> Positions {
        Positions { start, known: made, is_verbatim: false }
    }

    /// The position of the key or value that begins at a byte of the JSON text. Logarithmic in the
    /// text.
    pub fn of(&self, json: &str, offset: usize) -> Position {
        let behind = self.known.partition_point(|(at, _)| *at <= offset);
        let nearest = behind.checked_sub(1).and_then(|index| self.known.get(index).copied());
        let (at, position) = nearest.unwrap_or((0, self.start));
        if self.is_verbatim {
            position.after(json.get(at..offset).unwrap_or_default())
        } else {
            position
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, Positions};

    #[test]
    fn positions_in_long_text_are_counted_from_near_by() {
        let json = format!("[{}]", "\"é\",\n  1, ".repeat(2000));
        let start = Position { line: 7, column: 3 };
        let positions = Positions::verbatim(&json, start);
        for (offset, _) in json.char_indices().step_by(97) {
            assert_eq!(positions.of(&json, offset), start.after(&json[..offset]), "{offset}");
        }
    }
}
