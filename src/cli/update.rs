//! `update`: what creating or replacing an object does to ownership.

use crate::fieldmanager::{Document, FieldManager, ScaleMapping, Status, UpdateError};

use super::input::{self, Object};
use super::output::Results;
use super::pairs::{self, Pair};
use super::scale::{Parent, Scaling};
use super::schemas::Known;
use super::session::Session;
use super::{Common, Objects, ResetFields};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    objects: Objects,
    #[command(flatten)]
    writer: Writer,
}

/// Who writes an object.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Writer {
    /// Who writes; without it the user agent says, else it is "unknown"
    #[arg(long, value_name = "NAME")]
    field_manager: Option<String>,
    /// The User-Agent of the client, such as "kubectl/v1.37.2", which names a writer that has no
    /// name
    #[arg(long, value_name = "TEXT")]
    user_agent: Option<String>,
}

pub(super) fn run(args: UpdateArgs, session: &mut Session<'_, '_>) {
    let Some(mut known) = Known::load(&args.common, session) else { return };
    let recursive = args.common.recursive;
    let objects = input::load(&args.common.filename, recursive, session);
    let lives = input::load_live(&args.objects.target.live, recursive, session);
    let pairs = match Scaling::asked_for(&args.common, &args.objects.target) {
        Some(scaling) => scaling.pair(objects, lives, &mut known, session),
        None => pairs::pair(objects, lives, args.common.namespace.as_deref(), session),
    };
    let mut results = Results::new(&args.objects, session);
    for pair in pairs {
        let pair = pair.and_then(|pair| {
            known.prepare(&pair.config, session)?;
            Ok(pair)
        });
        match pair {
            Ok(Pair { config, live, parent }) => {
                let subresource = args.objects.target.subresource();
                let parent = parent.as_ref();
                let reset_fields = args.objects.target.reset_fields;
                let known = &known;
                let write =
                    Write { writer: &args.writer, subresource, reset_fields, known, parent };
                write.record(live.as_ref(), &config, &mut results, session);
            }
            Err(message) => results.failure(&message),
        }
    }
    results.print(session);
}

/// A write of the whole object.
pub(super) struct Write<'w> {
    pub(super) writer: &'w Writer,
    pub(super) subresource: &'w str,
    pub(super) reset_fields: ResetFields,
    pub(super) known: &'w Known,
    /// The object whose `Scale` is written.
    pub(super) parent: Option<&'w Parent>,
}

impl Write<'_> {
    /// Records the ownership of a new object that takes the place of the live one.
    pub(super) fn record(
        &self,
        live: Option<&Object>,
        new: &Object,
        results: &mut Results,
        session: &mut Session<'_, '_>,
    ) {
        if let Some(live) = live
            && live.identity.kind != new.identity.kind
        {
            let message = format!("invalid object type: {}", new.identity.kind);
            session.error(&new.place, &message);
            results.status(&Status::failure(400, "BadRequest", message, None));
            return;
        }
        let document = match live {
            Some(live) => {
                if self.parent.is_none() {
                    live.warn_if_owners_were_hidden(session);
                }
                Document::from(&live.value)
            }
            None => Document::absent(),
        };
        let sent = match self.parent.map(|_| ScaleMapping::sent_scale(&new.value)) {
            Some(Err(error)) => {
                results.status(&error.to_status());
                return session.error(&new.place, error);
            }
            Some(Ok(scale)) => scale,
            None => new.value.clone(),
        };
        let mut request = FieldManager::new(self.known.schemas())
            .converter(self.known.converter(&new.identity.kind))
            .storage(self.parent.is_none())
            .update(document, &sent)
            .field_manager(self.writer.field_manager.as_deref().unwrap_or_default())
            .subresource(self.subresource)
            .reset_fields(self.known.reset_fields(self.reset_fields, &new.identity.kind))
            .at(session.now());
        if let Some(user_agent) = &self.writer.user_agent {
            request = request.user_agent(user_agent);
        }
        let updated = request.clone().run().or_else(|error| match error {
            // Trouble with ownership does not stop a write; trouble with the new object does.
            UpdateError::ConvertLive { .. }
            | UpdateError::TypedLive { .. }
            | UpdateError::Managers { .. }
            | UpdateError::Encode(_) => {
                session
                    .warn(&new.place, format_args!("{error}; the entries of the live object stay"));
                request.run_without_errors()
            }
            error => Err(error),
        });
        match updated {
            Ok(updated) if let Some(parent) = self.parent => {
                parent.take(new, &updated.to_value(), results, session);
            }
            Ok(updated) => results.object(&new.identity, updated.object()),
            Err(error) => {
                results.status(&error.to_status());
                let at_fault = match &error {
                    UpdateError::Live(_) => live.unwrap_or(new),
                    _ => new,
                };
                session.error(&at_fault.place, &error);
            }
        }
    }
}
