//! `schema`: what is known of kinds, and what a change of schemas does.

mod diff;
mod list;
mod show;

use clap::Subcommand;

use crate::schema::GroupVersionKind;

use super::schemas::Known;
use super::session::Session;
use super::{Color, Types};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct SchemaArgs {
    #[command(subcommand)]
    command: SchemaCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum SchemaCommand {
    /// List the kinds that are known
    List(list::ListArgs),
    /// Show how the fields of a kind are owned
    Show(show::ShowArgs),
    /// See how the ownership of fields differs between two schemas
    Diff(diff::DiffArgs),
}

/// What the commands take that are about schemas alone.
#[derive(Debug, Clone, clap::Args)]
struct Common {
    #[command(flatten)]
    types: Types,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Clone, clap::Args)]
struct Reading {
    /// Read directories with all directories below them
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Whether messages are coloured
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    color: Color,
}

impl SchemaArgs {
    pub(super) fn color(&self) -> Color {
        match &self.command {
            SchemaCommand::List(args) => args.common.reading.color,
            SchemaCommand::Show(args) => args.common.reading.color,
            SchemaCommand::Diff(args) => args.reading.color,
        }
    }
}

pub(super) fn run(args: SchemaArgs, session: &mut Session<'_, '_>) {
    match args.command {
        SchemaCommand::List(args) => list::run(&args, session),
        SchemaCommand::Show(args) => show::run(&args, session),
        SchemaCommand::Diff(args) => diff::run(&args, session),
    }
}

impl Common {
    fn load(&self, session: &mut Session<'_, '_>) -> Option<Known> {
        Known::load_all(&self.types, self.reading.recursive, session)
    }
}

/// A kind as arguments name it: `apps/v1/Deployment`, `v1/ConfigMap`.
fn name(kind: &GroupVersionKind) -> String {
    format!("{}/{}", kind.api_version(), kind.kind)
}

/// Rows of texts as a table whose columns are as wide as their widest cell, `kubectl`'s layout.
fn table(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            let room = width.saturating_sub(cell.chars().count());
            line.extend(std::iter::repeat_n(' ', room + 3));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn json<T: serde::Serialize>(value: &T) -> String {
    super::output::pretty(&serde_json::to_string(value).unwrap_or_default())
}
