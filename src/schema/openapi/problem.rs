//! What is wrong with a document, and where.

use std::fmt::Write as _;

use crate::fieldpath::{Path, PathElement};

use super::super::kinds::GroupVersionKind;

/// Something in a definition that is wrong, or hardly meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{definition}{path}: {message}")]
pub struct Problem {
    definition: String,
    path: Path,
    inlined: usize,
    message: String,
    /// The type that it was found in, where the definition is called otherwise.
    type_name: Option<Box<str>>,
}

impl Problem {
    /// The name of the definition: of the schema in an OpenAPI document, or of the
    /// CustomResourceDefinition.
    pub fn definition(&self) -> &str {
        &self.definition
    }

    /// Where in the definition, by the keys of the document: `.properties.spec.items`, or
    /// `.spec.versions[0].schema.openAPIV3Schema.properties.spec.items`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong there.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The problem as `schemaconv` tells it, which does not say where in the definition it is but how
    /// deep.
    pub fn server_text(&self) -> String {
        let mut text = "inlined in ".repeat(self.inlined);
        let name = self.type_name.as_deref().unwrap_or(&self.definition);
        let _ = write!(text, "{name}: {}", self.message);
        text
    }

    /// The same place with something else to say of it.
    pub(super) fn saying(self, message: String) -> Problem {
        Problem { message, ..self }
    }

    /// The same problem as part of a definition that contains this one.
    pub(super) fn inside(self, definition: &str, way: &[PathElement]) -> Problem {
        let elements = way.iter().chain(self.path.elements()).cloned();
        Problem {
            path: elements.collect(),
            definition: definition.to_owned(),
            type_name: self.type_name.or_else(|| Some(self.definition.into_boxed_str())),
            ..self
        }
    }

    /// The problem as the builder of models tells it, which knows properties alone.
    fn model_text(&self) -> String {
        let mut text = self.definition.clone();
        let mut steps = self.path.elements().iter();
        while let Some(PathElement::FieldName(step)) = steps.next() {
            if step == "properties"
                && let Some(PathElement::FieldName(name)) = steps.next()
            {
                let _ = write!(text, ".{name}");
            }
        }
        match text.as_str() {
            "" => format!("SchemaError: {}", self.message),
            _ => format!("SchemaError({text}): {}", self.message),
        }
    }
}

/// Why an OpenAPI document or a CustomResourceDefinition gives no types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenApiError {
    /// The document says neither `openapi` nor `swagger`, or not the one that was asked for.
    #[error("this is no OpenAPI document of that version")]
    NotOpenApi,
    /// The document is no CustomResourceDefinition of a version that is known.
    #[error(
        "this is no CustomResourceDefinition of apiextensions.k8s.io/v1 or \
         apiextensions.k8s.io/v1beta1"
    )]
    NotADefinition,
    /// A keyword has a value that it cannot have, or, in v2, is none.
    #[error("{0}")]
    Unreadable(Problem),
    /// A v2 document has a schema that clients have no model for.
    #[error("{0}")]
    NoModel(Problem),
    /// Problems for which the document is refused.
    #[error("{}", lines(.problems, *.more))]
    Refused {
        /// The first of them.
        problems: Vec<Problem>,
        /// How many more there are.
        more: usize,
    },
    /// Definitions of a v2 document claim one kind twice.
    #[error("{definition}: duplicate entry for {kind}")]
    DuplicateKind {
        /// The later one.
        definition: String,
        /// The kind.
        kind: GroupVersionKind,
    },
}

impl OpenApiError {
    /// The problems, if they are known by their place.
    pub fn problems(&self) -> &[Problem] {
        match self {
            OpenApiError::Unreadable(problem) | OpenApiError::NoModel(problem) => {
                std::slice::from_ref(problem)
            }
            OpenApiError::Refused { problems, .. } => problems,
            OpenApiError::NotOpenApi
            | OpenApiError::NotADefinition
            | OpenApiError::DuplicateKind { .. } => &[],
        }
    }

    /// The same error with its problems changed.
    pub(super) fn with_problems(self, change: impl Fn(Problem) -> Problem) -> OpenApiError {
        match self {
            OpenApiError::Unreadable(problem) => OpenApiError::Unreadable(change(problem)),
            OpenApiError::NoModel(problem) => OpenApiError::NoModel(change(problem)),
            OpenApiError::Refused { problems, more } => {
                OpenApiError::Refused { problems: problems.into_iter().map(change).collect(), more }
            }
            other => other,
        }
    }

    /// The error as the reference's libraries tell it, but for documents that cannot be read.
    pub fn server_text(&self) -> String {
        match self {
            OpenApiError::NoModel(problem) => problem.model_text(),
            OpenApiError::Refused { problems, .. } => {
                let lines: Vec<String> = problems.iter().map(Problem::server_text).collect();
                lines.join("\n")
            }
            OpenApiError::DuplicateKind { kind, .. } => format!("duplicate entry for {kind}"),
            other => other.to_string(),
        }
    }
}

fn lines(problems: &[Problem], more: usize) -> String {
    let mut text: Vec<String> = problems.iter().map(Problem::to_string).collect();
    if more > 0 {
        text.push(format!("and {more} more"));
    }
    text.join("\n")
}

/// A place in a definition. Its text is made only where there is a problem.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    definition: &'p str,
    before: Option<&'p Place<'p>>,
    step: &'p str,
    inlined: usize,
}

impl<'p> Place<'p> {
    pub(super) fn of(definition: &'p str) -> Place<'p> {
        Place { definition, before: None, step: "", inlined: 0 }
    }

    pub(super) fn at(&'p self, step: &'p str) -> Place<'p> {
        Place { before: Some(self), step, ..*self }
    }

    /// The same place, seen from the type that is inlined there.
    pub(super) fn inlined(self) -> Place<'p> {
        Place { inlined: self.inlined + 1, ..self }
    }

    pub(super) fn definition(&self) -> &'p str {
        self.definition
    }

    pub(super) fn is_inlined(&self) -> bool {
        self.inlined > 0
    }

    pub(super) fn problem(&self, message: impl Into<String>) -> Problem {
        let mut steps = Vec::new();
        let mut place = self;
        while let Some(before) = place.before {
            steps.push(PathElement::FieldName(place.step.to_owned()));
            place = before;
        }
        steps.reverse();
        Problem {
            definition: self.definition.to_owned(),
            path: Path::new(steps),
            inlined: self.inlined,
            message: message.into(),
            type_name: None,
        }
    }
}

/// As many are told one by one; deep paths of many problems would have no end.
const TOLD: usize = 100;

/// What a walk found.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    more: usize,
    remarks: Vec<Problem>,
}

impl Findings {
    pub(super) fn problem(&mut self, place: &Place<'_>, message: impl Into<String>) {
        if self.problems.len() < TOLD {
            self.problems.push(place.problem(message));
        } else {
            self.more += 1;
        }
    }

    pub(super) fn remark(&mut self, place: &Place<'_>, message: impl Into<String>) {
        if self.has_room() {
            self.remarks.push(place.problem(message));
        }
    }

    /// Whether another remark will be kept.
    pub(super) fn has_room(&self) -> bool {
        self.remarks.len() < TOLD
    }

    /// The remarks, if there is no problem.
    pub(super) fn finish(self) -> Result<Vec<Problem>, OpenApiError> {
        let Findings { problems, more, remarks } = self;
        if problems.is_empty() {
            Ok(remarks)
        } else {
            Err(OpenApiError::Refused { problems, more })
        }
    }
}

/// Of a definition that is nothing but a reference, in a circle or not, no type is made.
pub(super) fn only_a_reference(target: &str) -> String {
    format!(
        "definition {target} is only a reference, of which no type is made: a value here is refused"
    )
}
