//! Which kinds a file of definitions is about, told from how its lines begin.
//!
//! Reading YAML takes by far the longest of everything that is done with a definition, and of
//! thousands few are needed. Files as generators write them need not be read for that: each part of a
//! definition that matters has a line of its own there, at a known depth.

/// The groups and kinds of the definitions in a file. None if there may be anything else in it, or
/// if it is written in another way. Linear in the text.
pub(super) fn kinds(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut kinds = Vec::new();
    let mut outline = Outline::default();
    for line in text.lines() {
        if line.trim_end() == "---" {
            kinds.extend(std::mem::take(&mut outline).finish()?);
        } else {
            outline.line(line)?;
        }
    }
    kinds.extend(outline.finish()?);
    (!kinds.is_empty()).then_some(kinds)
}

/// What was seen of a definition.
#[derive(Default)]
struct Outline<'t> {
    version: Option<&'t str>,
    is_definition: bool,
    section: &'t str,
    has_spec: bool,
    has_names: bool,
    is_in_names: bool,
    group: Option<&'t str>,
    kind: Option<&'t str>,
}

impl<'t> Outline<'t> {
    /// None for a line that may mean more than it looks like.
    fn line(&mut self, line: &'t str) -> Option<()> {
        let said = line.trim_start_matches(' ');
        if said.is_empty() || said.starts_with('#') {
            return Some(());
        }
        match line.len() - said.len() {
            0 => self.top(said.trim_end()),
            2 if self.section == "spec:" => self.of_spec(said),
            4 if self.is_in_names => match said.strip_prefix("kind:") {
                Some(kind) => set(&mut self.kind, kind),
                None => is_harmless(said).then_some(()),
            },
            _ => Some(()),
        }
    }

    fn top(&mut self, line: &'t str) -> Option<()> {
        self.is_in_names = false;
        self.section = line;
        match line {
            "apiVersion: apiextensions.k8s.io/v1" | "apiVersion: apiextensions.k8s.io/v1beta1" => {
                self.version.replace(line).is_none().then_some(())
            }
            "kind: CustomResourceDefinition" => {
                (!std::mem::replace(&mut self.is_definition, true)).then_some(())
            }
            "spec:" => (!std::mem::replace(&mut self.has_spec, true)).then_some(()),
            "metadata:" | "status:" => Some(()),
            _ => None,
        }
    }

    fn of_spec(&mut self, said: &'t str) -> Option<()> {
        self.is_in_names = false;
        if let Some(group) = said.strip_prefix("group:") {
            return set(&mut self.group, group);
        }
        if said.starts_with("names:") {
            self.is_in_names = true;
            let is_first = !std::mem::replace(&mut self.has_names, true);
            return (is_first && said.trim_end() == "names:").then_some(());
        }
        is_harmless(said).then_some(())
    }

    fn finish(self) -> Option<Option<(&'t str, &'t str)>> {
        let is_empty = self.version.is_none() && !self.is_definition && self.section.is_empty();
        match (self.version, self.is_definition, self.group, self.kind) {
            _ if is_empty => Some(None),
            (Some(_), true, Some(group), Some(kind)) => Some(Some((group, kind))),
            _ => None,
        }
    }
}

/// Takes a value that means what it looks like, once.
fn set<'t>(place: &mut Option<&'t str>, value: &'t str) -> Option<()> {
    let value = value.strip_prefix(' ')?.trim();
    let is_plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    (is_plain && !value.is_empty() && place.replace(value).is_none()).then_some(())
}

/// Whether a line is another key as it looks, or an item of a list, which may stand as deep as its key.
fn is_harmless(said: &str) -> bool {
    said.starts_with("- ") || said.starts_with(|first: char| first.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::kinds;

    const LAMP: &str = "# Generated\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
        metadata:\n  name: lamps.example.com\nspec:\n  group: example.com\n  names:\n    categories:\n    \
        - all\n    kind: Lamp\n  scope: Namespaced\n  versions:\n  - name: v1\n    schema:\n      kind: Other\n";

    #[test]
    fn kinds_are_told_from_lines() {
        assert_eq!(kinds(LAMP), Some(vec![("example.com", "Lamp")]));
        let both = format!("{LAMP}---\n{}\n---\n", LAMP.replace("kind: Lamp", "kind: Bulb"));
        assert_eq!(kinds(&both), Some(vec![("example.com", "Lamp"), ("example.com", "Bulb")]));
    }

    #[test]
    fn whatever_may_mean_something_else_is_left_to_the_reader() {
        for (from, to) in [
            ("  group: example.com", "  group: 'example.com'"),
            ("  group: example.com", "  group: &g example.com"),
            ("  group: example.com", "  group: example.com # ours"),
            ("  group: example.com", "  'group': example.com"),
            ("  group: example.com", "  <<: *spec"),
            ("  group: example.com", "  group: a\n  group: b"),
            ("  group: example.com\n", ""),
            ("    kind: Lamp", "    \"kind\": Lamp"),
            ("    kind: Lamp\n", ""),
            ("  names:", "  names: &names"),
            ("  names:", "  names: {kind: Lamp}"),
            ("kind: CustomResourceDefinition", "kind: ConfigMap"),
            ("kind: CustomResourceDefinition", "kind: \"CustomResourceDefinition\""),
            ("apiextensions.k8s.io/v1", "apiextensions.k8s.io/v2"),
            ("metadata:", "other: 1\nmetadata:"),
            ("spec:", "spec: &spec"),
            ("---\n", "%YAML 1.1\n---\n"),
        ] {
            let changed = LAMP.replacen(from, to, 1);
            assert_ne!(changed, LAMP, "{from}");
            assert_eq!(kinds(&changed), None, "{to}");
        }
        assert_eq!(kinds(""), None);
        assert_eq!(kinds("{}"), None);
        assert_eq!(kinds(&format!("{LAMP}---\napiVersion: v1\nkind: Namespace\n")), None);
    }
}
