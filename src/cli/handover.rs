//! `plan rename`, `plan merge`, `plan release` and `plan purge`: what managers own in other hands.

use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;

use crate::analysis::{Blame, PathError, entries_of, resolve_path};
use crate::fieldmanager::{Handover, HandoverError};
use crate::fieldpath::{FieldSet, Path};
use crate::managedfields::{ManagedFieldsEntry, Operation};
use crate::value::Value;

use super::plan::{Change, Shared, prunes};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct RenameArgs {
    #[command(flatten)]
    pub(super) shared: Shared,
    /// The name that the manager has
    #[arg(long, value_name = "NAME")]
    from: String,
    /// The name that it is to have
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    to: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct MergeArgs {
    #[command(flatten)]
    pub(super) shared: Shared,
    /// The managers that become one (repeatable)
    #[arg(long, value_name = "NAME", required = true)]
    from: Vec<String>,
    /// The manager that they become, which may be one of them
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    to: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ReleaseArgs {
    #[command(flatten)]
    pub(super) shared: Shared,
    /// Who releases fields
    #[arg(long, value_name = "NAME")]
    field_manager: String,
    /// The field that is released with all below it, written as explain takes it (repeatable)
    #[arg(long, value_name = "PATH", required = true)]
    path: Vec<String>,
    /// Who gets them; if not said, nobody
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    to: Option<String>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct PurgeArgs {
    #[command(flatten)]
    pub(super) shared: Shared,
    /// The manager that is dropped
    #[arg(long, value_name = "NAME")]
    field_manager: String,
    #[command(flatten)]
    which: Which,
}

/// Which entries of a manager are meant.
#[derive(Debug, Clone, clap::Args)]
struct Which {
    /// Only what the managers own by this operation
    #[arg(long, value_name = "WHICH", value_enum)]
    operation: Option<Written>,
    /// Only what they write through this subresource; with "" to the object itself
    #[arg(long, value_name = "NAME")]
    subresource: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Written {
    /// By server-side apply
    Apply,
    /// By anything else
    Update,
}

impl Which {
    fn narrow<'a>(&self, handover: Handover<'a>) -> Handover<'a> {
        let handover = match self.operation {
            Some(Written::Apply) => handover.operation(Operation::Apply),
            Some(Written::Update) => handover.operation(Operation::Update),
            None => handover,
        };
        match &self.subresource {
            Some(subresource) => handover.subresource(subresource),
            None => handover,
        }
    }

    /// The plan for a handover to somebody or nobody; how one speaks of it is filled in.
    fn change(&self, handover: Handover<'_>, to: Option<&str>) -> Result<Change, String> {
        let handover = match to {
            Some(to) => handover.to(to),
            None => handover,
        };
        let done = self.narrow(handover).run().map_err(|error| match error {
            error @ HandoverError::Versions { .. } => {
                format!("{error}; bring them to one with plan migrate-version first")
            }
            error => error.to_string(),
        })?;
        let fields = done.taken().iter().map(|entry| &entry.fields);
        let outlook = match to {
            Some(to) if done.patch().is_some() => outlook(to, &entries_of_text(done.object())),
            _ => String::new(),
        };
        Ok(Change {
            object: done.object().to_owned(),
            patch: done.patch().map(str::to_owned),
            nothing: String::new(),
            moved: fields.fold(FieldSet::default(), |all, fields| all.union(fields)),
            lost: done.lost().to_vec(),
            advice: String::new(),
            owner: |entry| entry.manager.to_string(),
            outlook,
            applier: (None, self.subresource.clone().unwrap_or_default()),
        })
    }

    /// The plan by which a manager gets all that others own.
    fn merged(&self, object: &Value, from: &[String], to: &str) -> Result<Change, String> {
        let handover =
            from.iter().fold(Handover::new(object), |handover, name| handover.from(name));
        let names: Vec<String> = from.iter().map(|name| format!("\"{name}\"")).collect();
        let change = self.change(handover, Some(to))?;
        Ok(Change {
            nothing: format!("no entry of {}", names.join(", ")),
            applier: (Some(to.to_owned()), change.applier.1),
            ..change
        })
    }
}

impl RenameArgs {
    pub(super) fn change(&self, object: &Value) -> Result<Change, String> {
        self.which.merged(object, std::slice::from_ref(&self.from), &self.to)
    }
}

impl MergeArgs {
    pub(super) fn change(&self, object: &Value) -> Result<Change, String> {
        self.which.merged(object, &self.from, &self.to)
    }
}

impl PurgeArgs {
    pub(super) fn change(&self, object: &Value) -> Result<Change, String> {
        let name = &self.field_manager;
        let change = self.which.change(Handover::new(object).from(name), None)?;
        let is_last = entries_of_text(&change.object).is_empty();
        Ok(Change {
            nothing: format!("no entry of \"{name}\""),
            advice: "To keep them owned, give them to somebody: plan merge, or plan adopt to an \
                     applier."
                .to_owned(),
            outlook: match is_last {
                true => "No owner is left: the next apply finds all fields owned by \
                         \"before-first-apply\"."
                    .to_owned(),
                false => String::new(),
            },
            ..change
        })
    }
}

/// What is to be said of somebody who owns more than before.
fn outlook(to: &str, entries: &[ManagedFieldsEntry]) -> String {
    let is_by = |operation| {
        let mut own = entries.iter().map(|entry| &entry.manager);
        own.any(|manager| manager.name() == to && manager.operation() == operation)
    };
    match (is_by(Operation::Apply), is_by(Operation::Update)) {
        (true, true) => format!(
            "{}\n\"{to}\" has applied and updated, which are two managers to the API server: plan adopt \
             makes one applier of both.",
            prunes(to)
        ),
        (true, false) => prunes(to),
        (false, _) => String::new(),
    }
}

fn entries_of_text(object: &str) -> Vec<ManagedFieldsEntry> {
    let object = Value::from_json(object).unwrap_or_else(|_| Value::null());
    entries_of(&object).unwrap_or_default()
}

impl ReleaseArgs {
    pub(super) fn change(&self, object: &Value) -> Result<Change, String> {
        let entries = entries_of(object).map_err(|error| error.to_string())?;
        let blame = Blame::new(object, &entries, None);
        let name = &self.field_manager;
        let mut fields = FieldSet::default();
        let mut nothing = None;
        for text in &self.path {
            match resolve_path(text, &blame) {
                Ok(path) => {
                    nothing.get_or_insert_with(|| self.why_nothing(text, &path, &entries));
                    fields = fields.with(&path);
                }
                Err(error @ PathError::Missing { .. }) => {
                    nothing.get_or_insert_with(|| error.to_string());
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        let handover = Handover::new(object).from(name).fields(&fields);
        let change = self.which.change(handover, self.to.as_deref())?;
        Ok(Change {
            nothing: nothing.unwrap_or_default(),
            advice: "To keep them owned, give them to somebody with --to.".to_owned(),
            outlook: match &self.to {
                Some(_) => change.outlook,
                None => format!("If \"{name}\" applies them again, it owns them again."),
            },
            applier: (Some(name.clone()), change.applier.1),
            ..change
        })
    }

    /// Why a manager has nothing to release at a path.
    fn why_nothing(&self, text: &str, path: &Path, entries: &[ManagedFieldsEntry]) -> String {
        let name = &self.field_manager;
        let own: Vec<&FieldSet> = entries
            .iter()
            .filter(|entry| entry.manager.name() == name)
            .map(|entry| &entry.fields)
            .collect();
        let is_whole = |around: &Path| {
            let wanted = FieldSet::default().with(around);
            let owned = |fields: &&&FieldSet| {
                fields.difference(&fields.recursive_difference(&wanted)) == wanted
            };
            own.iter().any(|fields| owned(&fields))
        };
        let around = (1..path.elements().len()).rev();
        let around = around.filter_map(|length| path.elements().get(..length));
        let around = around.map(|elements| Path::new(elements.to_vec())).find(is_whole);
        match around {
            Some(around) => format!(
                "\"{name}\" owns {text} only as part of {around}, which can be released as a whole"
            ),
            None => format!("\"{name}\" owns nothing at {text}"),
        }
    }
}
