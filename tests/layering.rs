//! Dependencies between the modules of the crate run strictly downward.
//!
//! One crate has no package boundaries that would keep its layers apart, so the sources are read as
//! text: every `crate::…` and `super::…` path, outside of comments and strings, must lead into the
//! file's own module or into a lower one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// The modules, lowest first.
const LAYERS: [&str; 11] = [
    "deep",
    "value",
    "fieldpath",
    "schema",
    "typed",
    "merge",
    "managedfields",
    "fieldmanager",
    "analysis",
    "cli",
    "bin",
];

/// Stands beside the layers: knows text and values only, and only what reads text knows it.
const BESIDE: &str = "yaml";
const BESIDE_USES: [&str; 2] = ["deep", "value"];
const BESIDE_USED_BY: [&str; 2] = ["cli", "bin"];

fn may_use(module: &str, used: &str) -> bool {
    let rank = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    match (module, used) {
        (a, b) if a == b => true,
        // The root names every module in order to re-export it.
        ("", _) => used != "bin",
        (BESIDE, used) => BESIDE_USES.contains(&used),
        (module, BESIDE) => BESIDE_USED_BY.contains(&module),
        (module, used) => {
            rank(module).is_some_and(|own| rank(used).is_some_and(|other| other < own))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Token<'t> {
    Word(&'t str),
    /// `::`
    Into,
    Sign(char),
}

/// Splits Rust source into words and signs; comments, strings and character literals are left out.
fn tokens(source: &str) -> Vec<(usize, Token<'_>)> {
    let bytes = source.as_bytes();
    let mut out = Vec::new();
    let (mut at, mut line) = (0, 1);
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    while at < bytes.len() {
        let rest = &source[at..];
        let length = match bytes[at] {
            _ if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ if rest.starts_with("/*") => block_comment(rest),
            b'"' => quoted(rest, '"'),
            b'\'' => character(rest),
            b'r' | b'b' | b'c' if raw_string(rest).is_some() => raw_string(rest).unwrap(),
            b':' if rest.starts_with("::") => {
                out.push((line, Token::Into));
                2
            }
            byte if is_word(byte) => {
                let end = rest.bytes().position(|byte| !is_word(byte)).unwrap_or(rest.len());
                out.push((line, Token::Word(&rest[..end])));
                end
            }
            byte => {
                if !byte.is_ascii_whitespace() {
                    out.push((line, Token::Sign(char::from(byte))));
                }
                1
            }
        };
        line += rest[..length].matches('\n').count();
        at += length;
    }
    out
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of a literal that ends at the next unescaped `quote`.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character literal as a whole, of a lifetime the quote alone.
fn character(text: &str) -> usize {
    let mut characters = text.chars().skip(1);
    match (characters.next(), characters.next()) {
        (Some('\\'), _) | (_, Some('\'')) => quoted(text, '\''),
        _ => 1,
    }
}

/// `r"…"`, `br#"…"#`, `b"…"` and so on.
fn raw_string(text: &str) -> Option<usize> {
    let prefix = text.find(|character| !matches!(character, 'r' | 'b' | 'c'))?;
    let (prefix, rest) = text.split_at(prefix);
    if prefix.len() > 2 {
        return None;
    }
    if !prefix.contains('r') {
        return rest.starts_with('"').then(|| prefix.len() + quoted(rest, '"'));
    }
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let body = rest[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close).map_or(body.len(), |end| end + close.len());
    Some(prefix.len() + hashes + 1 + end)
}

/// A path that leads out of the module it stands in.
#[derive(PartialEq, Eq, Debug)]
struct Use {
    line: usize,
    /// The first name below the root; `*` for all of them.
    top: String,
}

/// The module declarations and the paths of one file.
#[derive(Default, PartialEq, Eq, Debug)]
struct Scan {
    /// Modules declared with a file of their own: the inline modules around them and the name.
    files: Vec<Vec<String>>,
    uses: Vec<Use>,
}

/// Reads a file that is the module `module` of its crate.
fn scan(source: &str, module: &[String]) -> Scan {
    let tokens = tokens(source);
    let token = |at: usize| tokens.get(at).map(|(_, token)| *token);
    let mut out = Scan::default();
    // Inline modules that are open, each with the depth of braces at which it ends.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        match token(at) {
            Some(Token::Sign('{')) => depth += 1,
            Some(Token::Sign('}')) => {
                depth -= 1;
                if inline.last().is_some_and(|(_, end)| *end == depth) {
                    inline.pop();
                }
            }
            Some(Token::Word("mod")) => match (token(at + 1), token(at + 2)) {
                (Some(Token::Word(name)), Some(Token::Sign(';'))) => {
                    let mut path: Vec<String> =
                        inline.iter().map(|(name, _)| name.clone()).collect();
                    path.push(name.to_owned());
                    out.files.push(path);
                }
                (Some(Token::Word(name)), Some(Token::Sign('{'))) => {
                    inline.push((name.to_owned(), depth));
                }
                _ => {}
            },
            Some(Token::Word(start @ ("crate" | "super")))
                if token(at + 1) == Some(Token::Into)
                    && (at == 0 || token(at - 1) != Some(Token::Into)) =>
            {
                let mut place: Vec<&str> = module.iter().map(String::as_str).collect();
                place.extend(inline.iter().map(|(name, _)| name.as_str()));
                if start == "crate" {
                    place.clear();
                } else {
                    place.pop();
                }
                at += 2;
                while token(at) == Some(Token::Word("super")) && token(at + 1) == Some(Token::Into)
                {
                    place.pop();
                    at += 2;
                }
                let line = tokens.get(at).map_or(0, |(line, _)| *line);
                match place.first() {
                    Some(top) => out.uses.push(Use { line, top: (*top).to_owned() }),
                    None => {
                        let mut end = at;
                        for (line, top) in names(&tokens, &mut end) {
                            out.uses.push(Use { line, top: top.to_owned() });
                        }
                    }
                }
                // Braces of a group are seen again: they open and close.
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    out
}

/// The first names of a path, several for a group; `at` is moved behind them.
fn names<'t>(tokens: &[(usize, Token<'t>)], at: &mut usize) -> Vec<(usize, &'t str)> {
    let Some((line, first)) = tokens.get(*at).copied() else { return Vec::new() };
    *at += 1;
    match first {
        Token::Word(name) => vec![(line, name)],
        Token::Sign('*') => vec![(line, "*")],
        Token::Sign('{') => {
            let mut found = Vec::new();
            let (mut depth, mut begins) = (1, true);
            while depth > 0 && *at < tokens.len() {
                let (line, token) = tokens[*at];
                *at += 1;
                match token {
                    Token::Sign('{') => depth += 1,
                    Token::Sign('}') => depth -= 1,
                    Token::Sign(',') if depth == 1 => begins = true,
                    Token::Word(name) if begins => {
                        found.push((line, name));
                        begins = false;
                    }
                    Token::Sign('*') if begins => {
                        found.push((line, "*"));
                        begins = false;
                    }
                    _ => {}
                }
            }
            found
        }
        _ => Vec::new(),
    }
}

/// The module that a file is, from the root of its crate; the programs count as one module `bin`.
fn module_of(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Violation {
    file: PathBuf,
    line: usize,
    module: String,
    used: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { file, line, module, used } = self;
        write!(f, "{}:{line}: `{module}` uses `{used}`", file.display())
    }
}

fn violations(sources: &BTreeMap<PathBuf, String>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, source) in sources {
        let path = module_of(file);
        let module = path.first().map(String::as_str).unwrap_or_default();
        for Use { line, top } in scan(source, &path).uses {
            if !may_use(module, &top) {
                let module = module.to_owned();
                found.push(Violation { file: file.clone(), line, module, used: top });
            }
        }
    }
    found
}

/// The files that no module declaration leads to.
fn unreachable(sources: &BTreeMap<PathBuf, String>) -> Vec<PathBuf> {
    let mut reached: BTreeSet<PathBuf> = BTreeSet::new();
    // Programs are named in the manifest.
    let mut open: Vec<PathBuf> =
        sources.keys().filter(|file| file.starts_with("bin")).cloned().collect();
    open.push(PathBuf::from("lib.rs"));
    while let Some(file) = open.pop() {
        let Some(source) = sources.get(&file) else { continue };
        let path = module_of(&file);
        let folder: PathBuf = path.iter().collect();
        for names in scan(source, &path).files {
            let base = folder.join(names.iter().collect::<PathBuf>());
            open.push(base.join("mod.rs"));
            open.push(base.with_extension("rs"));
        }
        reached.insert(file);
    }
    sources.keys().filter(|file| !reached.contains(*file)).cloned().collect()
}

/// The lines that hold unsafe code or let it in: the root forbids it, and nothing else mentions it.
fn unsafe_lines(source: &str) -> Vec<usize> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    for (at, (line, token)) in tokens.iter().enumerate() {
        let forbidden = at >= 2
            && tokens[at - 2].1 == Token::Word("forbid")
            && tokens[at - 1].1 == Token::Sign('(');
        if matches!(token, Token::Word("unsafe"))
            || (*token == Token::Word("unsafe_code") && !forbidden)
        {
            found.push(*line);
        }
    }
    found
}

fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(&root).unwrap().to_owned(), text);
            }
        }
    }
    assert!(found.len() > 50, "only {} sources found", found.len());
    found
}

#[track_caller]
fn assert_none<T: fmt::Debug>(found: Vec<T>, show: impl Fn(&T) -> String) {
    let lines: Vec<String> = found.iter().map(show).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn modules_use_only_lower_modules() {
    assert_none(violations(&sources()), ToString::to_string);
}

#[test]
fn every_module_has_a_layer() {
    for file in sources().keys() {
        let module = module_of(file).into_iter().next().unwrap_or_default();
        assert!(
            module.is_empty() || module == BESIDE || LAYERS.contains(&module.as_str()),
            "{} has no place among the layers",
            file.display()
        );
    }
}

#[test]
fn every_source_is_reachable() {
    assert_none(unreachable(&sources()), |file| file.display().to_string());
}

#[test]
fn nothing_is_unsafe() {
    let sources = sources();
    for (file, source) in &sources {
        assert_eq!(unsafe_lines(source), [0usize; 0], "{}", file.display());
    }
    assert!(sources[Path::new("lib.rs")].contains("#![forbid(unsafe_code)]"));
}

/// Tests of the scanner: what it does not see, it cannot forbid.
mod scanner {
    use super::*;

    fn project(files: &[(&str, &str)]) -> BTreeMap<PathBuf, String> {
        files.iter().map(|(file, text)| (PathBuf::from(file), (*text).to_owned())).collect()
    }

    fn found(file: &str, source: &str) -> Vec<(usize, String)> {
        violations(&project(&[(file, source)])).into_iter().map(|v| (v.line, v.used)).collect()
    }

    #[test]
    fn upward_uses_are_found_in_every_spelling() {
        let merge = [(1, "merge".to_owned())];
        for source in [
            "use crate::merge::Managers;",
            "use crate::{merge::{self, Managers}, value};",
            "use crate::{value::{Arena, Node}, merge};",
            "pub(crate) use crate::merge as m;",
            "fn f() { crate::merge::f(); }",
            "use super::super::merge::Managers;",
            "use super::super::{deep, merge};",
            "mod tests { use super::super::super::merge::Managers; }",
            "/* /* nested */ */ use crate::merge::X; // crate::cli",
            "const A: char = '\"'; use crate::merge::X; const B: char = '\"';",
            "fn f<'a>(x: &'a str) { crate::merge::f(x) }",
        ] {
            assert_eq!(found("typed/compare.rs", source), merge, "{source}");
        }
        let line = "// one\n\"two\nthree\";\nuse crate::{\n    deep,\n    cli,\n};";
        assert_eq!(found("typed/mod.rs", line), [(6, "cli".to_owned())]);
    }

    #[test]
    fn downward_uses_comments_and_strings_are_not_found() {
        for source in [
            "use crate::{value::Value, fieldpath::{self, Path}, schema, deep};",
            "use super::items::Identity; use super::super::value;",
            "mod tests { use super::*; use super::super::merge; }",
            "mod a { mod b {} use super::super::shape; } use super::items;",
            "// crate::merge\n/// crate::merge\n//! crate::merge",
            "/* crate::merge /* crate::cli */ crate::cli */",
            "const A: &str = \"crate::merge\"; const B: &str = r#\"\"crate::merge\"#;",
            "const A: &[u8] = b\"crate::merge\\\"crate::merge\"; const B: &[u8] = br\"crate::cli\\\";",
            "pub(crate) fn f() {} pub(super) mod merge {}",
            "use other::crate_::merge; let crate_ = merge::x;",
        ] {
            assert_eq!(found("typed/compare.rs", source), [], "{source}");
        }
    }

    #[test]
    fn the_root_and_all_of_it_are_no_module() {
        // Through the root's re-exports one could use anything unnoticed.
        for source in ["use crate::Value;", "use crate::*;", "use crate::{self as all};"] {
            assert_eq!(found("cli/mod.rs", source).len(), 1, "{source}");
        }
        assert_eq!(found("lib.rs", "pub use crate::cli::run;"), []);
        assert_eq!(found("lib.rs", "pub use self::bin::run; use crate::bin;").len(), 1);
    }

    #[test]
    fn yaml_stands_beside() {
        assert_eq!(found("yaml.rs", "use crate::value; use crate::deep;"), []);
        assert_eq!(found("yaml.rs", "use crate::fieldpath;").len(), 1);
        assert_eq!(found("fieldmanager/mod.rs", "use crate::yaml;").len(), 1);
        assert_eq!(found("cli/mod.rs", "use crate::yaml;"), []);
    }

    #[test]
    fn files_without_a_declaration_are_found() {
        let sources = project(&[
            ("lib.rs", "mod a; mod d { mod e; } // mod b;"),
            ("a/mod.rs", "#[cfg(test)]\nmod c;"),
            ("a/c.rs", ""),
            ("a/lost.rs", "mod c;"),
            ("b.rs", ""),
            ("d/e.rs", ""),
            ("bin/x.rs", ""),
        ]);
        assert_eq!(unreachable(&sources), [PathBuf::from("a/lost.rs"), PathBuf::from("b.rs")]);
    }

    #[test]
    fn unsafe_code_is_found() {
        assert_eq!(unsafe_lines("#![forbid(unsafe_code)]\n// unsafe\n\"unsafe\""), [0usize; 0]);
        assert_eq!(unsafe_lines("\n#[allow(unsafe_code)]\nfn f() {}"), [2]);
        assert_eq!(unsafe_lines("#![allow(missing_docs, unsafe_code)]"), [1]);
        assert_eq!(unsafe_lines("fn f() { unsafe { g() } }"), [1]);
    }
}
