//! A finding with where it is.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::analysis::lint::{Finding, Rule};
use crate::cli::report::Who;
use crate::cli::stream::Spot;
use crate::fieldpath::Path;

/// Something that was found. It keeps nothing of the object.
#[derive(Serialize)]
pub(super) struct Found {
    #[serde(serialize_with = "id_of")]
    pub(super) rule: &'static Rule,
    pub(super) name: &'static str,
    pub(super) severity: &'static str,
    #[serde(serialize_with = "shared")]
    pub(super) object: Arc<Who>,
    pub(super) path: String,
    /// Of a definition: which field of which version the schema there is of.
    pub(super) field: Option<String>,
    pub(super) message: String,
    #[serde(serialize_with = "shared")]
    pub(super) file: Arc<str>,
    pub(super) line: usize,
    #[serde(skip)]
    pub(super) column: Option<usize>,
    /// What is to be taken out of the document.
    #[serde(skip)]
    pub(super) removals: Vec<Path>,
    #[serde(rename = "fixed")]
    pub(super) is_fixed: bool,
}

fn id_of<S: Serializer>(rule: &&'static Rule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rule.id())
}

fn shared<T: Serialize + ?Sized, S: Serializer>(
    shared: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    shared.as_ref().serialize(serializer)
}

/// Which object, and in which file.
#[derive(Clone)]
pub(super) struct Whole {
    pub(super) file: Arc<str>,
    pub(super) who: Arc<Who>,
}

impl Found {
    pub(super) fn new(finding: &Finding, spot: Spot, whole: &Whole, message: String) -> Found {
        let rule = finding.rule();
        Found {
            rule,
            name: rule.name(),
            severity: rule.severity().as_str(),
            object: whole.who.clone(),
            path: finding.path().to_string(),
            field: finding.field().map(str::to_owned),
            message,
            file: whole.file.clone(),
            line: spot.line,
            column: spot.column,
            removals: finding.removals().to_vec(),
            is_fixed: false,
        }
    }

    /// The object, the path and what is there.
    pub(super) fn text(&self) -> String {
        let place = self.field.as_deref().unwrap_or(&self.path);
        let space = if place.is_empty() { "" } else { " " };
        format!("{}{space}{place}: {}", self.object, self.message)
    }
}
