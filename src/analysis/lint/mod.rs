//! Rules that manifests, live objects and definitions are held to.
//!
//! A rule is a row of [`RULES`]: what it is called, which input it looks at, what people are told, and the
//! function that looks. Nothing else knows of it.

mod across;
mod definitions;
mod entries;
mod manifests;
mod refusals;
mod rule;
mod schema_walk;
mod subject;
mod values;

use crate::fieldmanager::{ConfigSource, Location};
use crate::fieldpath::Path;
use crate::schema::{Schemas, Type};
use crate::value::{Value, ValueRef};

pub use across::{Facts, Gathered};
pub use rule::{Input, RULES, Rule, UnknownRule};

use rule::Check;
use subject::{Hit, Subject};

/// What a rule has to say of an object.
#[derive(Debug, Clone)]
pub struct Finding {
    rule: &'static Rule,
    hit: Hit,
}

impl Finding {
    /// The rule.
    pub fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// Where in the object. Items of lists are told by what tells them apart, or by their places.
    pub fn path(&self) -> &Path {
        &self.hit.path
    }

    /// In a definition, of which version and field the schema at the path is: `v1 .spec.ports[]`.
    pub fn field(&self) -> Option<&str> {
        self.hit.field.as_deref()
    }

    /// What is there, in one line.
    pub fn message(&self) -> &str {
        &self.hit.message
    }

    /// The same without values of the object, which may be secrets.
    pub fn message_without_values(&self) -> &str {
        self.hit.hidden.as_deref().unwrap_or(&self.hit.message)
    }

    /// The fields and items of a manifest without which the finding is gone and nothing else has changed.
    /// Empty where that is not sure, and of live objects.
    pub fn removals(&self) -> &[Path] {
        &self.hit.removals
    }
}

/// Holds objects to rules, one at a time.
///
/// ```
/// use managed_fields::{Schemas, Value};
/// use managed_fields::analysis::lint::{Input, Linter};
///
/// let schemas = Schemas::builtin();
/// let linter = Linter::new(&schemas).without(["MF018"])?;
/// let manifest = Value::from_json(
///     r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","creationTimestamp":null}}"#,
/// )?;
/// let kind = managed_fields::GroupVersionKind::new("v1", "ConfigMap");
/// let found = linter.check(&manifest, Input::Manifest, schemas.find(&kind).as_ref());
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].rule().id(), "MF005");
/// assert_eq!(found[0].path().to_string(), ".metadata.creationTimestamp");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Linter<'s> {
    schemas: &'s Schemas,
    /// By their places in [`RULES`].
    is_on: [bool; RULES.len()],
    limits: Limits,
}

/// From when on entries are many.
#[derive(Debug, Clone, Copy)]
struct Limits {
    entries: usize,
    bytes: usize,
}

/// Findings of one rule that are told one by one of an object: nobody reads more, and what is deep has
/// long paths.
const TOLD: usize = 100;

impl<'s> Linter<'s> {
    /// With all rules. The schemas tell which API versions of a kind are known.
    pub fn new(schemas: &'s Schemas) -> Linter<'s> {
        let limits = Limits { entries: 15, bytes: 32 * 1024 };
        Linter { schemas, is_on: [true; RULES.len()], limits }
    }

    /// With these rules alone.
    ///
    /// # Errors
    /// An id that no rule has.
    pub fn only<I: AsRef<str>>(
        mut self,
        ids: impl IntoIterator<Item = I>,
    ) -> Result<Linter<'s>, UnknownRule> {
        self.is_on.fill(false);
        self.switch(ids, true)
    }

    /// Without these rules.
    ///
    /// # Errors
    /// An id that no rule has.
    pub fn without<I: AsRef<str>>(
        self,
        ids: impl IntoIterator<Item = I>,
    ) -> Result<Linter<'s>, UnknownRule> {
        self.switch(ids, false)
    }

    fn switch<I: AsRef<str>>(
        mut self,
        ids: impl IntoIterator<Item = I>,
        on: bool,
    ) -> Result<Linter<'s>, UnknownRule> {
        for id in ids {
            let at = Rule::place_of(id.as_ref())?;
            if let Some(is_on) = self.is_on.get_mut(at) {
                *is_on = on;
            }
        }
        Ok(self)
    }

    /// More entries than these are many; 15 if not said.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Linter<'s> {
        self.limits.entries = entries;
        self
    }

    /// Entries of more bytes than these, as the API server writes them, are large; 32 KiB if not said.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Linter<'s> {
        self.limits.bytes = bytes;
        self
    }

    /// The rules that are on.
    fn on(&self) -> impl Iterator<Item = &'static Rule> {
        RULES.iter().zip(self.is_on).filter(|(_, is_on)| *is_on).map(|(rule, _)| rule)
    }

    /// What the rules say of one object, in the order of the rules. `input` tells whether it is a
    /// manifest or live; that it is a definition shows. `ty` is the type of its kind; without one rules
    /// that need to know it say nothing.
    ///
    /// Linear in the object and in what is found.
    pub fn check(&self, object: &Value, input: Input, ty: Option<&Type>) -> Vec<Finding> {
        self.check_subject(&self.subject(object, input, ty))
    }

    fn subject<'a>(&'a self, object: &'a Value, input: Input, ty: Option<&'a Type>) -> Subject<'a> {
        let input = if input == Input::Live { Input::Live } else { Input::Manifest };
        Subject::new(object, input, ty, self.schemas, self.limits)
    }

    /// [`check`](Self::check) and [`facts`](Self::facts) in one, and why the entries cannot be read, if
    /// that is so: what an object says of its managers is read once.
    #[cfg(feature = "cli")]
    pub(crate) fn look(
        &self,
        object: &Value,
        input: Input,
        ty: Option<&Type>,
        namespace: &str,
    ) -> (Vec<Finding>, Option<Facts>, Option<crate::analysis::EntriesError>) {
        let subject = self.subject(object, input, ty);
        let broken = if input == Input::Live { subject.broken().cloned() } else { None };
        (self.check_subject(&subject), self.facts_of(&subject, namespace), broken)
    }

    fn check_subject(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let input = subject.input;
        let is_definition = subject.is_definition();
        let looks = |rule: &&Rule| {
            rule.inputs().contains(&input)
                || is_definition && rule.inputs().contains(&Input::Definition)
        };
        let mut findings = Vec::new();
        for rule in self.on().filter(looks) {
            let Check::Object(look) = rule.check() else { continue };
            let mut told = subject::Told::new(TOLD);
            look(subject, &mut told);
            findings.extend(told.finish().map(|mut hit| {
                // What is stored is changed by requests.
                if input == Input::Live {
                    hit.removals.clear();
                }
                Finding { rule, hit }
            }));
        }
        findings
    }

    /// What the rules say of a text that cannot be seen in its value, and where.
    pub fn check_text(&self, source: &ConfigSource) -> Vec<(Finding, Location)> {
        let mut findings = Vec::new();
        for rule in self.on().filter(|rule| matches!(rule.check(), Check::Text)) {
            let repeated = source.repeated_keys(TOLD).into_iter();
            findings.extend(repeated.map(|(path, location)| {
                let message = "the key is there already: the last one counts".to_owned();
                (Finding { rule, hit: Hit::new(path, message) }, location)
            }));
        }
        findings
    }

    /// What an object contributes to the rules that look at several; none if it is nothing.
    /// `namespace` is that of objects that name none.
    pub fn facts(&self, object: &Value, input: Input, namespace: &str) -> Option<Facts> {
        self.facts_of(&self.subject(object, input, None), namespace)
    }

    fn facts_of(&self, subject: &Subject<'_>, namespace: &str) -> Option<Facts> {
        let wants = |wanted| self.on().any(|rule| rule.looks_across(wanted, subject.input));
        Facts::of(subject, namespace, &wants)
    }
}

impl Input {
    /// What an object is, by what only the API server writes: live if it has a `uid`, which every stored
    /// object has and nobody writes, else a manifest.
    ///
    /// ```
    /// use managed_fields::{Value, analysis::lint::Input};
    /// let stored = Value::from_json(r#"{"metadata":{"name":"a","uid":"1"}}"#)?;
    /// assert_eq!(Input::of(&stored), Input::Live);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(object: &Value) -> Input {
        let metadata = object.as_ref().get("metadata");
        let uid = metadata.and_then(|metadata| metadata.get("uid")).and_then(ValueRef::as_str);
        match uid.is_some_and(|uid| !uid.is_empty()) {
            true => Input::Live,
            false => Input::Manifest,
        }
    }
}
