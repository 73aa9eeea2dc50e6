//! The apply configuration that a manager owns of an object.

use crate::fieldpath::FieldsV1Error;
use crate::managedfields::{ListReading, Operation, read_list};
use crate::schema::{GroupVersionKind, Schemas};
use crate::typed::{Duplicates, ValidationErrors, extract_items, restate, validate};
use crate::value::{Arena, Node, ParseError, Source, Tag};

use super::document::Document;
use super::object;

/// Why nothing can be extracted. The text is the reference's.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The object is not JSON.
    #[error("the object is not valid JSON: {0}")]
    Object(ParseError),
    /// The object is not of its type.
    #[error("error converting obj to typed: {0}")]
    Typed(ValidationErrors),
    /// The manager's entry holds no readable record of its fields.
    #[error("error marshalling FieldsV1 to JSON: {0}")]
    Fields(FieldsV1Error),
    /// The manager owns nothing that the object holds.
    #[error("unable to convert managed fields for {0} to unstructured, expected map, got <nil>")]
    Nothing(String),
}

/// An extraction, to be run: the fields of an object that a manager has applied, as the
/// configuration that it would apply.
///
/// Without [`with_keys`](Self::with_keys) it is what client-go extracts: the fields alone, so that
/// an item of a list may lack the keys that tell it from others. Where a manager owns a map and
/// nothing in it, or something that is gone, the map is null. Source: `ExtractInto` of apimachinery.
///
/// ```
/// use managed_fields::{FieldManager, Schemas};
/// let schemas = Schemas::deduced();
/// let live = r#"{"apiVersion":"example.com/v1","kind":"Lamp","metadata":{"name":"a","managedFields":[
///     {"manager":"ann","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1",
///     "fieldsV1":{"f:spec":{"f:on":{}}}}]},"spec":{"on":true,"watts":5}}"#;
/// let extracted = FieldManager::new(&schemas).extract(live).field_manager("ann").run()?;
/// assert_eq!(
///     extracted.as_deref(),
///     Some(r#"{"apiVersion":"example.com/v1","kind":"Lamp","spec":{"on":true}}"#)
/// );
/// # Ok::<(), managed_fields::fieldmanager::ExtractError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is run"]
pub struct ExtractRequest<'s, 'a> {
    schemas: &'s Schemas,
    object: Document<'a>,
    field_manager: String,
    subresource: String,
    with_keys: bool,
}

impl<'s, 'a> ExtractRequest<'s, 'a> {
    pub(super) fn new(schemas: &'s Schemas, object: Document<'a>) -> ExtractRequest<'s, 'a> {
        ExtractRequest {
            schemas,
            object,
            field_manager: String::new(),
            subresource: String::new(),
            with_keys: false,
        }
    }

    /// Whose configuration it is.
    pub fn field_manager(mut self, name: impl Into<String>) -> Self {
        self.field_manager = name.into();
        self
    }

    /// The subresource that it was applied to; the object itself if never said.
    pub fn subresource(mut self, name: impl Into<String>) -> Self {
        self.subresource = name.into();
        self
    }

    /// Whether the result is to be applied again: with name and namespace, with the keys of list
    /// items, and without what the object does not hold.
    ///
    /// An item that the manager owns, but nothing in it, is its keys alone. Applied again by the same
    /// manager, to the same object, the result changes nothing.
    pub fn with_keys(mut self, with_keys: bool) -> Self {
        self.with_keys = with_keys;
        self
    }

    /// Runs the extraction; none if there is no entry of this manager.
    ///
    /// The object is checked against its type first, strictly. n log n in the fields and the object.
    ///
    /// # Errors
    /// An object that is not of its type, an entry whose fields cannot be read, an entry that owns
    /// nothing of what the object holds.
    pub fn run(self) -> Result<Option<String>, ExtractError> {
        let mut arena = Arena::default();
        let root = self.object.parse(&mut arena).map_err(ExtractError::Object)?;
        let root = root.unwrap_or(Node::NULL);
        let kind = object::kind_of(&arena, root);
        let ty = object::type_of(self.schemas, &kind).map_err(ExtractError::Typed)?;
        validate(&arena, root, &ty.schema, ty.id, Duplicates::Refuse)
            .map_err(ExtractError::Typed)?;
        let ListReading::Entries(entries) = read_list(&arena, root) else { return Ok(None) };
        let entry = entries.iter().find(|entry| {
            entry.manager == self.field_manager
                && entry.operation == Operation::Apply.as_str()
                && entry.subresource == self.subresource
        });
        let Some(entry) = entry else { return Ok(None) };
        let fields = entry.fields(&arena).map_err(ExtractError::Fields)?;
        let arena = &mut arena;
        let extracted = if self.with_keys {
            let stated = restate(arena, root, &ty.schema, ty.id, &fields);
            let stated = stated.map_err(ExtractError::Typed)?;
            // Whoever owns nothing states nothing.
            if stated.is_null() { arena.rebuild(Tag::Map, &[]) } else { stated }
        } else {
            extract_items(arena, root, &ty.schema, ty.id, &fields.leaves())
        };
        if extracted.tag() != Tag::Map {
            return Err(ExtractError::Nothing(self.field_manager));
        }
        let named = with_kind(arena, root, extracted, &kind)?;
        let named = if self.with_keys { with_name(arena, root, named) } else { named };
        Ok(Some(arena.detach(named)))
    }
}

/// The extracted fields with the object's kind, unless they hold one.
fn with_kind(
    arena: &mut Arena<'_>,
    object: Node,
    extracted: Node,
    kind: &GroupVersionKind,
) -> Result<Node, ExtractError> {
    if kind.kind.is_empty() || arena.member(extracted, "kind").is_some() {
        return Ok(extracted);
    }
    let version = kind.api_version();
    let mut extracted = extracted;
    for (key, text) in [("apiVersion", &version), ("kind", &kind.kind)] {
        let own = arena.member(object, key);
        let member = match own.filter(|own| own.tag() == Tag::String) {
            Some(own) if arena.string(own) == **text => own,
            _ => {
                let json = serde_json::json!({ key: text }).to_string();
                let made = arena.parse_own(Source::Shared(json.into()));
                let made = made.map_err(ExtractError::Object)?;
                arena.child(made, 0)
            }
        };
        extracted = object::with_member(arena, extracted, member);
    }
    Ok(extracted)
}

/// The extracted fields with the object's name and namespace.
fn with_name(arena: &mut Arena<'_>, object: Node, extracted: Node) -> Node {
    let Some(metadata) = arena.member(object, "metadata") else { return extracted };
    if metadata.tag() != Tag::Map {
        return extracted;
    }
    let identity = ["name", "namespace"].map(|key| arena.member(metadata, key));
    let mut named = match arena.member(extracted, "metadata") {
        Some(named) if named.tag() == Tag::Map => named,
        _ => arena.rebuild(Tag::Map, &[]).with_key_of(metadata),
    };
    for member in identity.into_iter().flatten() {
        named = object::with_member(arena, named, member);
    }
    object::with_member(arena, extracted, named)
}
