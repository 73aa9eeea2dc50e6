//! Values with their types, for users of the engine without Kubernetes objects.

use std::sync::{Arc, OnceLock};

use crate::fieldpath::FieldSet;
use crate::schema::{SCHEMA_OF_SCHEMAS, Schema, Type};
use crate::value::{Arena, Node, Value, ValueRef};

use super::compare::{Comparison, compare};
use super::error::{ValidationError, ValidationErrors};
use super::merge::merge;
use super::reconcile::{ReconcileError, reconcile};
use super::select::{extract_items, extract_items_with_keys, remove_items};
use super::to_field_set::to_field_set;
use super::validate::{Duplicates, validate};

/// A document is not a merge schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unable to validate schema: {0}")]
pub struct SchemaError(#[from] ValidationErrors);

/// Reads a merge-schema document, as structured-merge-diff writes it.
///
/// Linear in the document.
///
/// # Errors
/// A document that does not follow the schema of schemas: unknown words, repeated names.
///
/// ```
/// use managed_fields::{typed::parse_schema, value::Value};
/// let document = Value::from_json(
///     r#"{"types":[{"name":"labels","map":{"elementType":{"scalar":"string"}}}]}"#,
/// )?;
/// let schema = parse_schema(&document)?;
/// assert!(schema.type_named("labels").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_schema(document: &Value) -> Result<Schema, SchemaError> {
    static RULES: OnceLock<Schema> = OnceLock::new();
    let rules = RULES.get_or_init(|| match Value::from_json(SCHEMA_OF_SCHEMAS) {
        Ok(document) => Schema::from_document(document.as_ref()),
        Err(_) => Schema::deduced(),
    });
    let (arena, root) = document.parts();
    if let Some(schema) = rules.type_named("schema") {
        validate(arena, root, rules, schema.id, Duplicates::Refuse)?;
    }
    Ok(crate::deep::with_stack(arena.depth(), || Schema::from_document(document.as_ref())))
}

/// A value and its type.
#[derive(Clone, Debug)]
pub struct TypedValue {
    value: Value,
    ty: Type,
    validity: Validity,
}

/// How much is known of a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Validity {
    /// Nothing was checked.
    Unknown,
    /// Of its type, but items of a list may repeat.
    Repeating,
    /// Of its type.
    Strict,
}

impl TypedValue {
    /// Checks a value against a type.
    ///
    /// # Errors
    /// All places where the value is not of the type.
    pub fn new(value: Value, ty: Type) -> Result<TypedValue, ValidationErrors> {
        let (arena, root) = value.parts();
        validate(arena, root, &ty.schema, ty.id, Duplicates::Refuse)?;
        Ok(TypedValue { value, ty, validity: Validity::Strict })
    }

    /// As [`new`](Self::new), but items of sets and keyed lists may repeat, as they may in objects
    /// that are stored already.
    ///
    /// # Errors
    /// All places where the value is not of the type.
    pub fn with_duplicates(value: Value, ty: Type) -> Result<TypedValue, ValidationErrors> {
        let (arena, root) = value.parts();
        validate(arena, root, &ty.schema, ty.id, Duplicates::Allow)?;
        Ok(TypedValue { value, ty, validity: Validity::Repeating })
    }

    /// Takes the value as it is.
    pub fn unvalidated(value: Value, ty: Type) -> TypedValue {
        TypedValue { value, ty, validity: Validity::Unknown }
    }

    pub(crate) fn with_validity(value: Value, ty: Type, validity: Validity) -> TypedValue {
        TypedValue { value, ty, validity }
    }

    pub(crate) fn validity(&self) -> Validity {
        self.validity
    }

    /// The value.
    pub fn value(&self) -> ValueRef<'_> {
        self.value.as_ref()
    }

    /// The value, to keep.
    pub fn to_value(&self) -> Value {
        self.value.clone()
    }

    pub(crate) fn parts(&self) -> (&Arena<'static>, Node) {
        self.value.parts()
    }

    /// The type.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// Both values in one arena.
    fn joined(&self, other: &TypedValue) -> Result<(Arena<'static>, Node, Node), ValidationErrors> {
        check_same_type(&self.ty, &other.ty)?;
        let (left, left_root) = self.parts();
        let (right, right_root) = other.parts();
        match Arena::joined(left, right) {
            Ok((arena, moved)) => Ok((arena, left_root, moved.node(right_root))),
            Err(_) => Err(problem("the two values together are too large")),
        }
    }

    fn derived(&self, arena: Arena<'static>, root: Node) -> TypedValue {
        let value = Value::from_parts(Arc::new(arena), root);
        TypedValue { value, ty: self.ty.clone(), validity: Validity::Unknown }
    }

    /// Merges a partially specified value into this one; nothing is removed.
    ///
    /// # Errors
    /// Values of different types, and what is wrong in values that were not validated.
    pub fn merge(&self, other: &TypedValue) -> Result<TypedValue, ValidationErrors> {
        let (mut arena, left, right) = self.joined(other)?;
        let trusted = self.validity >= Validity::Repeating && other.validity == Validity::Strict;
        let merged = merge(&mut arena, left, right, &self.ty.schema, self.ty.id, trusted)?.node;
        Ok(self.derived(arena, merged))
    }

    /// The paths in which `other` differs from this value.
    ///
    /// # Errors
    /// Values of different types, and what is wrong in values that were not validated.
    pub fn compare(&self, other: &TypedValue) -> Result<Comparison, ValidationErrors> {
        let (arena, left, right) = self.joined(other)?;
        let trusted = self.validity.min(other.validity) >= Validity::Repeating;
        compare(&arena, left, right, &self.ty.schema, self.ty.id, trusted)
    }

    /// The fields that an applier of this value claims.
    ///
    /// # Errors
    /// References of the schema that lead nowhere.
    pub fn to_field_set(&self) -> Result<FieldSet, ValidationErrors> {
        let (arena, root) = self.parts();
        to_field_set(arena, root, &self.ty.schema, self.ty.id).map(|fields| fields.set)
    }

    /// Without the paths of `set` and all below them; null when nothing is left.
    pub fn remove_items(&self, set: &FieldSet) -> TypedValue {
        let (arena, root) = self.parts();
        let mut arena = arena.clone();
        let node = remove_items(&mut arena, root, &self.ty.schema, self.ty.id, set);
        self.derived(arena, node)
    }

    /// The paths of `set` alone; null when nothing is left. Callers usually pass the leaves of a
    /// set.
    pub fn extract_items(&self, set: &FieldSet) -> TypedValue {
        let (arena, root) = self.parts();
        let mut arena = arena.clone();
        let node = extract_items(&mut arena, root, &self.ty.schema, self.ty.id, set);
        self.derived(arena, node)
    }

    /// As [`extract_items`](Self::extract_items), with the keys of the list items on the way.
    pub fn extract_items_with_keys(&self, set: &FieldSet) -> TypedValue {
        let (arena, root) = self.parts();
        let mut arena = arena.clone();
        let node = extract_items_with_keys(&mut arena, root, &self.ty.schema, self.ty.id, set);
        self.derived(arena, node)
    }
}

/// Values are merged and compared only under the same type of the same schema.
pub(crate) fn check_same_type(left: &Type, right: &Type) -> Result<(), ValidationErrors> {
    if left.schema != right.schema {
        return Err(problem("expected objects with types from the same schema"));
    }
    if left != right {
        return Err(problem(&format!(
            "expected objects of the same type, but got {} and {}",
            left.name(),
            right.name()
        )));
    }
    Ok(())
}

impl Type {
    /// Replaces, in a stored set, all paths at and below what this type makes atomic by the one
    /// path of it. None when nothing has to change.
    ///
    /// # Errors
    /// References of the schema that lead nowhere.
    pub fn reconcile_field_set(&self, set: &FieldSet) -> Result<Option<FieldSet>, ReconcileError> {
        reconcile(set, &self.schema, self.id)
    }

    /// Adds to a set every declared field on the way to its members.
    pub fn ensure_named_fields_are_members(&self, set: &FieldSet) -> FieldSet {
        super::named_fields::ensure_named_fields_are_members(set, &self.schema, self.id)
    }
}

#[cold]
fn problem(message: &str) -> ValidationErrors {
    ValidationErrors(vec![ValidationError::told(String::new(), message.to_owned())])
}
