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
    /// Where keys and values begin in the JSON text, ascending; none if that is the source itself.
    made: Vec<(usize, Position)>,
}

impl Positions {
    /// Those of JSON that stands in its source as it is, from `start` on.
    pub fn verbatim(start: Position) -> Positions {
        Positions { start, made: Vec::new() }
    }

    /// Those of JSON that was made of something else: where its keys and values begin, in bytes and
    /// ascending, each with the position of what it was made of. `start` is for what comes before
    /// them.
    pub fn made(start: Position, made: Vec<(usize, Position)>) -> Positions {
        Positions { start, made }
    }

    /// The position of the key or value that begins at a byte of the JSON text.
    ///
    /// Linear in the text in front of it, or logarithmic where the JSON was made.
    pub fn of(&self, json: &str, offset: usize) -> Position {
        self.behind(json, (0, self.start), offset)
    }

    /// The same for many ascending offsets, which takes one walk over the text.
    pub(crate) fn of_each(
        &self,
        json: &str,
        offsets: impl Iterator<Item = usize>,
    ) -> Vec<Position> {
        let mut last = (0, self.start);
        let step = |offset| {
            last = (offset, self.behind(json, last, offset));
            last.1
        };
        offsets.map(step).collect()
    }

    /// The position of an offset that does not stand in front of one whose position is known.
    fn behind(&self, json: &str, known: (usize, Position), offset: usize) -> Position {
        if self.made.is_empty() {
            return known.1.after(json.get(known.0..offset).unwrap_or_default());
        }
        let behind = self.made.partition_point(|(at, _)| *at <= offset);
        let nearest = behind.checked_sub(1).and_then(|index| self.made.get(index));
        nearest.map_or(self.start, |(_, position)| *position)
    }
}
