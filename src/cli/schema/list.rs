//! `schema list`: the kinds that are known.

use clap::ValueEnum;
use serde::Serialize;

use super::super::session::Session;
use super::Common;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// How the kinds are written
    #[arg(short = 'o', long, value_enum, default_value_t = Listing::Table)]
    output: Listing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Listing {
    /// A line for each
    Table,
    /// A list of objects
    Json,
    /// A name for each, such as apps/v1/Deployment
    Name,
}

#[derive(Serialize)]
struct Row {
    group: String,
    version: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaced: Option<bool>,
    source: String,
}

pub(super) fn run(args: &ListArgs, session: &mut Session<'_, '_>) {
    let Some(known) = args.common.load(session) else { return };
    let kinds = known.schemas().kinds();
    if args.output == Listing::Name {
        let names: Vec<String> = kinds.iter().map(|kind| super::name(kind) + "\n").collect();
        return session.print(&names.concat());
    }
    let row = |kind: crate::schema::GroupVersionKind| Row {
        namespaced: known.schemas().is_namespaced(&kind),
        source: known.source(&kind),
        group: kind.group,
        version: kind.version,
        kind: kind.kind,
    };
    let rows: Vec<Row> = kinds.into_iter().map(row).collect();
    if args.output == Listing::Json {
        return session.print(&super::json(&rows));
    }
    let heading = ["KIND", "APIVERSION", "NAMESPACED", "SOURCE"].map(str::to_owned).to_vec();
    let cells = rows.into_iter().map(|row| {
        let namespaced = row.namespaced.map_or("-".to_owned(), |is| is.to_string());
        let api_version = match row.group.as_str() {
            "" => row.version,
            group => format!("{group}/{}", row.version),
        };
        vec![row.kind, api_version, namespaced, row.source]
    });
    let table: Vec<Vec<String>> = std::iter::once(heading).chain(cells).collect();
    session.print(&super::table(&table));
}
