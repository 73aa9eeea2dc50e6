//! Completions for shells and pages for `man`, made of what the arguments say of themselves.

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use super::Args;
use super::session::Session;

pub(super) fn completions(shell: Shell, session: &mut Session<'_, '_>) {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut out);
    session.print(&String::from_utf8_lossy(&out));
}

/// The page of the program, or of the command that these words lead to.
pub(super) fn page(words: &[String], session: &mut Session<'_, '_>) {
    let mut command = Args::command();
    command.build();
    let mut name = command.get_name().to_owned();
    for word in words {
        let Some(inner) = command.find_subcommand(word).cloned() else {
            let message = format!("{name} has no command {word}");
            return session.error("man", message);
        };
        name = format!("{name}-{word}");
        command = inner;
    }
    let mut out = Vec::new();
    match Man::new(command).title(name).render(&mut out) {
        Ok(()) => session.print(&String::from_utf8_lossy(&out)),
        Err(error) => session.error("man", error),
    }
}
