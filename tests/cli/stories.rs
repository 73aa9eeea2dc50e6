//! The stories in `docs/stories` are what they say: every command in them is run, and prints what
//! stands below it. So do the guides in `docs/guides`, of which those commands are run that work on files of
//! the project.
//!
//! `UPDATE_STORIES=1` writes what is printed into the stories; read the difference afterwards.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::run_words;

/// What commands in stories write to and read from besides the project's files.
const SCRATCH: &str = "/tmp/";

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/stories");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("README.md"))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found
}

/// Words as a shell has them, of which only single quotes are used.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for sign in line.chars() {
        match sign {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            sign => words.last_mut().unwrap().push(sign),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A run of a command line: what it prints, and how it ends.
fn execute(line: &str, scratch: &Path) -> (String, i32) {
    let in_scratch = |word: &str| match word.strip_prefix(SCRATCH) {
        Some(rest) => scratch.join(rest).display().to_string(),
        None => word.replace(&format!("={SCRATCH}"), &format!("={}/", scratch.display())),
    };
    let (line, target) = match line.split_once(" > ") {
        Some((line, target)) => (line, Some(in_scratch(target))),
        None => (line, None),
    };
    let words: Vec<String> = words(line).iter().map(|word| in_scratch(word)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ("managed-fields", arguments) = (words[0], &words[1..]) else { panic!("{line}") };
    let done = run_words(arguments);
    let out = match target {
        Some(target) => {
            std::fs::write(target, &done.out).unwrap();
            done.err
        }
        None => done.out + &done.err,
    };
    (out.replace(&format!("{}/", scratch.display()), SCRATCH), done.code)
}

/// Whether a command of a guide can be run here.
fn can_be_run(command: &str) -> bool {
    let names_files = command.contains("docs/") || command.contains(SCRATCH);
    let is_ours = command.starts_with("managed-fields ") && names_files;
    command == "echo $?" || is_ours && !command.contains('|')
}

/// The story as it would be if its commands were run now, all of them or those of a guide.
fn retold(story: &str, is_guide: bool, scratch: &Path) -> String {
    let mut out = String::new();
    let mut lines = story.lines().peekable();
    let mut is_console = false;
    let mut code = 0;
    // The last command was not run, and what it prints is taken as told.
    let mut is_taken = false;
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            is_console = line == "```console";
        } else if is_console {
            let Some(command) = line.strip_prefix("$ ") else {
                if is_taken {
                    let _ = writeln!(out, "{line}");
                }
                continue;
            };
            let mut command = command.to_owned();
            let _ = writeln!(out, "{line}");
            while let Some(part) = command.strip_suffix('\\') {
                let next = lines.next().unwrap();
                let _ = writeln!(out, "{next}");
                command = format!("{} {}", part.trim_end(), next.trim());
            }
            is_taken = is_guide && !can_be_run(&command);
            if is_taken {
                continue;
            }
            if command == "echo $?" {
                let _ = writeln!(out, "{code}");
                code = 0;
            } else {
                assert_eq!(code, 0, "how the command before `{command}` ends is not told");
                let printed;
                (printed, code) = execute(&command, scratch);
                out += &printed;
            }
            continue;
        }
        if !is_console || line.starts_with("```") {
            assert!(
                is_console || code == 0,
                "how the last command before {line:?} ends is not told"
            );
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

/// Runs the commands of a document.
fn check(path: &Path, is_guide: bool) {
    let name = path.display().to_string().replace(['/', '.'], "-");
    let scratch =
        std::env::temp_dir().join(format!("managed-fields-story{name}-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let told = std::fs::read_to_string(path).unwrap();
    let retold = retold(&told, is_guide, &scratch);
    std::fs::remove_dir_all(&scratch).unwrap();
    if std::env::var_os("UPDATE_STORIES").is_some() {
        std::fs::write(path, &retold).unwrap();
    } else {
        assert_eq!(told, retold, "{name}");
    }
}

#[test]
fn stories_are_true() {
    let stories = stories();
    assert_eq!(stories.len(), 7);
    for path in stories {
        check(&path, false);
    }
}

#[test]
fn guides_are_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides");
    let guides: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(guides.len(), 6);
    for path in guides {
        check(&path, true);
    }
}
