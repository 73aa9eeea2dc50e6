//! What the endpoints of Kubernetes' own kinds reset, as constants.
//!
//! They are those of the newest version whose types are known, whatever version the types are of: the
//! strategies of a kind hardly change. The table is written by `tests/tables` from what they answer.

#[rustfmt::skip]
mod v1_37;

use std::sync::{Arc, OnceLock};

use crate::fieldpath::Filter;

use super::Values;

type Paths = &'static [&'static [&'static str]];

/// What an endpoint resets in objects of some versions.
pub(super) struct Answer {
    paths: Paths,
    is_include: bool,
    /// The paths that storage sets back in fact, where these are others than the field manager is
    /// told.
    stored: Option<Paths>,
    /// Whether the field manager is told. Some strategies have an answer that the storage around
    /// them does not pass on: what they reset is owned all the same.
    is_tracked: bool,
    /// Whether a new object keeps the status that it is sent with.
    pub(super) is_kept_when_new: bool,
}

/// Group, kind and subresource; the API versions of which the answer holds.
type Row = ([&'static str; 3], &'static [&'static str], Answer);

const fn exclude(paths: Paths, is_tracked: bool) -> Answer {
    Answer { paths, is_include: false, stored: None, is_tracked, is_kept_when_new: false }
}

const fn include(paths: Paths, is_tracked: bool) -> Answer {
    Answer { paths, is_include: true, stored: None, is_tracked, is_kept_when_new: false }
}

impl Answer {
    const fn stored(self, paths: Paths) -> Answer {
        Answer { stored: Some(paths), ..self }
    }

    const fn kept_when_new(self) -> Answer {
        Answer { is_kept_when_new: true, ..self }
    }

    fn read(&self) -> ReadAnswer {
        ReadAnswer {
            filter: self.is_tracked.then(|| self.with(self.paths).filter()),
            values: Arc::new(self.with(self.stored.unwrap_or(self.paths))),
        }
    }

    fn with(&self, paths: Paths) -> Values {
        if self.is_include { Values::include(paths) } else { Values::exclude(paths) }
    }
}

/// An answer as it is used.
pub(super) struct ReadAnswer {
    /// What the field manager is told of what the strategy answers.
    pub(super) filter: Option<Filter>,
    /// What the strategy does.
    pub(super) values: Arc<Values>,
}

/// The answers of an endpoint, which are read when they are first asked for. Linear in the number of
/// endpoints, which is that of the table.
pub(super) fn find(
    group: &str,
    kind: &str,
    subresource: &str,
) -> impl Iterator<Item = (&'static [&'static str], &'static Answer, &'static ReadAnswer)> {
    static READ: [OnceLock<ReadAnswer>; v1_37::ENDPOINTS.len()] =
        [const { OnceLock::new() }; v1_37::ENDPOINTS.len()];
    // Lengths tell most kinds apart, which is sooner done for all than halving by their names.
    let is_wanted = move |[of_group, of_kind, of_subresource]: &[&str; 3]| {
        *of_kind == kind && *of_subresource == subresource && *of_group == group
    };
    let rows = v1_37::ENDPOINTS.iter().zip(&READ).filter(move |((row, ..), _)| is_wanted(row));
    rows.map(|((_, versions, answer), read)| {
        (*versions, answer, read.get_or_init(|| answer.read()))
    })
}
