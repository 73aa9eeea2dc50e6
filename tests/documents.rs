//! The documents hold what they promise: rules are numbered in order and name tests that exist,
//! and links lead somewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|own| own == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What stands under one number or heading, and the tests that it names.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    tests: Vec<Result<Citation, String>>,
}

#[derive(Debug, PartialEq, Eq, Clone)]
enum Citation {
    /// An id of a case written by hand.
    Row(String),
    /// Recorded requests: the file and the operation.
    Vectors(String, String),
    /// The module and the function.
    Function(String, String),
    /// A difference that the comparison knows.
    Explained(String),
}

/// Reads what follows `*Tests:*`: citations with commas between them.
fn citations(text: &str) -> Vec<Result<Citation, String>> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.strip_suffix('.').unwrap_or(&text);
    text.split(", ").flat_map(citation).collect()
}

fn citation(text: &str) -> Vec<Result<Citation, String>> {
    let wrong = || vec![Err(text.to_owned())];
    let code = |text: &str| {
        let inner = text.strip_prefix('`')?.strip_suffix('`')?;
        (!inner.is_empty() && !inner.contains('`')).then(|| inner.to_owned())
    };
    if let Some(row) = text.strip_prefix("row ") {
        let known = row.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./-".contains(&byte));
        return if known && !row.is_empty() {
            vec![Ok(Citation::Row(row.into()))]
        } else {
            wrong()
        };
    }
    if let Some((first, last)) = text.strip_prefix("rows ").and_then(|rows| rows.split_once('-')) {
        let split = |row: &str| {
            let digits = row.bytes().rev().take_while(u8::is_ascii_digit).count();
            let (name, number) = row.split_at(row.len() - digits);
            number.parse::<u32>().ok().map(|number| (name.to_owned(), number))
        };
        let (Some((name, first)), Some((other, last))) = (split(first), split(last)) else {
            return wrong();
        };
        if name != other || first >= last {
            return wrong();
        }
        return (first..=last).map(|n| Ok(Citation::Row(format!("{name}{n}")))).collect();
    }
    if let Some((file, op)) = text.strip_prefix("vectors ").and_then(|t| t.split_once(' ')) {
        let op = op.strip_prefix('(').and_then(|op| op.strip_suffix(')'));
        return match (code(file), op) {
            (Some(file), Some(op)) => vec![Ok(Citation::Vectors(file, op.to_owned()))],
            _ => wrong(),
        };
    }
    if let Some(name) = text.strip_prefix("explained ") {
        return code(name).map_or_else(wrong, |name| vec![Ok(Citation::Explained(name))]);
    }
    match code(text).as_deref().and_then(|path| path.rsplit_once("::")) {
        Some((module, name)) => vec![Ok(Citation::Function(module.into(), name.into()))],
        None => wrong(),
    }
}

/// The entries of a document: each begins with a line that `begins` recognises and ends before the
/// next one or the next heading.
fn entries(document: &str, begins: impl Fn(&str) -> Option<String>) -> Vec<Entry> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in document.lines() {
        if let Some(name) = begins(line) {
            found.push((name, String::new()));
            open = true;
        } else if line.starts_with('#') {
            open = false;
        }
        if let (true, Some((_, text))) = (open, found.last_mut()) {
            text.push_str(line);
            text.push('\n');
        }
    }
    found
        .into_iter()
        .map(|(name, text)| {
            let tests = text.split_once("*Tests:*").map(|(_, tests)| citations(tests));
            Entry { name, tests: tests.unwrap_or_default() }
        })
        .collect()
}

/// `**3.1** ...` begins rule 3.1.
fn rule(line: &str) -> Option<String> {
    let (number, _) = line.strip_prefix("**")?.split_once("**")?;
    number.starts_with(|c: char| c.is_ascii_digit()).then(|| number.to_owned())
}

/// `### ...` begins a divergence.
fn divergence(line: &str) -> Option<String> {
    line.strip_prefix("### ").map(str::to_owned)
}

/// What is wrong with the numbers of a document's rules: sections and rules count from 1.
fn misnumbered(document: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut section, mut number) = (0, 0);
    for line in document.lines() {
        let heading = line.strip_prefix("## ").and_then(|heading| heading.split_once(". "));
        if let Some((found, _)) = heading {
            (section, number) = (section + 1, 0);
            if found != section.to_string() {
                wrong.push(format!("section {found} where {section} belongs"));
            }
        }
        if let Some(found) = rule(line) {
            number += 1;
            let expected = format!("{section}.{number}");
            if found != expected {
                wrong.push(format!("rule {found} where {expected} belongs"));
            }
        }
    }
    wrong
}

/// All tests that there are.
#[derive(Default)]
struct Tests {
    /// Ids of cases written by hand.
    rows: BTreeSet<String>,
    /// Ids of such cases whose answer was recorded.
    recorded: BTreeSet<String>,
    /// Operations by file.
    vectors: BTreeMap<String, BTreeSet<String>>,
    /// Modules and functions with `#[test]` on them.
    functions: BTreeSet<(String, String)>,
    explained: BTreeSet<String>,
}

impl Tests {
    fn of_the_project() -> Tests {
        let mut tests = Tests::default();
        for file in files("tests/vectors/cases", "jsonl") {
            for line in std::fs::read_to_string(file).unwrap().lines() {
                tests.rows.extend(member(line, "id"));
            }
        }
        for file in files("tests/vectors", "jsonl") {
            if file.parent().is_some_and(|folder| folder.ends_with("cases")) {
                continue;
            }
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&file).unwrap();
            for line in text.lines().filter(|line| line.contains("\"answer\":")) {
                tests.recorded.extend(member(line, "id"));
                tests.vectors.entry(name.clone()).or_default().extend(member(line, "op"));
            }
        }
        for folder in ["tests", "src"] {
            for file in files(folder, "rs") {
                let path = file.strip_prefix(root().join(folder)).unwrap().with_extension("");
                let path = path.to_string_lossy();
                let module = path.strip_suffix("/main").or(path.strip_suffix("/mod"));
                let module = module.unwrap_or(&path).to_owned();
                let text = std::fs::read_to_string(&file).unwrap();
                for name in test_functions(&text) {
                    tests.functions.insert((module.clone(), name));
                }
            }
        }
        let compare = read("tests/support/compare.rs");
        for line in compare.lines() {
            let constant = line
                .strip_prefix("pub const ")
                .and_then(|rest| rest.split_once(": &str = \""))
                .map(|(_, name)| name);
            if let Some(name) = line.trim().strip_prefix("name: \"").or(constant) {
                tests.explained.insert(name.trim_end_matches(['"', ',', ';']).to_owned());
            }
        }
        tests
    }

    fn missing(&self, citation: &Citation) -> Option<String> {
        match citation {
            Citation::Row(row) => {
                let is_of_row = |id: &String| {
                    id.strip_prefix(row.as_str()).is_some_and(|rest| {
                        rest.is_empty()
                            || (rest.len() == 1 && rest.as_bytes()[0].is_ascii_lowercase())
                    })
                };
                let ids: Vec<&String> = self.rows.iter().filter(|id| is_of_row(id)).collect();
                if ids.is_empty() {
                    return Some(format!("there is no row {row}"));
                }
                let open = ids.into_iter().find(|id| !self.recorded.contains(*id))?;
                Some(format!("row {open} has no recorded answer: run `oracle record`"))
            }
            Citation::Vectors(file, op) => {
                let known = self.vectors.get(file).is_some_and(|ops| ops.contains(op));
                (!known).then(|| format!("there are no vectors of {op} in {file}"))
            }
            Citation::Function(module, name) => {
                let known = self.functions.contains(&(module.clone(), name.clone()));
                (!known).then(|| format!("there is no test {module}::{name}"))
            }
            Citation::Explained(name) => (!self.explained.contains(name))
                .then(|| format!("no difference {name} is explained")),
        }
    }

    /// What is wrong with the tests that the entries name.
    fn problems(&self, entries: &[Entry]) -> Vec<String> {
        let mut wrong = Vec::new();
        for entry in entries {
            let name = &entry.name;
            if entry.tests.is_empty() {
                wrong.push(format!("{name}: names no test"));
            }
            for citation in &entry.tests {
                match citation {
                    Err(text) => wrong.push(format!("{name}: `{text}` is no test")),
                    Ok(citation) => {
                        wrong.extend(self.missing(citation).map(|text| format!("{name}: {text}")));
                    }
                }
            }
        }
        wrong
    }
}

/// The text of a string member of a JSON line.
fn member(line: &str, key: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("\"{key}\":\""))?;
    rest.split_once('"').map(|(text, _)| text.to_owned())
}

/// The functions that carry `#[test]`.
fn test_functions(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            if std::mem::take(&mut is_test) {
                names.push(name.to_owned());
            }
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            is_test = false;
        }
    }
    names
}

/// The targets of links to files: `[text](target)`, outside of code.
fn links(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for rest in line.split("](").skip(1) {
            let target = rest.split_once(')').map_or(rest, |(target, _)| target);
            if !target.contains("://") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

/// The anchors that a document's headings have.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let text = line.trim_start_matches('#').trim().to_lowercase();
            let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// Where a link of this document leads nowhere.
fn broken_link(document: &Path, target: &str) -> Option<String> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() { document.to_owned() } else { document.parent()?.join(path) };
    let broken = !file.exists()
        || (!anchor.is_empty()
            && !anchors(&std::fs::read_to_string(&file).unwrap_or_default()).contains(anchor));
    broken.then(|| format!("{}: {target} leads nowhere", document.display()))
}

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn rules_are_numbered_in_order() {
    let document = read("docs/semantics.md");
    assert!(entries(&document, rule).len() > 80);
    assert_none(&misnumbered(&document));
}

#[test]
fn rules_name_tests_that_exist() {
    let found = entries(&read("docs/semantics.md"), rule);
    assert_none(&Tests::of_the_project().problems(&found));
}

#[test]
fn divergences_name_tests_that_exist() {
    let found = entries(&read("docs/divergences.md"), divergence);
    assert!(found.len() > 10);
    let tests = Tests::of_the_project();
    assert_none(&tests.problems(&found));
    // And the other way round: what the comparison explains is told.
    for name in &tests.explained {
        let cited = Ok(Citation::Explained(name.clone()));
        assert!(found.iter().any(|entry| entry.tests.contains(&cited)), "{name} is not told of");
    }
    assert!(!tests.explained.is_empty());
}

#[test]
fn links_lead_somewhere() {
    let mut documents = files("docs", "md");
    documents.push(root().join("README.md"));
    let mut all = 0;
    let mut problems = Vec::new();
    for document in documents {
        let targets = links(&std::fs::read_to_string(&document).unwrap());
        all += targets.len();
        problems.extend(targets.iter().filter_map(|target| broken_link(&document, target)));
    }
    assert!(all > 5);
    assert_none(&problems);
}

/// That the checks above can fail.
mod checks {
    use super::*;

    fn tests() -> Tests {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Tests {
            rows: names(&["V1", "V2a", "V2b", "V30", "8.1/6", "8.1/60", "W1"]),
            recorded: names(&["V1", "V2a", "V2b", "V30", "8.1/6", "8.1/60"]),
            vectors: BTreeMap::from([("typed.jsonl".to_owned(), names(&["merge"]))]),
            functions: BTreeSet::from([("cli".to_owned(), "works".to_owned())]),
            explained: names(&["known"]),
        }
    }

    fn problems(text: &str) -> Vec<String> {
        tests().problems(&entries(text, rule))
    }

    #[test]
    fn good_citations_pass() {
        assert_none(&problems(
            "**1.1** Text.\n*Tests:* row V1, rows V1-V2,\nrow 8.1/6, vectors `typed.jsonl` (merge), `cli::works`,\nexplained `known`.\n",
        ));
    }

    #[test]
    fn bad_citations_are_found() {
        for (cited, problem) in [
            ("row V3", "1.1: there is no row V3"),
            ("row V", "1.1: there is no row V"),
            ("row 8.1", "1.1: there is no row 8.1"),
            ("row W1", "1.1: row W1 has no recorded answer: run `oracle record`"),
            ("rows V1-V3", "1.1: there is no row V3"),
            ("rows V2-V1", "1.1: `rows V2-V1` is no test"),
            ("rows V1-W2", "1.1: `rows V1-W2` is no test"),
            ("row V1 row V2", "1.1: `row V1 row V2` is no test"),
            (
                "vectors `typed.jsonl` (compare)",
                "1.1: there are no vectors of compare in typed.jsonl",
            ),
            ("vectors `other.jsonl` (merge)", "1.1: there are no vectors of merge in other.jsonl"),
            ("vectors typed.jsonl", "1.1: `vectors typed.jsonl` is no test"),
            ("`cli::fails`", "1.1: there is no test cli::fails"),
            ("`other::works`", "1.1: there is no test other::works"),
            ("`works`", "1.1: ``works`` is no test"),
            ("explained `new`", "1.1: no difference new is explained"),
            ("all of them", "1.1: `all of them` is no test"),
        ] {
            assert_eq!(problems(&format!("**1.1** Text.\n*Tests:* {cited}.\n")), [problem]);
        }
    }

    #[test]
    fn rules_without_tests_are_found() {
        let text = "**1.1** One.\n\n**1.2** Two.\n*Tests:* row V1.\n\n## 2. More\n*Tests:* row V9.\n\n**2.1** Three.\n*Tests:*\n";
        let found = problems(text);
        assert_eq!(found, ["1.1: names no test", "2.1: `` is no test"]);
    }

    #[test]
    fn wrong_numbers_are_found() {
        let text = "## 1. A\n**1.1** a\n**1.3** b\n**1.3** c\n## 3. B\n**2.1** d\n**2.1** e\n";
        assert_eq!(
            misnumbered(text),
            [
                "rule 1.3 where 1.2 belongs",
                "section 3 where 2 belongs",
                "rule 2.1 where 2.2 belongs"
            ]
        );
    }

    #[test]
    fn only_tests_count_as_tests() {
        let source = "#[test]\nfn one() {}\nfn helper() {}\n/// #[test]\nfn no() {}\nproptest! {\n    #[test]\n    /// Why.\n    #[cfg(x)]\n    fn two(a in b()) {}\n}\n";
        assert_eq!(test_functions(source), ["one", "two"]);
    }

    #[test]
    fn the_projects_tests_are_found() {
        let tests = Tests::of_the_project();
        for (module, name) in [
            ("documents", "rules_are_numbered_in_order"),
            ("layering", "modules_use_only_lower_modules"),
            ("cli", "force_takes_the_fields"),
            ("cli/hostile", "corrupt_entries"),
            ("value/text", "json_floats_follow_the_reference"),
            ("vectors", "every_recorded_answer_is_the_crates_own"),
        ] {
            let key = (module.to_owned(), name.to_owned());
            assert!(tests.functions.contains(&key), "{module}::{name}");
        }
        assert!(!tests.functions.iter().any(|(_, name)| name == "assert_none"));
    }

    #[test]
    fn members_are_read() {
        assert_eq!(member(r#"{"id":"V1","op":"merge"}"#, "id").as_deref(), Some("V1"));
        assert_eq!(member(r#"{"id":7}"#, "id"), None);
    }

    #[test]
    fn broken_links_are_found() {
        let text = "[a](b.md) and [c](d/e.md#f)\n```\n[no](code)\n```\n[x](https://example.com)\n";
        assert_eq!(links(text), ["b.md", "d/e.md#f"]);
        let readme = root().join("README.md");
        assert!(broken_link(&readme, "docs/semantics.md").is_none());
        assert!(broken_link(&readme, "docs/semantics.md#3-sets").is_none());
        assert!(broken_link(&readme, "docs/semantics.md#4-sets").is_some());
        assert!(broken_link(&readme, "docs/nothing.md").is_some());
        assert!(broken_link(&readme, "#nothing").is_some());
    }
}
