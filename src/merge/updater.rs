//! The engine for users who keep field ownership of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fieldpath::{FieldSet, Filter};
use crate::typed::{TypedValue, Validity};
use crate::value::{Arena, Value, ValueRef};

use super::converter::{ConvertError, Converter};
use super::core::{Applier, Conversion, Engine, Filters, Object, UpdaterError};
use super::managers::Managers;

/// What an operation came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The new object; none when an apply changed nothing in it.
    pub object: Option<TypedValue>,
    /// What every manager owns now.
    pub managers: Managers,
}

/// Records who owns which field of an object as managers update it and apply to it.
///
/// ```
/// use managed_fields::merge::{Managers, SameVersion, Updater};
/// use managed_fields::{schema::Schema, typed::TypedValue, value::Value};
///
/// let ty = Schema::deduced_type();
/// let object = |json: &str| -> Result<_, Box<dyn std::error::Error>> {
///     Ok(TypedValue::new(Value::from_json(json)?, ty.clone())?)
/// };
/// let updater = Updater::new(&SameVersion);
/// let none = Managers::new();
///
/// let first = updater.apply(&object("null")?, &object(r#"{"a":1}"#)?, "v1", &none, "ann", false)?;
/// let live = first.object.ok_or("nothing changed")?;
/// let config = object(r#"{"a":2}"#)?;
/// let refused = updater.apply(&live, &config, "v1", &first.managers, "bob", false);
/// let refused = refused.err().map(|error| error.to_string());
/// assert_eq!(refused.as_deref(), Some(r#"conflict with "ann": .a"#));
/// let forced = updater.apply(&live, &config, "v1", &first.managers, "bob", true)?;
/// assert!(forced.managers.get("ann").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Updater<'c> {
    converter: &'c dyn Converter,
    filters: Filters,
    return_input_on_noop: bool,
}

impl<'c> Updater<'c> {
    /// An updater that tracks all fields.
    pub fn new(converter: &'c dyn Converter) -> Updater<'c> {
        Updater { converter, filters: Filters::default(), return_input_on_noop: false }
    }

    /// Fields that are not tracked, with all below them, by API version. The older form of
    /// [`ignore_filter`](Self::ignore_filter).
    pub fn ignored_fields(mut self, fields: BTreeMap<String, FieldSet>) -> Updater<'c> {
        self.filters.fields = Some(fields);
        self
    }

    /// Filters for the fields that are tracked, by API version.
    pub fn ignore_filter(mut self, filters: BTreeMap<String, Filter>) -> Updater<'c> {
        self.filters.filters = Some(filters);
        self
    }

    /// Whether an apply that changes nothing returns the object all the same.
    pub fn return_input_on_noop(mut self, yes: bool) -> Updater<'c> {
        self.return_input_on_noop = yes;
        self
    }

    /// Records that `manager` replaced `live` by `new`.
    ///
    /// # Errors
    /// Objects that cannot be compared or converted. Never a conflict.
    pub fn update(
        &self,
        live: &TypedValue,
        new: &TypedValue,
        version: &str,
        managers: &Managers,
        manager: &str,
    ) -> Result<Outcome, UpdaterError> {
        let mut workspace = Workspace::of(live, new)?;
        let Workspace { arena, left, right } = &mut workspace;
        let updated = self
            .engine(arena, &Adapter(self.converter))
            .update(left, right, version, managers, manager)?;
        Ok(Outcome { object: Some(new.clone()), managers: updated.managers })
    }

    /// Applies `config` to `live` on behalf of `manager`.
    ///
    /// # Errors
    /// [`UpdaterError::Conflicts`] unless forced; objects that cannot be merged, compared or
    /// converted. Nothing has changed then.
    pub fn apply(
        &self,
        live: &TypedValue,
        config: &TypedValue,
        version: &str,
        managers: &Managers,
        manager: &str,
        force: bool,
    ) -> Result<Outcome, UpdaterError> {
        let mut workspace = Workspace::of(live, config)?;
        let Workspace { arena, left, right } = &mut workspace;
        let adapter = Adapter(self.converter);
        let mut engine = self.engine(arena, &adapter);
        let overlay =
            if right.validity == Validity::Strict { engine.overlay(left, right) } else { None };
        let applied =
            engine.apply(left, right, managers, Applier { manager, version, force }, overlay)?;
        let object = applied.object.map(|object| {
            let value = Value::from_parts(Arc::new(workspace.arena), object.node);
            TypedValue::with_validity(value, object.ty, object.validity)
        });
        Ok(Outcome { object, managers: applied.managers })
    }

    fn engine<'e>(
        &'e self,
        arena: &'e mut Arena<'static>,
        conversion: &'e Adapter<'e>,
    ) -> Engine<'e, 'static> {
        Engine {
            arena,
            conversion,
            filters: &self.filters,
            return_input_on_noop: self.return_input_on_noop,
        }
    }
}

/// Two values in one arena.
struct Workspace {
    arena: Arena<'static>,
    left: Object,
    right: Object,
}

impl Workspace {
    fn of(left: &TypedValue, right: &TypedValue) -> Result<Workspace, UpdaterError> {
        let (own, left_root) = left.parts();
        let (other, right_root) = right.parts();
        let (arena, moved) = Arena::joined(own, other).map_err(|_| {
            UpdaterError::Objects("the two objects together are too large".to_owned())
        })?;
        let object = |value: &TypedValue, node| Object {
            node,
            ty: value.ty().clone(),
            validity: value.validity(),
        };
        let (left, right) = (object(left, left_root), object(right, moved.node(right_root)));
        Ok(Workspace { arena, left, right })
    }
}

/// A user's converter, which sees objects as values of their own.
struct Adapter<'c>(&'c dyn Converter);

impl Conversion<'static> for Adapter<'_> {
    fn convert(
        &self,
        arena: &mut Arena<'static>,
        object: &Object,
        version: &str,
    ) -> Result<Object, ConvertError> {
        if self.0.keeps_objects() {
            return Ok(object.clone());
        }
        // A value of its own: the arena grows with every conversion.
        let value = ValueRef::new(arena, object.node).to_value();
        let value = TypedValue::with_validity(value, object.ty.clone(), object.validity);
        let converted = self.0.convert(&value, version)?;
        let (given, given_root) = value.parts();
        let (other, root) = converted.parts();
        let node = if std::ptr::eq(other, given) && root.is_same(given_root) {
            object.node
        } else {
            let moved = arena.append(other).map_err(|_| {
                ConvertError::Failed("the converted object is too large".to_owned())
            })?;
            moved.node(root)
        };
        let validity = converted.validity();
        let validity =
            if validity == Validity::Unknown { Validity::Unknown } else { Validity::Repeating };
        Ok(Object { node, ty: converted.ty().clone(), validity })
    }

    fn keeps_objects(&self) -> bool {
        self.0.keeps_objects()
    }
}
