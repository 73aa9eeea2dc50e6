//! `extract`: the apply configuration that a manager owns of an object.

use crate::fieldmanager::FieldManager;

use super::input::{self, Object};
use super::output::Results;
use super::schemas::Known;
use super::session::Session;
use super::{Common, Format};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ExtractArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Whose configuration it is
    #[arg(long, value_name = "NAME", required = true)]
    field_manager: String,
    /// The subresource that it was applied to
    #[arg(long, value_name = "NAME", default_value = "")]
    subresource: String,
    /// Add name, namespace and the keys of list items, so that the result can be applied again
    #[arg(long)]
    with_keys: bool,
    /// How the result is written
    #[arg(short = 'o', long, value_enum, default_value_t = Format::Yaml)]
    output: Format,
    /// Show the values of Secrets on a terminal
    #[arg(long)]
    show_secrets: bool,
}

pub(super) fn run(args: ExtractArgs, session: &mut Session<'_, '_>) {
    let Some(mut known) = Known::load(&args.common, session) else { return };
    let objects = input::load(&args.common.filename, args.common.recursive, session);
    let mut results = Results::written(args.output, true, args.show_secrets, session);
    for object in objects {
        let object = object.and_then(|mut object| {
            known.prepare(&object, session)?;
            if let Some(namespace) = &args.common.namespace
                && object.identity.namespace.is_empty()
            {
                object.fill("namespace", namespace);
            }
            Ok(object)
        });
        match object {
            Ok(object) => extract(&args, &known, &object, &mut results, session),
            Err(message) => results.failure(&message),
        }
    }
    results.print(session);
}

fn extract(
    args: &ExtractArgs,
    known: &Known,
    object: &Object,
    results: &mut Results,
    session: &mut Session<'_, '_>,
) {
    object.warn_if_owners_were_hidden(session);
    let extracted = FieldManager::new(known.schemas())
        .extract(&object.value)
        .field_manager(&*args.field_manager)
        .subresource(&*args.subresource)
        .with_keys(args.with_keys)
        .run();
    match extracted {
        Ok(Some(extracted)) => results.object(&object.identity, &extracted),
        Ok(None) => {
            let to = match args.subresource.as_str() {
                "" => String::new(),
                subresource => format!(" to the subresource \"{subresource}\""),
            };
            session.note(
                &object.place,
                format_args!("\"{}\" has applied nothing{to}", args.field_manager),
            );
        }
        Err(error) => {
            results.failure(&error.to_string());
            session.error(&object.place, error);
        }
    }
}
